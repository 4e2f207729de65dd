/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room is made once for each value, for the longest form that it can take; then bytes are put
 * there without looking. Runs of plain characters, which most text is, are copied at once.
 */
#include "json_writer.h"

#include "eight.h"

#include <assert.h>
#include <errno.h>
#include <glib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_FIRST 16384u
/** A whole number of 64 bits with its sign, and any other one as "%.17g" writes it. */
#define NUMBER_SIZE 32u
/** A character at its longest: "\u001f". */
#define ESCAPE_SIZE 6u
/** Text is escaped in pieces of so many bytes, for which there is room at their longest. */
#define PIECE_SIZE 512u
/** Whole numbers up to here are doubles without loss. */
#define WHOLE_MAX 9007199254740992.0

void kt_json_writer_begin(struct kt_json_writer *json, TALLOC_CTX *context, size_t size_max)
{
    *json = (struct kt_json_writer){.context = context, .size_max = size_max};
}

static bool fail(struct kt_json_writer *json, int failure)
{
    TALLOC_FREE(json->text);
    json->failure = failure;
    return false;
}

/** Make the text larger, for so many bytes in all. @return whether it could be done */
__attribute__((__noinline__)) static bool grow(struct kt_json_writer *json, size_t wanted)
{
    size_t capacity = json->capacity ? json->capacity : CAPACITY_FIRST;
    char *text;

    while (capacity < wanted)
        capacity *= 2;
    text = talloc_realloc_size(json->context, json->text, capacity);
    if (!text)
        return fail(json, -ENOMEM);
    json->text = text;
    json->capacity = capacity;
    return true;
}

/** Make room for so many bytes more and a NUL. @return whether there is; else it has failed */
static inline bool need(struct kt_json_writer *json, size_t size)
{
    size_t wanted = json->size + size + 1;

    return json->failure == 0 && (wanted <= json->capacity || grow(json, wanted));
}

static inline void put(struct kt_json_writer *json, const char *bytes, size_t size)
{
    memcpy(json->text + json->size, bytes, size);
    json->size += size;
}

static inline void put_byte(struct kt_json_writer *json, char byte)
{
    json->text[json->size++] = byte;
}

/** The comma and the name before a value, with room for the value. @return whether to write it */
static bool begin_value(struct kt_json_writer *json, const char *name, size_t value_size)
{
    size_t length = name ? strlen(name) : 0;

    if (json->size > json->size_max && json->failure == 0)
        fail(json, -EMSGSIZE);
    if (!need(json, 1 + length + 3 + value_size))
        return false;
    if (json->needs_comma)
        put_byte(json, ',');
    json->needs_comma = true;
    if (name) {
        put_byte(json, '"');
        put(json, name, length);
        put(json, "\":", 2);
    }
    return true;
}

/* ---------------------------------------------------------------- objects and arrays */

static void open(struct kt_json_writer *json, const char *name, bool is_array)
{
    uint32_t bit = UINT32_C(1) << json->depth;

    assert(json->depth < KT_JSON_WRITER_DEPTH_MAX);
    json->depth++;
    json->is_array = is_array ? json->is_array | bit : json->is_array & ~bit;
    if (begin_value(json, name, 1))
        put_byte(json, is_array ? '[' : '{');
    json->needs_comma = false;
}

void kt_json_write_object(struct kt_json_writer *json, const char *name)
{
    open(json, name, false);
}

void kt_json_write_array(struct kt_json_writer *json, const char *name)
{
    open(json, name, true);
}

void kt_json_write_end(struct kt_json_writer *json)
{
    assert(json->depth > 0);
    json->depth--;
    if (need(json, 1))
        put_byte(json, json->is_array >> json->depth & 1 ? ']' : '}');
    json->needs_comma = true;
}

/* ---------------------------------------------------------------- text */

/** Whether a byte stands for itself. */
static bool is_plain(char byte)
{
    return (unsigned char)byte >= ' ' && (unsigned char)byte < 0x80 && byte != '"' && byte != '\\';
}

