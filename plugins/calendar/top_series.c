/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A series is what has one UID: instances that were changed have details of their own, and belong
 * to it all the same.
 */
#include "top_series.h"
#include "tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void add(struct kt_series_sum *series, const struct kt_counted *counted)
{
    if (!series->details)
        series->details = counted->event->details;
    series->sum.count++;
    series->sum.seconds += counted->seconds;
    series->cost += counted->seconds * ((int64_t)counted->event->details->people_count + 1);
}

static int compare_series(const void *left, const void *right)
{
    const struct kt_series_sum *a = left, *b = right;

    if (a->cost != b->cost)
        return (a->cost < b->cost) - (a->cost > b->cost);
    return strcmp(a->details->uid, b->details->uid);
}

int kt_series_rank(TALLOC_CTX *context, struct kt_breakdown *breakdown)
{
    TALLOC_CTX *scratch = talloc_new(context);
    uint32_t most = breakdown->kinds[KT_KIND_RECURRING].count;
    struct kt_series_sum *list = talloc_zero_array(context, struct kt_series_sum, most + 1);
    struct kt_tally tally = {.count = 0};
    int result = scratch && list ? 0 : -ENOMEM;

    for (size_t index = 0; result == 0 && index < breakdown->counted_count; index++) {
        const struct kt_counted *counted = &breakdown->counted[index];
        int64_t number;

        if (counted->kind != KT_KIND_RECURRING)
            continue;
        number = kt_tally_number(scratch, &tally, counted->event->details->uid);
        if (number >= 0)
            add(&list[number], counted);
        else
            result = (int)number;
    }
    breakdown->series = list;
    breakdown->series_count = result == 0 ? tally.count : 0;
    if (breakdown->series_count > 1)
        qsort(list, breakdown->series_count, sizeof(*list), compare_series);
    talloc_free(scratch);
    return result;
}
