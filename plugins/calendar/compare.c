/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers are fetched by one function, so that now and before can't mean different things. */
#include "compare.h"
#include "tally.h"

#include <errno.h>
#include <string.h>

/** How many numbers are compared. */
#define NUMBERS 6

static void read_numbers(const struct kt_breakdown *breakdown, int64_t numbers[NUMBERS])
{
    numbers[0] = breakdown->meetings.count;
    numbers[1] = breakdown->meetings.seconds;
    numbers[2] = breakdown->real;
    numbers[3] = breakdown->conflict;
    numbers[4] = breakdown->after_hours;
    numbers[5] = breakdown->focusable.seconds;
}

static void compare_numbers(const struct kt_breakdown *current, const struct kt_breakdown *earlier,
                            uint32_t weeks, struct kt_comparison *comparison)
{
    struct kt_compared *const compared[NUMBERS] = {
        &comparison->meetings, &comparison->seconds,     &comparison->real,
        &comparison->conflict, &comparison->after_hours, &comparison->focusable};
    int64_t numbers[NUMBERS];

    read_numbers(current, numbers);
    for (int at = 0; at < NUMBERS; at++)
        compared[at]->now = numbers[at];
    for (uint32_t week = 0; week < weeks; week++) {
        read_numbers(&earlier[week], numbers);
        for (int at = 0; at < NUMBERS; at++) {
            compared[at]->mean += numbers[at];
            if (week == 0)
                compared[at]->last = numbers[at];
        }
    }
    for (int at = 0; weeks > 0 && at < NUMBERS; at++)
        compared[at]->mean /= weeks;
}

/** @return 0 or -ENOMEM */
static int find_new_people(TALLOC_CTX *scratch, const struct kt_breakdown *current,
                           const struct kt_breakdown *earlier, uint32_t weeks,
                           struct kt_comparison *comparison)
{
    struct kt_tally known = {.count = 0};

    for (uint32_t week = 0; week < weeks; week++) {
        for (size_t index = 0; index < earlier[week].people_count; index++) {
            if (kt_tally_number(scratch, &known, earlier[week].people[index].person->address) < 0)
                return -ENOMEM;
        }
    }
    for (size_t index = 0; weeks > 0 && index < current->people_count; index++) {
        if (kt_tally_find(&known, current->people[index].person->address) < 0)
            comparison->new_people[comparison->new_people_count++] = &current->people[index];
    }
    return 0;
}

int kt_compare(TALLOC_CTX *context, const struct kt_breakdown *current,
               const struct kt_breakdown *earlier, uint32_t weeks,
               struct kt_comparison *ret_comparison)
{
    TALLOC_CTX *scratch = talloc_new(context);
    int result = -ENOMEM;

    memset(ret_comparison, 0, sizeof(*ret_comparison));
    ret_comparison->weeks = weeks;
    ret_comparison->new_people =
        talloc_array(context, const struct kt_person_sum *, (unsigned)current->people_count + 1);
    if (scratch && ret_comparison->new_people)
        result = find_new_people(scratch, current, earlier, weeks, ret_comparison);
    compare_numbers(current, earlier, weeks, ret_comparison);
    talloc_free(scratch);
    return result;
}