static void put_escape(struct kt_json_writer *json, char byte)
{
    static const char bytes[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    static const char digits[] = "0123456789abcdef";
    const char *at = memchr(bytes, byte, sizeof(bytes) - 1);

    put_byte(json, '\\');
    if (at) {
        put_byte(json, letters[at - bytes]);
        return;
    }
    put(json, "u00", 3);
    put_byte(json, digits[byte >> 4 & 15]);
    put_byte(json, digits[byte & 15]);
}

/** One character beyond ASCII. @return where the next one is */
static const char *put_character(struct kt_json_writer *json, const char *text)
{
    gunichar character = g_utf8_get_char_validated(text, -1);
    const char *next = g_utf8_next_char(text);

    if (character == (gunichar)-1 || character == (gunichar)-2) {
        put(json, "\xef\xbf\xbd", 3);
        return text + 1;
    }
    put(json, text, (size_t)(next - text));
    return next;
}

/** Copy what stands for itself. @return where it ends */
static const char *put_plain(struct kt_json_writer *json, const char *text, const char *end)
{
    char *at = json->text + json->size;

    for (; end - text >= (ptrdiff_t)KT_EIGHT; at += KT_EIGHT, text += KT_EIGHT) {
        uint64_t word = kt_eight_load(text);

        if (kt_eight_mark_special(word) | (word & KT_EIGHT_MARKS))
            break;
        memcpy(at, &word, sizeof(word));
    }
    while (text < end && is_plain(*text))
        *at++ = *text++;
    json->size = (size_t)(at - json->text);
    return text;
}

/** What fits into a piece. @return where the next piece begins */
static const char *put_piece(struct kt_json_writer *json, const char *text)
{
    const char *end = text + strnlen(text, PIECE_SIZE);

    while (text < end) {
        text = put_plain(json, text, end);
        if (text == end)
            break;
        if ((unsigned char)*text >= 0x80)
            text = put_character(json, text);
        else
            put_escape(json, *text++);
    }
    return text;
}

void kt_json_write_text(struct kt_json_writer *json, const char *name, const char *text)
{
    if (!begin_value(json, name, 1))
        return;
    put_byte(json, '"');
    /* A character may begin in one piece and reach into the next. */
    while (*text) {
        if (!need(json, (PIECE_SIZE + 1) * ESCAPE_SIZE))
            return;
        text = put_piece(json, text);
        if (json->size > json->size_max) {
            fail(json, -EMSGSIZE);
            return;
        }
    }
    if (need(json, 1))
        put_byte(json, '"');
}

/* ---------------------------------------------------------------- numbers, words */

void kt_json_write_integer(struct kt_json_writer *json, const char *name, int64_t value)
{
    char digits[NUMBER_SIZE];
    size_t at = sizeof(digits);
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        digits[--at] = '-';
    if (begin_value(json, name, sizeof(digits)))
        put(json, digits + at, sizeof(digits) - at);
}

void kt_json_write_number(struct kt_json_writer *json, const char *name, double value)
{
    char text[NUMBER_SIZE];
    int length;

    assert(isfinite(value));
    if (value >= -WHOLE_MAX && value <= WHOLE_MAX && value == (double)(int64_t)value) {
        kt_json_write_integer(json, name, (int64_t)value);
        return;
    }
    length = snprintf(text, sizeof(text), "%.15g", value);
    if (strtod(text, NULL) != value)
        length = snprintf(text, sizeof(text), "%.17g", value);
    if (begin_value(json, name, (size_t)length))
        put(json, text, (size_t)length);
}

static void write_word(struct kt_json_writer *json, const char *name, const char *word)
{
    size_t length = strlen(word);

    if (begin_value(json, name, length))
        put(json, word, length);
}

void kt_json_write_boolean(struct kt_json_writer *json, const char *name, bool value)
{
    write_word(json, name, value ? "true" : "false");
}

void kt_json_write_null(struct kt_json_writer *json, const char *name)
{
    write_word(json, name, "null");
}

/* ---------------------------------------------------------------- the end */

int kt_json_writer_finish(struct kt_json_writer *json, char **ret_text, size_t *ret_size)
{
    assert(json->depth == 0);
    if (json->size > json->size_max && json->failure == 0)
        fail(json, -EMSGSIZE);
    if (need(json, 0))
        json->text[json->size] = '\0';
    *ret_text = json->text;
    if (ret_size)
        *ret_size = json->failure < 0 ? 0 : json->size;
    return json->failure;
}
