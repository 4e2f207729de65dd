/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of SQLite with a checksum in each page: a layer below SQLite, above its own access to
 * files. SQLite reserves the last 8 bytes of each page for us. They are written when a page goes
 * to the file and checked when it comes back, so that a flipped bit anywhere, also in what leads
 * to a row, is an error (SQLITE_IOERR_DATA) and never a wrong answer.
 */
#ifndef KT_STORE_SQLITE_PAGES_H
#define KT_STORE_SQLITE_PAGES_H

/** The name of the layer, for sqlite3_open_v2. */
#define KT_SQLITE_PAGES "kontor-pages"
/** The only size of a page that has checksums, and the bytes of it that SQLite leaves to us. */
#define KT_SQLITE_PAGE_BYTES 4096
#define KT_SQLITE_RESERVED_BYTES 8

/** Make the layer known to SQLite; once is enough. From any thread. @return 0, or -ENOSYS */
int kt_sqlite_pages_register(void);

#endif
