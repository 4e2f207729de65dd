/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sheets of data but for their rows: header, widths, filter, and the totals below the last one.
 * Knows what the columns were, from the cells that were written.
 */
#include "frame_private.h"

#include "number_text.h"
#include "utf8.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

/** Characters that a filter's button takes from a title. */
#define BUTTON_WIDTH 4
/** Narrower columns are hard to read and to click; wider ones leave no room for others. */
#define WIDTH_MIN 8u
#define WIDTH_MAX 60u
/** "General" shows no more of a number. */
#define GENERAL_WIDTH 14u
/** The longest part of a formula that one sheet makes: 'Data 32'!XFD2:XFD1048576, */
#define RANGE_MAX ((size_t)32)
#define FORMULA_MAX (SHEETS_MAX * RANGE_MAX + 16)
/** Larger numbers are none for a spreadsheet. */
#define REAL_MAX 9.99999999999999e307

/* ---------------------------------------------------------------- widths */

/** Characters of a number with separators and two decimals. */
static unsigned amount_width(double value)
{
    double size = fabs(value);
    unsigned digits = size >= 10 ? (unsigned)fmin(log10(size), 40) + 1 : 1;
    return digits + (digits - 1) / 3 + 4;
}

static unsigned total_width(const struct cell_column *column)
{
    double value;
    if (!total_value(&column->total, column->total_kind, &value) || column->type == REPORT_DATE ||
        column->type == REPORT_DATETIME)
        return 0;
    return amount_width(cell_number(column->type, value));
}

/** Characters that the values take as their format shows them. */
static unsigned body_width(const struct report_column *column, const struct cell_column *cells)
{
    size_t own = column->format ? utf8_count(column->format, strlen(column->format)) : 0;
    switch (column->type) {
    case REPORT_DATE:
        return own > 10 ? (unsigned)own : 10;
    case REPORT_DATETIME:
        return own > 19 ? (unsigned)own : 19;
    case REPORT_DURATION:
        return 12;
    case REPORT_MONEY:
        return own > 8 ? cells->width + (unsigned)own : cells->width + 4;
    case REPORT_NUMBER:
        return own > 0 ? cells->width + (unsigned)own / 2
                       : (cells->width < GENERAL_WIDTH ? cells->width : GENERAL_WIDTH);
    default:
        return cells->width;
    }
}

static double column_width(const struct report_column *column, const struct cell_column *cells)
{
    unsigned title = (unsigned)utf8_count(column->title, strlen(column->title)) + BUTTON_WIDTH;
    unsigned width = body_width(column, cells) + 1, total = total_width(cells);
    if (width < title)
        width = title;
    if (width < total)
        width = total;
    return width < WIDTH_MIN ? WIDTH_MIN : width > WIDTH_MAX ? WIDTH_MAX : width;
}

/* ---------------------------------------------------------------- totals */

static const char *function_name(enum report_total kind)
{
    switch (kind) {
    case REPORT_SUM:
        return "SUM";
    case REPORT_AVERAGE:
        return "AVERAGE";
    case REPORT_MINIMUM:
        return "MIN";
    case REPORT_MAXIMUM:
        return "MAX";
    case REPORT_COUNT:
        return "COUNTA";
    case REPORT_NO_TOTAL:
        break;
    }
    return NULL;
}

/** =SUM(Data!B2:B1048576,'Data 2'!B2:B17) */
static void put_formula(char formula[FORMULA_MAX], const struct frame_rows *rows, size_t column,
                        enum report_total kind)
{
    char range[LXW_MAX_CELL_RANGE_LENGTH], name[FRAME_SHEET_NAME_MAX];
    size_t used = (size_t)snprintf(formula, FORMULA_MAX, "=%s(", function_name(kind));
    for (size_t i = 0; i < rows->sheet_count; i++) {
        frame_sheet_name(i, name);
        lxw_rowcol_to_range(range, 1, (lxw_col_t)column, (lxw_row_t)rows->sheets[i].rows,
                            (lxw_col_t)column);
        if (rows->sheet_count == 1)
            used += (size_t)snprintf(formula + used, FORMULA_MAX - used, "%s", range);
        else
            used += (size_t)snprintf(formula + used, FORMULA_MAX - used, "%s'%s'!%s",
                                     i > 0 ? "," : "", name, range);
    }
    snprintf(formula + used, FORMULA_MAX - used, ")");
}

/** A formula, and its value; only the value where the formula would not see all that was added. */
static lxw_error write_total(const struct frame *frame, const struct frame_rows *rows,
                             lxw_worksheet *sheet, lxw_row_t row, size_t index)
{
    const struct cell_column *column = &rows->cells->columns[index];
    lxw_format *format = frame->total[index];
    lxw_col_t at = (lxw_col_t)index;
    char formula[FORMULA_MAX];
    double value;
    if (!total_value(&column->total, column->total_kind, &value))
        return column->total.numbers > 0
                   ? worksheet_write_string(sheet, row, at, "too large", frame->total_text)
                   : worksheet_write_blank(sheet, row, at, frame->total_text);
    if (column->total_kind != REPORT_COUNT)
        value = cell_number(column->type, value);
    if (fabs(value) > REAL_MAX)
        return worksheet_write_string(sheet, row, at, "too large", frame->total_text);
    bool sees_all =
        column->total_kind == REPORT_COUNT ? !column->has_empty : !column->has_unsummable;
    if (!sees_all || rows->sheets[0].rows == 0)
        return worksheet_write_number(sheet, row, at, value, format);
    put_formula(formula, rows, index, column->total_kind);
    return worksheet_write_formula_num(sheet, row, at, formula, format, value);
}

