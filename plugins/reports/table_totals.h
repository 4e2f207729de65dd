/* SPDX-License-Identifier: BSD-2-Clause */
/* The totals of all columns of a table, and how JSON shows them. */
#ifndef REPORTS_TABLE_TOTALS_H
#define REPORTS_TABLE_TOTALS_H

#include "totals.h"
#include "writer.h"

/** The columns' types and kinds of totals outlive what the columns are borrowed for. */
struct table_totals {
    size_t count;
    struct {
        enum report_type type;
        enum report_total kind;
        struct total total;
    } columns[];
};

/** @return owned by the context; NULL: no memory */
struct table_totals *table_totals_new(TALLOC_CTX *context, const struct report_column *columns,
                                      size_t count);

/** Take a row. */
void table_totals_add(struct table_totals *totals, const struct report_value *values);

/** An array with a value, or null, for each column. */
void table_totals_put_json(const struct table_totals *totals, struct writer *writer);

#endif
