/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values as JSON (RFC 8259), the same in files and in previews: dates are "2026-11-20", dates with
 * times "2026-11-20 19:00:00", durations milliseconds, booleans true and false; what no number of
 * JSON or JavaScript can be is a string: NaN, the infinities, integers beyond 2^53.
 */
#ifndef REPORTS_JSON_VALUE_H
#define REPORTS_JSON_VALUE_H

#include "value.h"
#include "writer.h"

/** A string, with its quotes; bytes that are no UTF-8 become U+FFFD. */
void json_put_text(struct writer *writer, const char *text, size_t size);

/** A string of a text with a NUL; NULL: "". */
void json_put_string(struct writer *writer, const char *text);

/** A number, or a string where it can't be one. */
void json_put_real(struct writer *writer, double value);
void json_put_integer(struct writer *writer, int64_t value);

/** A value of a column. */
void json_put_value(struct writer *writer, enum report_type type, const struct report_value *value);

/** The columns as an array of {"name", "title", "type", "format"}. */
void json_put_columns(struct writer *writer, const struct report_column *columns, size_t count);

#endif
