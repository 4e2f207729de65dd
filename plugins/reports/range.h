/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which bytes of a file a request wants, and whether it has them already (RFC 9110, sections 14 and
 * 13.1.2). Pure text and numbers.
 */
#ifndef REPORTS_RANGE_H
#define REPORTS_RANGE_H

#include <stdbool.h>
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

/**
 * Whether an If-None-Match header names this version, or any. Weak names count as strong ones; what
 * comes behind a mistake is not read.
 * @param header  NULL: none, which names nothing
 * @param etag    of the file, with its quotes
 */
bool etag_is_among(const char *header, const char *etag);

#endif
