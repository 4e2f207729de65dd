/* SPDX-License-Identifier: BSD-2-Clause */
/* Fields are written straight into the writer's buffer, long texts piece by piece. */
#include "csv.h"

#include "number_text.h"
#include "utf8.h"
#include "writer.h"

#include <errno.h>

/** Bytes of a text that are written at once: quotes and apostrophes may double them, replacements
 * treble them. */
#define PIECE_BYTES ((size_t)4096)

struct csv {
    struct report_sink sink; /**< first: it is what the caller has */
    struct writer *writer;
    bool has_bom;
    enum report_type *types;
    size_t count;
};

static bool needs_quotes(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] == '"' || text[i] == ',' || text[i] == '\r' || text[i] == '\n')
            return true;
    return size > 0 && (text[0] == ' ' || text[size - 1] == ' ');
}

/** What makes a formula of a cell that begins with it. */
static bool is_sign(char byte)
{
    return byte == '=' || byte == '+' || byte == '-' || byte == '@';
}

/**
 * Whether a cell begins behind a byte. Cells also begin within a text, since it depends on people's
 * language what separates them, and quotes are none to a program that sees them in the middle of
 * its own cell.
 * @param is_start  whether one begins before it
 */
static bool is_start_behind(char byte, bool is_start)
{
    switch (byte) {
    case ';':
    case ',':
    case '|':
    case '\t':
    case '\r':
    case '\n':
        return true;
    case ' ':
    case '"':
        return is_start;
    default:
        return false;
    }
}

/**
 * One piece: what is no printable character is replaced, quotes are doubled, formulas are texts.
 * @param is_start  whether a cell begins there; from one piece to the next
 */
static char *put_piece(char *at, const char **cursor, const char *end, bool *is_start)
{
    const char *text = *cursor;
    while (text < end && text - *cursor < (ptrdiff_t)PIECE_BYTES) {
        size_t length = utf8_length(text, (size_t)(end - text));
        if (*is_start && is_sign(*text))
            *at++ = '\'';
        *is_start = is_start_behind(*text, *is_start);
        if (length == 1 && *text == '"') {
            *at++ = '"';
            *at++ = '"';
        } else if (length > 0 && utf8_is_printable(text, length)) {
            memcpy(at, text, length);
            at += length;
        } else {
            memcpy(at, UTF8_REPLACEMENT, 3);
            at += 3;
        }
        text += length > 0 ? length : 1;
    }
    *cursor = text;
    return at;
}

static void put_text(struct writer *writer, const char *text, size_t size)
{
    const char *cursor = text, *end = text + size;
    bool has_quotes = needs_quotes(text, size), is_start = true;
    writer_put(writer, "\"", has_quotes);
    writer_put(writer, "'", size > 0 && memchr("\t\r\n", text[0], 3) != NULL);
    while (cursor < end) {
        char *at = writer_room(writer, PIECE_BYTES * 3 + 4);
        if (!at)
            return;
        writer_to(writer, put_piece(at, &cursor, end, &is_start));
    }
    writer_put(writer, "\"", has_quotes);
}

static char *put_integer(char *at, enum report_type type, int64_t integer)
{
    switch (type) {
    case REPORT_DATE:
        return number_put_date(at, integer);
    case REPORT_DATETIME:
        return number_put_datetime(at, integer);
    case REPORT_DURATION:
        return number_put_duration(at, integer);
    case REPORT_BOOLEAN:
        memcpy(at, integer ? "true" : "false", 5);
        return at + (integer ? 4 : 5);
    default:
        return number_put_integer(at, integer);
    }
}

static void put_value(struct writer *writer, enum report_type type,
                      const struct report_value *value)
{
    char *at;
    switch (value->form) {
    case REPORT_NULL:
        break;
    case REPORT_IS_TEXT:
        put_text(writer, value->text, value->size);
        break;
    case REPORT_IS_INTEGER:
        at = writer_room(writer, NUMBER_TEXT_MAX);
        if (at)
            writer_to(writer, put_integer(at, type, value->integer));
        break;
    case REPORT_IS_REAL:
        at = writer_room(writer, NUMBER_TEXT_MAX);
        if (at)
            writer_to(writer, number_put_real(at, value->real));
        break;
    }
}

static int begin(struct report_sink *sink, const struct report_column *columns, size_t count,
                 struct kt_error *error)
{
    struct csv *csv = (struct csv *)sink;
    csv->count = count;
    csv->types = talloc_array(csv, enum report_type, (unsigned)count);
    if (!csv->types)
        return kt_error_set(error, -ENOMEM, "out of memory");
    writer_put(csv->writer, "\xEF\xBB\xBF", csv->has_bom ? 3 : 0);
    for (size_t i = 0; i < count; i++) {
        const char *title = columns[i].title ? columns[i].title : columns[i].name;
        csv->types[i] = columns[i].type;
        writer_put(csv->writer, ",", i > 0);
        put_text(csv->writer, title, strlen(title));
    }
    writer_put(csv->writer, "\r\n", 2);
    return writer_check(csv->writer, error);
}

static bool is_empty(const struct report_value *value)
{
    return value->form == REPORT_NULL || (value->form == REPORT_IS_TEXT && value->size == 0);
}

static int row(struct report_sink *sink, const struct report_value *values, struct kt_error *error)
{
    struct csv *csv = (struct csv *)sink;
    struct writer *writer = csv->writer;
    if (csv->count == 1 && is_empty(values))
        writer_put(writer, "\"\"", 2); /* readers skip empty lines */
    for (size_t i = 0; i < csv->count; i++) {
        writer_put(writer, ",", i > 0);
        put_value(writer, csv->types[i], &values[i]);
    }
    writer_put(writer, "\r\n", 2);
    return writer_check(writer, error);
}

static int end(struct report_sink *sink,
               bool (*progress)(void *argument, uint64_t done, uint64_t total), void *argument,
               struct kt_error *error)
{
    (void)progress;
    (void)argument;
    return writer_flush(((struct csv *)sink)->writer, error);
}

int report_csv_new(TALLOC_CTX *context, int fd, bool bom, struct report_sink **ret_sink,
                   struct kt_error *error)
{
    struct csv *csv = talloc_zero(context, struct csv);
    if (!csv)
        return kt_error_set(error, -ENOMEM, "out of memory");
    csv->sink = (struct report_sink){begin, row, end};
    csv->has_bom = bom;
    int result = writer_new_to_file(csv, fd, &csv->writer, error);
    if (result < 0)
        talloc_free(csv);
    else
        *ret_sink = &csv->sink;
    return result;
}
