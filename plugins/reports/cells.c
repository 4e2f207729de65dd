/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a spreadsheet can't hold as a number (more than 15 digits, NaN, dates before March 1900,
 * negative durations) becomes text: it can be read, and nothing is changed silently.
 */
#include "cells.h"

#include "number_text.h"
#include "utf8.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>

/** Spreadsheets keep 15 digits. */
#define INTEGER_MAX INT64_C(999999999999999)
/** Larger numbers are none for a spreadsheet. */
#define REAL_MAX 9.99999999999999e307
/** 1970-01-01 in days of a spreadsheet. */
#define EPOCH_DAYS 25569
/** 1900-03-01 is the first day with the right number: spreadsheets have a 29 February 1900. */
#define DATE_FIRST INT64_C(-25508)
/** 10000-01-01. */
#define DATE_END DAY_END
#define DURATION_END (INT64_C(2958466) * DAY_MS)
/** Wider columns show nothing more. */
#define WIDTH_MAX 80

double cell_number(enum report_type type, double value)
{
    switch (type) {
    case REPORT_DATE:
        return value + EPOCH_DAYS;
    case REPORT_DATETIME:
        return (value + (double)EPOCH_DAYS * (double)DAY_MS) / (double)DAY_MS;
    case REPORT_DURATION:
        return value / (double)DAY_MS;
    default:
        return value;
    }
}

/* ---------------------------------------------------------------- pieces */

static char *copy(char *at, const char *piece, size_t size)
{
    memcpy(at, piece, size);
    return at + size;
}

static char *copy_text(char *at, const char *text)
{
    return copy(at, text, strlen(text));
}

/** The number of a row as text. */
struct row_name {
    char text[12];
    size_t size;
};

static char *open_cell(char *at, const struct cell_column *column, const struct row_name *row)
{
    at = copy(at, column->reference, column->reference_size);
    return copy(at, row->text, row->size);
}

static void widen(struct cell_column *column, size_t width)
{
    if (width > column->width)
        column->width = width > WIDTH_MAX ? WIDTH_MAX : (unsigned)width;
}

static void widen_to_text(struct cell_column *column, const char *text, size_t size)
{
    if (size > column->width && column->width < WIDTH_MAX)
        widen(column, utf8_count(text, size < 4 * WIDTH_MAX ? size : 4 * WIDTH_MAX));
}

static char *put_text(struct cells *cells, char *at, struct cell_column *column,
                      const struct row_name *row, const char *text, size_t size)
{
    widen_to_text(column, text, size);
    column->has_empty |= size == 0;
    at = open_cell(at, column, row);
    at = copy(at, column->text, column->text_size);
    at = cell_text_has_edges(text, size) ? copy_text(at, "<t xml:space=\"preserve\">")
                                         : copy(at, "<t>", 3);
    at = cell_text_put(at, text, size, &cells->texts);
    return copy_text(at, "</t></is></c>");
}

/** A number that can be none on a sheet. */
static char *put_as_text(struct cells *cells, char *at, struct cell_column *column,
                         const struct row_name *row, const struct report_value *value)
{
    char text[NUMBER_TEXT_MAX], *end;
    if (value->form == REPORT_IS_REAL)
        end = number_put_real(text, value->real);
    else if (column->type == REPORT_DATE)
        end = number_put_date(text, value->integer);
    else if (column->type == REPORT_DATETIME)
        end = number_put_datetime(text, value->integer);
    else if (column->type == REPORT_DURATION)
        end = number_put_duration(text, value->integer);
    else
        end = number_put_integer(text, value->integer);
    column->has_unsummable = true;
    cells->as_text += column->type != REPORT_TEXT;
    return put_text(cells, at, column, row, text, (size_t)(end - text));
}

static char *put_integer(char *at, struct cell_column *column, const struct row_name *row,
                         int64_t value)
{
    at = open_cell(at, column, row);
    at = copy(at, column->number, column->number_size);
    char *end = number_put_integer(at, value);
    widen(column, (size_t)(end - at));
    return copy(end, "</v></c>", 8);
}

/** @param is_general  the column's style would show something else */
static char *put_real(char *at, struct cell_column *column, const struct row_name *row,
                      double value, bool is_general)
{
    at = open_cell(at, column, row);
    at = is_general ? copy(at, column->general, column->general_size)
                    : copy(at, column->number, column->number_size);
    char *end = number_put_real(at, value);
    widen(column, (size_t)(end - at));
    return copy(end, "</v></c>", 8);
}

static char *put_boolean(char *at, struct cell_column *column, const struct row_name *row,
                         int64_t value)
{
    at = open_cell(at, column, row);
    at = copy(at, column->boolean, column->boolean_size);
    *at++ = (char)('0' + value);
    column->has_unsummable = true; /* sums leave booleans out */
    return copy(at, "</v></c>", 8);
}

/* ---------------------------------------------------------------- one cell */

static bool is_number(double value)
{
    double size = fabs(value);
    return size <= REAL_MAX && (size >= DBL_MIN || size == 0);
}

