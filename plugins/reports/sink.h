/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sink takes a report's table row by row, and makes something of it: a spreadsheet, CSV, JSON, a
 * preview. Runs inside of a job: it may block, and writes to descriptors.
 */
#ifndef REPORTS_SINK_H
#define REPORTS_SINK_H

#include "value.h"

#include <kontor/error.h>

/** What a file tells of itself: the "About" sheet, the head of the JSON. All borrowed for its life. */
struct report_about {
    const char *title;
    const char *who;           /**< who asked; "" unknown */
    const char *version;       /**< of the query: a hash in hex */
    int64_t made_ms;           /**< ms since 1970, UTC */
    size_t parameter_count;
    const char *const *parameter_labels; /**< for people */
    const char *const *parameter_values; /**< for people; "" for none */
    enum report_chart chart;
    size_t chart_x;            /**< index of the column */
    size_t chart_count;        /**< of its series */
    const size_t *chart_y;     /**< indices of their columns */
};

/** A sink; made by the functions of xlsx.h, csv.h, json_rows.h, preview.h. Owned by a talloc context. */
struct report_sink {
    /** The columns, before any row. @return 0 or a negative errno with the words */
    int (*begin)(struct report_sink *sink, const struct report_column *columns, size_t count,
                 struct kt_error *error);
    /** One row: as many values as columns. @return as begin */
    int (*row)(struct report_sink *sink, const struct report_value *values, struct kt_error *error);
    /**
     * The end: write what is left, and check what was written.
     * @param progress  called now and then with how far it is; may be NULL; true ends it (-ECANCELED)
     * @return as begin
     */
    int (*end)(struct report_sink *sink,
               bool (*progress)(void *argument, uint64_t done, uint64_t total), void *argument,
               struct kt_error *error);
};

#endif
