/* SPDX-License-Identifier: BSD-2-Clause */
/* Straight into the writer's buffer, long texts piece by piece. */
#include "json_value.h"

#include "number_text.h"
#include "utf8.h"

#include <math.h>

/** Bytes of a text that are written at once; one may become six ("\u001f"). */
#define PIECE_BYTES ((size_t)2048)
/** Integers up to here are exact in JavaScript. */
#define EXACT_MAX INT64_C(9007199254740992)

static char *put_escaped(char *at, unsigned char byte)
{
    static const char digits[] = "0123456789abcdef";
    static const char letters[] = "\b\t\n\f\r\"\\", names[] = "btnfr\"\\";
    const char *letter = byte ? strchr(letters, byte) : NULL;
    *at++ = '\\';
    if (letter) {
        *at++ = names[letter - letters];
        return at;
    }
    memcpy(at, "u00", 3);
    at[3] = digits[byte >> 4];
    at[4] = digits[byte & 15];
    return at + 5;
}

static char *put_piece(char *at, const char **cursor, const char *end)
{
    const char *text = *cursor;
    while (text < end && text - *cursor < (ptrdiff_t)PIECE_BYTES) {
        unsigned char byte = (unsigned char)*text;
        size_t length = utf8_length(text, (size_t)(end - text));
        if (byte < 0x20 || byte == '"' || byte == '\\') {
            at = put_escaped(at, byte);
        } else if (length == 1) {
            *at++ = *text;
        } else {
            memcpy(at, length > 0 ? text : UTF8_REPLACEMENT, length > 0 ? length : 3);
            at += length > 0 ? length : 3;
        }
        text += length > 0 ? length : 1;
    }
    *cursor = text;
    return at;
}

void json_put_text(struct writer *writer, const char *text, size_t size)
{
    const char *cursor = text, *end = text + size;
    writer_put(writer, "\"", 1);
    while (cursor < end) {
        char *at = writer_room(writer, PIECE_BYTES * 6 + 4);
        if (!at)
            return;
        writer_to(writer, put_piece(at, &cursor, end));
    }
    writer_put(writer, "\"", 1);
}

void json_put_string(struct writer *writer, const char *text)
{
    json_put_text(writer, text ? text : "", text ? strlen(text) : 0);
}

void json_put_real(struct writer *writer, double value)
{
    char *at = writer_room(writer, NUMBER_TEXT_MAX + 2);
    bool is_number = isfinite(value);
    if (!at)
        return;
    if (!is_number)
        *at++ = '"';
    at = number_put_real(at, value);
    if (!is_number)
        *at++ = '"';
    writer_to(writer, at);
}

void json_put_integer(struct writer *writer, int64_t value)
{
    char *at = writer_room(writer, NUMBER_TEXT_MAX + 2);
    bool is_number = value >= -EXACT_MAX && value <= EXACT_MAX;
    if (!at)
        return;
    if (!is_number)
        *at++ = '"';
    at = number_put_integer(at, value);
    if (!is_number)
        *at++ = '"';
    writer_to(writer, at);
}

static void put_moment(struct writer *writer, char *put(char *at, int64_t value), int64_t value)
{
    char *at = writer_room(writer, NUMBER_TEXT_MAX + 2);
    if (!at)
        return;
    *at++ = '"';
    at = put(at, value);
    *at++ = '"';
    writer_to(writer, at);
}

static void put_typed(struct writer *writer, enum report_type type, int64_t value)
{
    switch (type) {
    case REPORT_DATE:
        put_moment(writer, number_put_date, value);
        break;
    case REPORT_DATETIME:
        put_moment(writer, number_put_datetime, value);
        break;
    case REPORT_BOOLEAN:
        writer_put_text(writer, value ? "true" : "false");
        break;
    default:
        json_put_integer(writer, value);
        break;
    }
}

void json_put_value(struct writer *writer, enum report_type type, const struct report_value *value)
{
    switch (value->form) {
    case REPORT_NULL:
        writer_put(writer, "null", 4);
        break;
    case REPORT_IS_TEXT:
        json_put_text(writer, value->text, value->size);
        break;
    case REPORT_IS_INTEGER:
        put_typed(writer, type, value->integer);
        break;
    case REPORT_IS_REAL:
        json_put_real(writer, value->real);
        break;
    }
}

void json_put_columns(struct writer *writer, const struct report_column *columns, size_t count)
{
    writer_put(writer, "[", 1);
    for (size_t i = 0; i < count; i++) {
        writer_put_text(writer, i > 0 ? ",\n{\"name\":" : "\n{\"name\":");
        json_put_string(writer, columns[i].name);
        writer_put_text(writer, ",\"title\":");
        json_put_string(writer, columns[i].title ? columns[i].title : columns[i].name);
        writer_put_text(writer, ",\"type\":");
        json_put_string(writer, report_type_name(columns[i].type));
        writer_put_text(writer, ",\"format\":");
        if (columns[i].format)
            json_put_string(writer, columns[i].format);
        else
            writer_put_text(writer, "null");
        writer_put(writer, "}", 1);
    }
    writer_put(writer, "]", 1);
}