static char *put_by_type(struct cells *cells, char *at, struct cell_column *column,
                         const struct row_name *row, const struct report_value *value)
{
    bool is_integer = value->form == REPORT_IS_INTEGER;
    int64_t integer = is_integer ? value->integer : 0;
    switch (column->type) {
    case REPORT_TEXT:
    case REPORT_TYPES:
        break;
    case REPORT_INTEGER:
    case REPORT_NUMBER:
    case REPORT_MONEY:
    case REPORT_PERCENT:
        if (is_integer && integer >= -INTEGER_MAX && integer <= INTEGER_MAX)
            return put_integer(at, column, row, integer);
        if (!is_integer && is_number(value->real))
            return put_real(at, column, row, value->real,
                            column->type == REPORT_INTEGER && value->real != floor(value->real));
        break;
    case REPORT_DATE:
        if (is_integer && integer >= DATE_FIRST && integer < DATE_END)
            return put_integer(at, column, row, integer + EPOCH_DAYS);
        break;
    case REPORT_DATETIME:
        if (is_integer && integer >= DATE_FIRST * DAY_MS && integer < DATE_END * DAY_MS)
            return put_real(at, column, row, cell_number(REPORT_DATETIME, (double)integer), false);
        break;
    case REPORT_DURATION:
        if (is_integer && integer >= 0 && integer < DURATION_END)
            return put_real(at, column, row, cell_number(REPORT_DURATION, (double)integer), false);
        break;
    case REPORT_BOOLEAN:
        if (is_integer && (integer == 0 || integer == 1))
            return put_boolean(at, column, row, integer);
        break;
    }
    return put_as_text(cells, at, column, row, value);
}

int cells_row(struct cells *cells, uint32_t number, const struct report_value *values,
              struct kt_error *error)
{
    struct row_name row;
    struct writer *writer = cells->writer;
    char *at;
    row.size = (size_t)(number_put_unsigned(row.text, number) - row.text);
    /* the newline is how the rows are counted when the file is checked: text never has one */
    if ((at = writer_room(writer, 64))) {
        at = copy(at, "\n<row r=\"", 9);
        at = copy(at, row.text, row.size);
        writer_to(writer, copy(at, "\">", 2));
    }
    for (size_t i = 0; i < cells->count; i++) {
        struct cell_column *column = &cells->columns[i];
        const struct report_value *value = &values[i];
        if (value->form == REPORT_NULL)
            continue;
        bool is_text = value->form == REPORT_IS_TEXT;
        if (column->total_kind != REPORT_NO_TOTAL)
            total_add(&column->total, value);
        at = writer_room(writer, 256 + (is_text ? cell_text_room(value->size) : 0));
        if (!at)
            break;
        writer_to(writer, is_text ? put_text(cells, at, column, &row, value->text, value->size)
                                  : put_by_type(cells, at, column, &row, value));
    }
    writer_put(writer, "</row>", 6);
    return writer_check(writer, error);
}

/* ---------------------------------------------------------------- columns */

/** A, B … Z, AA … */
static void name_column(size_t index, char name[8])
{
    char letters[8], *at = letters + sizeof letters;
    *--at = '\0';
    for (size_t rest = index + 1; rest > 0; rest = (rest - 1) / 26)
        *--at = (char)('A' + (rest - 1) % 26);
    memcpy(name, at, (size_t)(letters + sizeof letters - at));
}

/** The column's style and what follows it: ` s="3"><v>`. */
static uint8_t put_opening(char *piece, size_t size, unsigned style, const char *rest)
{
    int length = style > 0 ? snprintf(piece, size, "\" s=\"%u\"%s", style, rest)
                           : snprintf(piece, size, "\"%s", rest);
    return (uint8_t)length;
}

int cells_new(TALLOC_CTX *context, struct writer *writer, const struct report_column *columns,
              size_t count, const struct cell_styles *styles, struct cells **ret_cells,
              struct kt_error *error)
{
    struct cells *cells = talloc_zero(context, struct cells);
    if (!cells)
        return kt_error_set(error, -ENOMEM, "out of memory");
    cells->columns = talloc_zero_array(cells, struct cell_column, (unsigned)count);
    if (!cells->columns) {
        talloc_free(cells);
        return kt_error_set(error, -ENOMEM, "out of memory");
    }
    cells->writer = writer;
    cells->count = count;
    for (size_t i = 0; i < count; i++) {
        struct cell_column *column = &cells->columns[i];
        char name[8];
        column->type = columns[i].type;
        column->total_kind = columns[i].total;
        name_column(i, name);
        column->reference_size =
            (uint8_t)snprintf(column->reference, sizeof column->reference, "<c r=\"%s", name);
#define OPENING(piece, style, rest)                                                                \
    column->piece##_size = put_opening(column->piece, sizeof column->piece, style, rest)
        OPENING(number, styles->columns[i], "><v>");
        OPENING(general, styles->general, "><v>");
        OPENING(text, styles->text, " t=\"inlineStr\"><is>");
        OPENING(boolean, styles->columns[i], " t=\"b\"><v>");
#undef OPENING
    }
    *ret_cells = cells;
    return 0;
}
