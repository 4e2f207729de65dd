/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes are appended; what a byte needs in CSV or JSON is decided where it is written. */
#include "row_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/** Room to begin with; it doubles from there. */
#define ROOM_FIRST ((size_t)16 << 10)
/** talloc's own bound is below 256 MiB. */
#define ROOM_MAX ((size_t)128 << 20)
/** What stands for a byte that no file should have. */
#define REPLACEMENT "\xEF\xBF\xBD"

/* ---------------------------------------------------------------- bytes */

static void put(struct kt_row_text *text, const char *bytes, size_t size)
{
    size_t room = text->room ? text->room : ROOM_FIRST;
    char *more = text->bytes;

    while (room < text->size + size + 1)
        room *= 2;
    if (room != text->room && !text->is_out_of_memory)
        more = room <= ROOM_MAX ? talloc_realloc(text->context, text->bytes, char, (unsigned)room)
                                : NULL;
    text->is_out_of_memory |= !more;
    if (text->is_out_of_memory)
        return;
    text->bytes = more;
    text->room = room;
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
    text->bytes[text->size] = '\0';
}

void kt_row_raw(struct kt_row_text *text, const char *bytes)
{
    put(text, bytes, strlen(bytes));
}

/** Put a text up to an end; each byte for which there is another way to write it goes that way. */
static void put_escaped(struct kt_row_text *text, const char *value, const char *end,
                        const char *(*escape)(unsigned char byte, char buffer[8]))
{
    const char *from = value;
    char buffer[8];

    for (; value < end; value++) {
        const char *other = escape((unsigned char)*value, buffer);

        if (!other)
            continue;
        put(text, from, (size_t)(value - from));
        kt_row_raw(text, other);
        from = value + 1;
    }
    put(text, from, (size_t)(value - from));
}

/* ---------------------------------------------------------------- CSV */

static const char *escape_csv(unsigned char byte, char buffer[8])
{
    (void)buffer;
    if (byte == '"')
        return "\"\"";
    return (byte < ' ' && byte != '\n' && byte != '\r' && byte != '\t') || byte == 0x7f
               ? REPLACEMENT
               : NULL;
}

/**
 * Find what a spreadsheet would calculate (CWE-1236): = + - or @ where a cell begins. Cells also
 * begin within a text, since it depends on people's language what separates them, and quotes are
 * none to a program that sees them in the middle of its own cell.
 * @param is_start  whether a cell begins at `at`
 * @return the sign, or the end of the text
 */
static const char *find_formula(const char *at, bool is_start)
{
    for (; *at && !(is_start && strchr("=+-@", *at)); at++)
        is_start = strchr(";,|\t\r\n", *at) || (is_start && strchr(" \"", *at));
    return at;
}

static bool needs_quotes(const char *value)
{
    size_t length = strlen(value);

    return strpbrk(value, "\",\r\n") || (length > 0 && (*value == ' ' || value[length - 1] == ' '));
}

/** An apostrophe makes a text of what follows, also of a tab or line end at the very start. */
static void put_csv(struct kt_row_text *text, const char *value)
{
    const char *quote = needs_quotes(value) ? "\"" : "";
    const char *formula = find_formula(value, true);

    kt_row_raw(text, quote);
    kt_row_raw(text, *value && strchr("\t\r\n", *value) ? "'" : "");
    for (; *formula; formula = find_formula(value, false)) {
        put_escaped(text, value, formula, escape_csv);
        kt_row_raw(text, "'");
        value = formula;
    }
    put_escaped(text, value, formula, escape_csv);
    kt_row_raw(text, quote);
}

/* ---------------------------------------------------------------- JSON */

static const char *escape_json(unsigned char byte, char buffer[8])
{
    if (byte == '"')
        return "\\\"";
    if (byte == '\\')
        return "\\\\";
    if (byte >= ' ')
        return NULL;
    snprintf(buffer, 8, "\\u%04x", byte);
    return buffer;
}

/* ---------------------------------------------------------------- cells */

/** What stands before a cell. */
static void begin_cell(struct kt_row_text *text)
{
    kt_row_raw(text, text->column > 0 ? "," : "");
    if (text->is_json) {
        kt_row_raw(text, "\"");
        kt_row_raw(text, text->columns[text->column]);
        kt_row_raw(text, "\":");
    }
    text->column++;
}

void kt_row_string(struct kt_row_text *text, const char *value)
{
    begin_cell(text);
    if (!text->is_json) {
        put_csv(text, value ? value : "");
    } else if (!value) {
        kt_row_raw(text, "null");
    } else {
        kt_row_raw(text, "\"");
        put_escaped(text, value, value + strlen(value), escape_json);
        kt_row_raw(text, "\"");
    }
}

void kt_row_integer(struct kt_row_text *text, int64_t value)
{
    char number[24];

    begin_cell(text);
    snprintf(number, sizeof(number), "%" PRId64, value);
    kt_row_raw(text, number);
}

/** Written by hand: printf's point is a comma in some locales. */
void kt_row_hours(struct kt_row_text *text, int64_t seconds)
{
    int64_t parts = (seconds * 10000 + 1800) / 3600;
    char number[48];
    size_t length = (size_t)snprintf(number, sizeof(number), "%" PRId64 ".%04d", parts / 10000,
                                     (int)(parts % 10000));

    while (number[length - 1] == '0')
        length--;
    number[length - (number[length - 1] == '.')] = '\0';
    begin_cell(text);
    kt_row_raw(text, number);
}

/* ---------------------------------------------------------------- rows and tables */

void kt_row_begin(struct kt_row_text *text)
{
    if (text->is_json && text->bytes[text->size - 1] == '}')
        kt_row_raw(text, ",");
    kt_row_raw(text, text->is_json ? "{" : "");
    text->column = 0;
}

void kt_row_end(struct kt_row_text *text)
{
    kt_row_raw(text, text->is_json ? "}" : "\r\n");
}

void kt_row_table(struct kt_row_text *text, const char *const *columns)
{
    text->columns = columns;
    if (text->is_json) {
        kt_row_raw(text, "[");
        return;
    }
    kt_row_raw(text, "\xEF\xBB\xBF"); /* spreadsheets take it for another encoding without */
    kt_row_begin(text);
    for (size_t index = 0; columns[index]; index++)
        kt_row_string(text, columns[index]);
    kt_row_end(text);
}
