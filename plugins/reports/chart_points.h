/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The points of a chart, from rows that nobody counts beforehand, in bounded memory. When there are
 * too many for a page to show, a line or bar chart keeps every second, fourth, eighth … row of all;
 * a pie keeps its largest slices, and adds up the others.
 */
#ifndef REPORTS_CHART_POINTS_H
#define REPORTS_CHART_POINTS_H

#include "sink.h"
#include "writer.h"

struct chart_points;

/**
 * @param about       says which chart; borrowed for the life of the points
 * @param ret_points  owned by the context; NULL: there is no chart
 * @return 0, -ENOMEM
 */
int chart_points_new(TALLOC_CTX *context, const struct report_about *about,
                     const struct report_column *columns, size_t count,
                     struct chart_points **ret_points, struct kt_error *error);

/** Take a row. @return 0, -ENOMEM */
int chart_points_add(struct chart_points *points, const struct report_value *values,
                     struct kt_error *error);

/**
 * {"kind": "line|bar|stacked|pie", "x", "y": [names], "labels": [], "series": [{"name", "values"}],
 *  "every": 1: all rows are there, n: every n-th, "is_complete": whether that is 1}
 */
void chart_points_put_json(const struct chart_points *points, struct writer *writer);

#endif
