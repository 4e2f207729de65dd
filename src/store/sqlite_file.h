/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file of a store in SQLite: one connection with it, its statements, what its tables are. Each
 * connection belongs to one thread. Knows nothing of the loop.
 */
#ifndef KT_STORE_SQLITE_FILE_H
#define KT_STORE_SQLITE_FILE_H

#include <kontor/error.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/** The statements of a connection; each is prepared when it is first needed, and kept. */
enum kt_sqlite_statement {
    KT_SQLITE_BEGIN_READ,
    KT_SQLITE_BEGIN_WRITE,
    KT_SQLITE_COMMIT,
    KT_SQLITE_ROLLBACK,
    KT_SQLITE_GET,
    KT_SQLITE_GET_REVISION,
    KT_SQLITE_PUT,
    KT_SQLITE_PUT_NEW,
    KT_SQLITE_PUT_AFTER,
    KT_SQLITE_DELETE,
    KT_SQLITE_DELETE_AFTER,
    KT_SQLITE_SCAN_FROM,
    KT_SQLITE_SCAN_AFTER,
    KT_SQLITE_NEXT_SPACE,
    KT_SQLITE_NEXT_COUNTER,
    KT_SQLITE_CHECK,
    KT_SQLITE_COUNTER,
    KT_SQLITE_COUNTER_NEW,
    KT_SQLITE_COUNTER_ADD,
    KT_SQLITE_LEASE,
    KT_SQLITE_LEASE_SET,
    KT_SQLITE_LEASE_RENEW,
    KT_SQLITE_LEASE_DELETE,
    KT_SQLITE_LEASES_PURGE,
    KT_SQLITE_REVISION,
    KT_SQLITE_REVISION_SET,
    KT_SQLITE_STATEMENTS
};

/** A connection with the file. */
struct kt_sqlite_file {
    sqlite3 *db;
    sqlite3_stmt *statements[KT_SQLITE_STATEMENTS];
    const atomic_bool *is_closing; /**< locks of others are not waited for any more */
    int64_t deadline_ms;           /**< until then locks of others are waited for */
    int frames;                    /**< of the log, after the last commit of this connection */
    dev_t device;                  /**< which file it was when it was opened */
    ino_t inode;
};

/**
 * Open the store; make it if there is none, and bring its tables up to date.
 * @param turn_fd     see sqlite_turn.h; -1: there is none, the file may only be read
 * @param deadline_ms as kt_sqlite_now_ms
 * @param ret_file    to be closed with kt_sqlite_close
 * @return 0 or a negative errno with the words: -ENOTCONN, -EIO, -ENOSPC, -ETIMEDOUT, -ENOMEM
 */
int kt_sqlite_open(const char *path, int turn_fd, int64_t deadline_ms,
                   const atomic_bool *is_closing, struct kt_sqlite_file **ret_file,
                   struct kt_error *error);

/**
 * Open a store that this OS process has open already: nothing is to be looked at, so nobody who
 * writes needs to be waited for.
 */
int kt_sqlite_open_another(const char *path, int64_t deadline_ms, const atomic_bool *is_closing,
                           struct kt_sqlite_file **ret_file, struct kt_error *error);

/** Close it; what has not been committed is gone. NULL: nothing. */
void kt_sqlite_close(struct kt_sqlite_file *file);

/** Whether the path still leads to the file that was opened. */
bool kt_sqlite_is_same(const struct kt_sqlite_file *file, const char *path);

/** What KT_SQLITE_COUNTER_ADD adds; its third parameter is a pointer to this. */
struct kt_sqlite_sum {
    int64_t delta;
    int64_t value; /**< afterwards */
    bool is_over;  /**< it would be too large: then the statement fails, and has changed nothing */
};
#define KT_SQLITE_SUM "kontor sum" /**< what SQLite calls that pointer */

/** Make known to a connection what the statements call that SQLite has not. @return SQLITE_OK or
 * SQLite's status */
int kt_sqlite_define(sqlite3 *db);

/** A statement, ready to be bound. @return 0 or SQLite's status */
int kt_sqlite_prepare(struct kt_sqlite_file *file, enum kt_sqlite_statement number,
                      sqlite3_stmt **ret_statement);

/** Run a statement without parameters and results. @return SQLITE_OK or SQLite's status */
int kt_sqlite_run(struct kt_sqlite_file *file, enum kt_sqlite_statement number);

/** What a status of SQLite is to the callers of the store. @return 0 or a negative errno */
int kt_sqlite_errno(struct kt_sqlite_file *file, int status);

#endif
