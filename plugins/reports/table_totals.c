/* SPDX-License-Identifier: BSD-2-Clause */
/* Only columns that want a total are added up. */
#include "table_totals.h"

#include "json_value.h"

#include <math.h>

struct table_totals *table_totals_new(TALLOC_CTX *context, const struct report_column *columns,
                                      size_t count)
{
    struct table_totals *totals =
        talloc_zero_size(context, sizeof *totals + count * sizeof totals->columns[0]);
    if (!totals)
        return NULL;
    totals->count = count;
    for (size_t i = 0; i < count; i++) {
        totals->columns[i].type = columns[i].type;
        totals->columns[i].kind = columns[i].total;
    }
    return totals;
}

void table_totals_add(struct table_totals *totals, const struct report_value *values)
{
    for (size_t i = 0; i < totals->count; i++)
        if (totals->columns[i].kind != REPORT_NO_TOTAL)
            total_add(&totals->columns[i].total, &values[i]);
}

/** The total of dates is a date again, that of whole milliseconds a duration. */
static bool is_whole(enum report_type type)
{
    return type == REPORT_DATE || type == REPORT_DATETIME || type == REPORT_DURATION;
}

void table_totals_put_json(const struct table_totals *totals, struct writer *writer)
{
    writer_put(writer, "[", 1);
    for (size_t i = 0; i < totals->count; i++) {
        enum report_type type = totals->columns[i].type;
        enum report_total kind = totals->columns[i].kind;
        struct report_value value = {.form = REPORT_NULL};
        double number;
        if (total_value(&totals->columns[i].total, kind, &number)) {
            value = (struct report_value){.form = REPORT_IS_REAL, .real = number};
            if (kind != REPORT_COUNT && is_whole(type) && fabs(number) < 9e15)
                value = (struct report_value){.form = REPORT_IS_INTEGER, .integer = llround(number)};
        }
        writer_put(writer, ",", i > 0);
        json_put_value(writer, type, &value);
    }
    writer_put(writer, "]", 1);
}
