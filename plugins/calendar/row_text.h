/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes rows of cells, as CSV or as JSON, into a text that grows. Knows what a cell needs in
 * either form, and nothing of calendars.
 */
#ifndef CALENDAR_ROW_TEXT_H
#define CALENDAR_ROW_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

/** A text that is being written. */
struct kt_row_text {
    TALLOC_CTX *context; /**< owns the bytes */
    char *bytes;
    size_t size, room;
    bool is_json;
    bool is_out_of_memory;      /**< then nothing more is written */
    const char *const *columns; /**< of the table that is written; ends with NULL */
    unsigned column;            /**< the next cell's */
};

/** Bytes as they are, with a NUL. */
void kt_row_raw(struct kt_row_text *text, const char *bytes);

/** Begin a table: in CSV its header, in JSON an array. @param columns  ends with NULL; borrowed */
void kt_row_table(struct kt_row_text *text, const char *const *columns);

/** Begin a row; cells follow in the order of the columns, then kt_row_end. */
void kt_row_begin(struct kt_row_text *text);
void kt_row_end(struct kt_row_text *text);

/** A cell: text in UTF-8; NULL is an empty one. */
void kt_row_string(struct kt_row_text *text, const char *value);
/** A cell: a whole number. */
void kt_row_integer(struct kt_row_text *text, int64_t value);
/** A cell: hours, with four digits behind the point at most, so that minutes stay exact. */
void kt_row_hours(struct kt_row_text *text, int64_t seconds);

#endif
