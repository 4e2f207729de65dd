/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What stands below the table: one total per column that wants one, over all rows.
 */
#ifndef REPORTS_TOTALS_H
#define REPORTS_TOTALS_H

#include "value.h"

/** Begins as zeros. */
struct total {
    uint64_t values;         /**< that are not NULL */
    uint64_t numbers;        /**< of these */
    double sum, lost;        /**< Neumaier's sum, and what its roundings lost */
    double minimum, maximum; /**< when there are numbers */
};

/** Take one value. Text and NaN count, but add nothing. */
void total_add(struct total *total, const struct report_value *value);

/** The total of a kind. @return false: there is none (the least of nothing) */
bool total_value(const struct total *total, enum report_total kind, double *ret_value);

/** Whether any column wants a total. */
bool totals_are_wanted(const struct report_column *columns, size_t count);

#endif
