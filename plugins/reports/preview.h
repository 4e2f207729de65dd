/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the page shows of a report: its first rows, the totals of all, and the chart, from the very
 * run that makes the file:
 *   {"columns": [{"name", "title", "type", "format"}], "rows": [[value, …], …], "row_count",
 *    "totals": [value or null, …] or null, "chart": {…} or null}
 * json_value.h says how values are written, chart_points.h what a chart is. There are at most
 * PREVIEW_ROWS_MAX rows, and fewer when they are large; long texts end in "…".
 */
#ifndef REPORTS_PREVIEW_H
#define REPORTS_PREVIEW_H

#include "sink.h"

#include <talloc.h>

#define PREVIEW_ROWS_MAX 500u

struct report_preview;

/**
 * @param about        borrowed for the preview's life
 * @param ret_preview  owned by the context
 * @return 0, -ENOMEM
 */
int report_preview_new(TALLOC_CTX *context, const struct report_about *about,
                       struct report_preview **ret_preview, struct kt_error *error);

/** What takes the rows. */
struct report_sink *report_preview_sink(struct report_preview *preview);

/** The JSON, after the sink's end. @return owned by the context; NULL: no memory */
const char *report_preview_json(const struct report_preview *preview, TALLOC_CTX *context);

#endif
