/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The chart, on a sheet of its own, drawn by the spreadsheet from the cells: it follows when
 * somebody changes them.
 */
#include "frame_private.h"

#include <errno.h>

static enum lxw_chart_type chart_type(const struct report_about *about)
{
    switch (about->chart) {
    case REPORT_BAR:
        return LXW_CHART_COLUMN;
    case REPORT_STACKED_BAR:
        return LXW_CHART_COLUMN_STACKED;
    case REPORT_PIE:
        return LXW_CHART_PIE;
    case REPORT_LINE:
    case REPORT_NO_CHART:
        break;
    }
    return LXW_CHART_LINE;
}

/** The rows are not libxlsxwriter's: it must not look into their cells. */
static void leave_alone(lxw_series_range *range, bool is_text)
{
    range->ignore_cache = LXW_TRUE;
    range->has_string_cache = is_text;
}

static int add_series(const struct frame *frame, const struct frame_rows *rows, lxw_chart *chart,
                      size_t column, struct kt_error *error)
{
    const struct report_about *about = rows->about;
    char name[FRAME_SHEET_NAME_MAX];
    lxw_row_t last = (lxw_row_t)frame_chart_rows(rows);
    lxw_col_t x = (lxw_col_t)about->chart_x, y = (lxw_col_t)column;
    lxw_chart_series *series = chart_add_series(chart, NULL, NULL);
    if (!series)
        return kt_error_set(error, -ENOMEM, "out of memory");
    frame_sheet_name(0, name);
    chart_series_set_categories(series, name, 1, x, last, x);
    chart_series_set_values(series, name, 1, y, last, y);
    chart_series_set_name_range(series, name, 0, y);
    leave_alone(series->categories, frame->columns[x].type == REPORT_TEXT);
    leave_alone(series->values, false);
    return 0;
}

static void set_axes(const struct frame *frame, const struct report_about *about, lxw_chart *chart)
{
    const struct report_column *x = &frame->columns[about->chart_x];
    if (about->chart == REPORT_PIE)
        return;
    if (x->type == REPORT_DATE || x->type == REPORT_DATETIME)
        chart_axis_set_num_format(chart->x_axis, x->format ? x->format : "yyyy-mm-dd");
    if (about->chart_count == 1)
        chart_legend_set_position(chart, LXW_CHART_LEGEND_NONE);
    else
        chart_legend_set_position(chart, LXW_CHART_LEGEND_BOTTOM);
}

int frame_add_chart(struct frame *frame, const struct frame_rows *rows, struct kt_error *error)
{
    const struct report_about *about = rows->about;
    if (!frame_has_chart(rows))
        return 0;
    /* a pie has one series */
    size_t count = about->chart == REPORT_PIE ? 1 : about->chart_count;
    if (about->chart_x >= frame->count)
        return kt_error_set(error, -EINVAL, "the chart is of a column that there is not");
    lxw_chartsheet *sheet = workbook_add_chartsheet(frame->workbook, "Chart");
    lxw_chart *chart = workbook_add_chart(frame->workbook, (uint8_t)chart_type(about));
    if (!sheet || !chart)
        return kt_error_set(error, -ENOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        if (about->chart_y[i] >= frame->count)
            return kt_error_set(error, -EINVAL, "the chart is of a column that there is not");
        int result = add_series(frame, rows, chart, about->chart_y[i], error);
        if (result < 0)
            return result;
    }
    /* by the cell: libxlsxwriter takes a title that begins with "=" for a formula */
    chart_title_set_name_range(chart, "About", FRAME_TITLE_ROW, 1);
    set_axes(frame, about, chart);
    chartsheet_set_landscape(sheet);
    chartsheet_set_paper(sheet, FRAME_PAPER_A4);
    return frame_check(chartsheet_set_chart(sheet, chart), error);
}
