/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes JSON (RFC 8259) straight into a text that grows, without a tree: for answers that are
 * large and made often. The counterpart of json_text.h; on any thread. After the first failure
 * nothing more is written, so that callers need to look once, at the end.
 *
 *     kt_json_writer_begin(&json, context, size_max);
 *     kt_json_write_object(&json, NULL);
 *     kt_json_write_text(&json, "summary", "Lunch");
 *     kt_json_write_end(&json);
 *     result = kt_json_writer_finish(&json, &text, &size);
 *
 * Each value has a name in an object and NULL in an array, or as the only one. Names are the
 * program's own: plain ASCII that needs no escape.
 */
#ifndef CALENDAR_JSON_WRITER_H
#define CALENDAR_JSON_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

/** Objects and arrays in one another; more is a mistake of the program. */
#define KT_JSON_WRITER_DEPTH_MAX 32u

/** A text while it is written. Between any two calls it is JSON up to there. */
struct kt_json_writer {
    TALLOC_CTX *context; /**< owns the text */
    char *text;
    size_t size, capacity, size_max;
    uint32_t depth;
    uint32_t is_array; /**< a bit per depth */
    bool needs_comma;  /**< before the next value */
    int failure;       /**< 0, -ENOMEM, -EMSGSIZE */
};

/** Begin to write. @param size_max  bytes of the whole text */
void kt_json_writer_begin(struct kt_json_writer *json, TALLOC_CTX *context, size_t size_max);

/** Open an object or an array: what follows goes into it, up to its kt_json_write_end. */
void kt_json_write_object(struct kt_json_writer *json, const char *name);
void kt_json_write_array(struct kt_json_writer *json, const char *name);
/** Close the innermost of them. */
void kt_json_write_end(struct kt_json_writer *json);

/** A string. Quotes, backslashes and control characters are escaped; what is no UTF-8 becomes
 * U+FFFD. */
void kt_json_write_text(struct kt_json_writer *json, const char *name, const char *text);
void kt_json_write_integer(struct kt_json_writer *json, const char *name, int64_t value);
/** A finite number; a whole one without a fraction, others with the digits that lose nothing. */
void kt_json_write_number(struct kt_json_writer *json, const char *name, double value);
void kt_json_write_boolean(struct kt_json_writer *json, const char *name, bool value);
void kt_json_write_null(struct kt_json_writer *json, const char *name);

/**
 * All is written, and each object and array closed.
 * @param ret_text  with a NUL behind it; owned by the context. On failure NULL: it is freed
 * @param ret_size  bytes, without the NUL; may be NULL
 * @return 0, -ENOMEM, or -EMSGSIZE: it would have been larger than size_max
 */
int kt_json_writer_finish(struct kt_json_writer *json, char **ret_text, size_t *ret_size);

#endif
