/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sheet "About": where the figures come from, and what a spreadsheet could not hold as it was.
 * Whoever gets the file by mail has nothing else to know it from.
 */
#include "frame_private.h"

#include "number_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define KEY_WIDTH 24
#define VALUE_WIDTH 90
/** The longest label and value, in characters. */
#define LABEL_MAX ((size_t)255)
#define VALUE_MAX ((size_t)8000)

/** The sheet while it is written: from top to bottom. */
struct page {
    lxw_worksheet *sheet;
    lxw_format *key, *value, *number;
    lxw_row_t row;
    lxw_error code; /**< the first that was none */
};

static void note_code(struct page *page, lxw_error code)
{
    if (page->code == LXW_NO_ERROR)
        page->code = code;
}

static void put_text(struct page *page, lxw_col_t column, const char *text, size_t characters_max,
                     lxw_format *format)
{
    char *clean = cell_text_clean(NULL, text, characters_max);
    if (!clean)
        note_code(page, LXW_ERROR_MEMORY_MALLOC_FAILED);
    else if (*clean)
        note_code(page, worksheet_write_string(page->sheet, page->row, column, clean, format));
    talloc_free(clean);
}

static void add_pair(struct page *page, const char *key, const char *value)
{
    put_text(page, 0, key, LABEL_MAX, page->key);
    put_text(page, 1, *value ? value : "\xE2\x80\x93", VALUE_MAX, page->value);
    page->row++;
}

static void add_number(struct page *page, const char *key, uint64_t value)
{
    put_text(page, 0, key, LABEL_MAX, page->key);
    note_code(page,
              worksheet_write_number(page->sheet, page->row++, 1, (double)value, page->number));
}

/** Said only where there is something to say. */
static void add_note(struct page *page, const char *key, uint64_t count, const char *what)
{
    char text[256];
    if (count == 0)
        return;
    snprintf(text, sizeof text, "%" PRIu64 " (%s)", count, what);
    add_pair(page, key, text);
}

static void add_notes(struct page *page, const struct frame_rows *rows)
{
    const struct cells *cells = rows->cells;
    add_note(page, "Texts cut", cells->texts.cut,
             "longer than the 32,767 characters of a cell; they end in \xE2\x80\x9C" CELL_TEXT_CUT
             "\xE2\x80\x9D");
    add_note(page, "Texts changed", cells->texts.replaced,
             "had characters that no cell can hold; \xE2\x80\x9C\xEF\xBF\xBD\xE2\x80\x9D stands "
             "in their place");
    add_note(page, "Numbers as text", cells->as_text,
             "outside of what a spreadsheet can compute with, which is 15 digits, and dates from "
             "1900 to 9999; as text nothing of them is lost");
    if (rows->sheet_count > 1)
        add_note(page, "Sheets", rows->sheet_count, "one holds at most 1,048,576 rows");
    if (frame_has_chart(rows) && frame_chart_rows(rows) < frame_all_rows(rows))
        add_note(page, "Rows in the chart", frame_chart_rows(rows), "the first ones");
}

int frame_add_about(struct frame *frame, const struct frame_rows *rows, struct kt_error *error)
{
    const struct report_about *about = rows->about;
    char made[NUMBER_TEXT_MAX + sizeof " UTC"];
    struct page page = {
        .sheet = workbook_add_worksheet(frame->workbook, "About"),
        .key = workbook_add_format(frame->workbook),
        .value = workbook_add_format(frame->workbook),
        .number = workbook_add_format(frame->workbook),
    };
    if (!page.sheet || !page.key || !page.value || !page.number)
        return kt_error_set(error, -ENOMEM, "out of memory");
    format_set_bold(page.key);
    format_set_align(page.key, LXW_ALIGN_VERTICAL_TOP);
    format_set_align(page.value, LXW_ALIGN_VERTICAL_TOP);
    format_set_text_wrap(page.value);
    format_set_num_format(page.value, "@");
    format_set_num_format(page.number, "#,##0");
    format_set_align(page.number, LXW_ALIGN_LEFT);
    note_code(&page, worksheet_set_column(page.sheet, 0, 0, KEY_WIDTH, NULL));
    note_code(&page, worksheet_set_column(page.sheet, 1, 1, VALUE_WIDTH, NULL));

    char *end = number_put_datetime(made, about->made_ms - about->made_ms % 1000);
    memcpy(end, " UTC", sizeof " UTC");
    add_pair(&page, "Report", about->title);
    add_pair(&page, "Made", made);
    add_pair(&page, "For", about->who);
    add_number(&page, "Rows", frame_all_rows(rows));
    add_pair(&page, "Version of the query", about->version);
    add_notes(&page, rows);
    if (about->parameter_count > 0) {
        page.row++;
        put_text(&page, 0, "Parameters", LABEL_MAX, page.key);
        page.row++;
    }
    for (size_t i = 0; i < about->parameter_count; i++)
        add_pair(&page, about->parameter_labels[i], about->parameter_values[i]);
    return frame_check(page.code, error);
}
