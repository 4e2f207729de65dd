/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All of a workbook but its rows: styles, header, totals, chart, the "About" sheet. libxlsxwriter
 * writes it into a small archive of its own; the rows are set in by who joins them (join.h).
 */
#ifndef REPORTS_FRAME_H
#define REPORTS_FRAME_H

#include "cells.h"
#include "sheet.h"
#include "sink.h"

/** Rows of a sheet, with the header. Source: Microsoft, "Excel specifications and limits". */
#define SHEET_ROWS_MAX UINT32_C(1048576)
/** Columns of a sheet. Source: the same. */
#define SHEET_COLUMNS_MAX ((size_t)16384)
/** Sheets of data in one workbook: 33 million rows. */
#define SHEETS_MAX 32

struct frame;

/** What is known when the rows are there. All borrowed for the call. */
struct frame_rows {
    const struct report_about *about;
    const struct sheet *sheets;
    size_t sheet_count;
    const struct cells *cells;
};

/**
 * Choose the styles.
 * @param directory  for temporary files, in RAM; borrowed for the frame's life, as the columns are
 * @param ret_frame  owned by the context
 * @return 0, -EINVAL (a column's format is none), -ENOMEM, with words
 */
int frame_new(TALLOC_CTX *context, const char *directory, const struct report_column *columns,
              size_t count, struct frame **ret_frame, struct kt_error *error);

/** The styles of the cells; they live as long as the frame. */
const struct cell_styles *frame_styles(const struct frame *frame);

/** Bytes that the head of a sheet takes at most, and the tail of one that has no totals. */
size_t frame_head_room(const struct frame *frame);
#define FRAME_TAIL_ROOM ((size_t)2048)

/**
 * Write the archive. Once only.
 * @param ret_fd  of the archive, a file without a name; the caller closes it
 * @return 0, or a negative errno with words
 */
int frame_write(struct frame *frame, const struct frame_rows *rows, int *ret_fd,
                struct kt_error *error);

#endif
