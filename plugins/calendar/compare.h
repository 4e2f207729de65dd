/* SPDX-License-Identifier: BSD-2-Clause */
/* A week beside the weeks before it: what changed, and who is new. Pure, as the breakdown is. */
#ifndef CALENDAR_COMPARE_H
#define CALENDAR_COMPARE_H

#include "breakdown.h"

/** With how many weeks before it a week is compared. */
#define KT_COMPARED_WEEKS 4

/** One number now, in the week before, and on the average of the weeks before. */
struct kt_compared {
    int64_t now, last, mean; /**< the mean is rounded towards zero */
};

struct kt_comparison {
    uint32_t weeks; /**< how many there were before; without any, all numbers but "now" are 0 */
    struct kt_compared meetings, seconds, real, conflict, after_hours, focusable;
    /** Those whom none of the weeks before knows, in the order of the ranking; never NULL. */
    const struct kt_person_sum **new_people;
    size_t new_people_count;
};

/**
 * @param context  owns new_people, whose items are current's
 * @param earlier  the weeks before, the last one first
 * @return 0 or -ENOMEM
 */
int kt_compare(TALLOC_CTX *context, const struct kt_breakdown *current,
               const struct kt_breakdown *earlier, uint32_t weeks,
               struct kt_comparison *ret_comparison);

#endif
