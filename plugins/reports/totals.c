/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sums are compensated, so that a million amounts add up to the cent.
 */
#include "totals.h"

#include <math.h>

void total_add(struct total *total, const struct report_value *value)
{
    double number;
    if (value->form == REPORT_NULL)
        return;
    total->values++;
    if (value->form == REPORT_IS_INTEGER)
        number = (double)value->integer;
    else if (value->form == REPORT_IS_REAL && isfinite(value->real))
        number = value->real;
    else
        return;
    double sum = total->sum + number;
    total->lost += fabs(total->sum) >= fabs(number) ? (total->sum - sum) + number
                                                    : (number - sum) + total->sum;
    total->sum = sum;
    if (total->numbers == 0 || number < total->minimum)
        total->minimum = number;
    if (total->numbers == 0 || number > total->maximum)
        total->maximum = number;
    total->numbers++;
}

bool total_value(const struct total *total, enum report_total kind, double *ret_value)
{
    switch (kind) {
    case REPORT_NO_TOTAL:
        return false;
    case REPORT_SUM:
        *ret_value = total->sum + total->lost;
        return isfinite(*ret_value);
    case REPORT_AVERAGE:
        *ret_value = (total->sum + total->lost) / (double)total->numbers;
        return total->numbers > 0 && isfinite(*ret_value);
    case REPORT_MINIMUM:
        *ret_value = total->minimum;
        return total->numbers > 0;
    case REPORT_MAXIMUM:
        *ret_value = total->maximum;
        return total->numbers > 0;
    case REPORT_COUNT:
        *ret_value = (double)total->values;
        return true;
    }
    return false;
}

bool totals_are_wanted(const struct report_column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (columns[i].total != REPORT_NO_TOTAL)
            return true;
    return false;
}
