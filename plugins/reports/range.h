/* SPDX-License-Identifier: BSD-2-Clause */
/* Which bytes of a file a request wants (RFC 9110, section 14). Pure text and numbers. */
#ifndef REPORTS_RANGE_H
#define REPORTS_RANGE_H

#include <stdint.h>

/** Some bytes of a file. */
struct range {
    uint64_t first, count;
};

/**
 * Read a Range header.
 * @param header     NULL: none
 * @param if_range   the If-Range header, NULL: none; a date never fits
 * @param etag       of the file, with its quotes
 * @param ret_range  the bytes to send
 * @return 200 (the whole file: no range, several ranges, none that we know), 206, 416
 */
int range_read(const char *header, const char *if_range, const char *etag, uint64_t size,
               struct range *ret_range);

#endif
