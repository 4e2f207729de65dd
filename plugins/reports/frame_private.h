/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the frame share: frame.c, frame_data.c, frame_about.c, frame_chart.c. */
#ifndef REPORTS_FRAME_PRIVATE_H
#define REPORTS_FRAME_PRIVATE_H

#include "frame.h"

#include <xlsxwriter.h>

/** The longest title of a column or a report on a sheet, in characters. */
#define FRAME_TITLE_MAX ((size_t)255)

/** libxlsxwriter's number of the paper. */
#define FRAME_PAPER_A4 9

struct frame {
    const char *directory;
    const struct report_column *columns;
    size_t count;
    char *path;             /**< of the archive while it is written */
    lxw_workbook *workbook; /**< NULL once it is closed */
    lxw_format *header;
    lxw_format **body; /**< of the columns; NULL: none */
    lxw_format **total;
    lxw_format *total_text; /**< of a total that is a text */
    struct cell_styles styles;
};

/** The name of a sheet of data, from 0: "Data", "Data 2" … */
#define FRAME_SHEET_NAME_MAX 16
void frame_sheet_name(size_t index, char name[FRAME_SHEET_NAME_MAX]);

/** 0, or the words for what libxlsxwriter says. */
int frame_check(lxw_error code, struct kt_error *error);

/** The sheets of data without their rows. */
int frame_add_data(struct frame *frame, const struct frame_rows *rows, struct kt_error *error);

/** A sheet with the chart; none when the report has none, or no rows. */
int frame_add_chart(struct frame *frame, const struct frame_rows *rows, struct kt_error *error);

/** Whether there is one. */
static inline bool frame_has_chart(const struct frame_rows *rows)
{
    return rows->about->chart != REPORT_NO_CHART && rows->about->chart_count > 0 &&
           rows->sheets[0].rows > 0;
}

/** Rows of all sheets. */
static inline uint64_t frame_all_rows(const struct frame_rows *rows)
{
    uint64_t all = 0;
    for (size_t i = 0; i < rows->sheet_count; i++)
        all += rows->sheets[i].rows;
    return all;
}

/** More points than anybody can see, and as many as older spreadsheets draw. */
#define FRAME_CHART_ROWS_MAX ((uint64_t)32000)

/** Rows that the chart shows. */
static inline uint64_t frame_chart_rows(const struct frame_rows *rows)
{
    uint64_t first = rows->sheets[0].rows;
    return first < FRAME_CHART_ROWS_MAX ? first : FRAME_CHART_ROWS_MAX;
}

/** Where the figures come from. The report's title is in column B of this row, from 0. */
#define FRAME_TITLE_ROW 0
int frame_add_about(struct frame *frame, const struct frame_rows *rows, struct kt_error *error);

#endif
