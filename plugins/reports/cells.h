/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of a sheet as XML: the part of a workbook that is written a million times. Knows what a
 * spreadsheet can hold; remembers what the rest of the workbook must be told of them.
 */
#ifndef REPORTS_CELLS_H
#define REPORTS_CELLS_H

#include "cell_text.h"
#include "totals.h"
#include "writer.h"

/** The largest piece that cells ask a writer for. */
#define CELL_BYTES_MAX ((size_t)CELL_TEXT_MAX * 5 + 256)

/** What the rows were, for one column. */
struct cell_column {
    enum report_type type;
    enum report_total total_kind;
    struct total total;
    bool has_unsummable; /**< a number or date went in as text: the sheet can't add up all */
    bool has_empty;      /**< a text of no characters: not every spreadsheet counts those */
    unsigned width;      /**< characters of the widest value */
    /* what stands before a value, in pieces around the number of the row */
    char reference[16], number[24], general[24], text[40], boolean[24];
    uint8_t reference_size, number_size, general_size, text_size, boolean_size;
};

struct cells {
    struct writer *writer;
    size_t count;
    struct cell_column *columns;
    struct cell_text_notes texts;
    uint64_t as_text; /**< numbers and dates that no spreadsheet can hold as such */
};

/** Indices of the workbook's styles; 0: none. */
struct cell_styles {
    const unsigned *columns; /**< one per column */
    unsigned general;        /**< of numbers that their column's would show wrong */
    unsigned text;           /**< of all text: it stays text when somebody edits it */
};

/** @param ret_cells  owned by the context */
int cells_new(TALLOC_CTX *context, struct writer *writer, const struct report_column *columns,
              size_t count, const struct cell_styles *styles, struct cells **ret_cells,
              struct kt_error *error);

/** One row. @param number  of the row on its sheet, from 1 @return 0, or what the writer says */
int cells_row(struct cells *cells, uint32_t number, const struct report_value *values,
              struct kt_error *error);

/** A column's value as a spreadsheet's number: dates are days since 1899-12-30. */
double cell_number(enum report_type type, double value);

#endif