static const char *total_label(enum report_total kind)
{
    switch (kind) {
    case REPORT_AVERAGE:
        return "Average";
    case REPORT_MINIMUM:
        return "Minimum";
    case REPORT_MAXIMUM:
        return "Maximum";
    case REPORT_COUNT:
        return "Count";
    case REPORT_SUM:
    case REPORT_NO_TOTAL:
        break;
    }
    return "Total";
}

static int add_totals(const struct frame *frame, const struct frame_rows *rows,
                      lxw_worksheet *sheet, struct kt_error *error)
{
    lxw_row_t row = (lxw_row_t)rows->sheets[rows->sheet_count - 1].rows + 1;
    const char *label = NULL;
    lxw_error code = LXW_NO_ERROR;
    for (size_t i = 0; i < frame->count; i++) {
        enum report_total kind = frame->columns[i].total;
        if (kind != REPORT_NO_TOTAL)
            label = !label || label == total_label(kind) ? total_label(kind) : "Total";
    }
    for (size_t i = 0; i < frame->count && code == LXW_NO_ERROR; i++) {
        if (frame->columns[i].total != REPORT_NO_TOTAL)
            code = write_total(frame, rows, sheet, row, i);
        else if (i == 0)
            code = worksheet_write_string(sheet, row, 0, label, frame->total_text);
        else
            code = worksheet_write_blank(sheet, row, (lxw_col_t)i, frame->total_text);
    }
    return frame_check(code, error);
}

/* ---------------------------------------------------------------- sheets */

static int add_header(const struct frame *frame, const struct frame_rows *rows,
                      lxw_worksheet *sheet, struct kt_error *error)
{
    for (size_t i = 0; i < frame->count; i++) {
        const struct report_column *column = &frame->columns[i];
        lxw_col_t at = (lxw_col_t)i;
        char *title = cell_text_clean(NULL, column->title, FRAME_TITLE_MAX);
        if (!title)
            return kt_error_set(error, -ENOMEM, "out of memory");
        lxw_error code = *title ? worksheet_write_string(sheet, 0, at, title, frame->header)
                                : worksheet_write_blank(sheet, 0, at, frame->header);
        if (code == LXW_NO_ERROR)
            code = worksheet_set_column(
                sheet, at, at, column_width(column, &rows->cells->columns[i]), frame->body[i]);
        talloc_free(title);
        if (code != LXW_NO_ERROR)
            return frame_check(code, error);
    }
    return 0;
}

static int add_sheet(struct frame *frame, const struct frame_rows *rows, size_t index,
                     struct kt_error *error)
{
    char name[FRAME_SHEET_NAME_MAX], range[LXW_MAX_CELL_RANGE_LENGTH];
    frame_sheet_name(index, name);
    lxw_worksheet *sheet = workbook_add_worksheet(frame->workbook, name);
    if (!sheet)
        return kt_error_set(error, -ENOMEM, "out of memory");
    lxw_row_t last_row = (lxw_row_t)rows->sheets[index].rows;
    lxw_col_t last_column = (lxw_col_t)(frame->count - 1);
    int result = add_header(frame, rows, sheet, error);
    if (result < 0)
        return result;
    /* The rows come from elsewhere, so the sheet must be told how many there are. */
    sheet->dim_rowmax = last_row;
    worksheet_freeze_panes(sheet, 1, 0);
    worksheet_repeat_rows(sheet, 0, 0);
    worksheet_set_landscape(sheet);
    worksheet_set_paper(sheet, FRAME_PAPER_A4);
    worksheet_fit_to_pages(sheet, 1, 0);
    lxw_error code = worksheet_autofilter(sheet, 0, 0, last_row, last_column);
    /* numbers that are text are so on purpose: no green corners */
    lxw_rowcol_to_range(range, 0, 0, SHEET_ROWS_MAX - 1, last_column);
    if (code == LXW_NO_ERROR)
        code = worksheet_ignore_errors(sheet, LXW_IGNORE_NUMBER_STORED_AS_TEXT, range);
    if (code != LXW_NO_ERROR)
        return frame_check(code, error);
    bool is_last = index + 1 == rows->sheet_count;
    return is_last && totals_are_wanted(frame->columns, frame->count)
               ? add_totals(frame, rows, sheet, error)
               : 0;
}

int frame_add_data(struct frame *frame, const struct frame_rows *rows, struct kt_error *error)
{
    int result = 0;
    for (size_t i = 0; i < rows->sheet_count && result == 0; i++)
        result = add_sheet(frame, rows, i, error);
    return result;
}
