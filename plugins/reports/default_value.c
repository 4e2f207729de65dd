/* SPDX-License-Identifier: BSD-2-Clause */
/* A word is the begin of a unit, or its end, which is the day before the begin of the next. */
#include "default_value.h"

#include "calendar/civil.h"

#include <stdlib.h>
#include <string.h>

/** Units to go at most; keeps every day within the years that dates have. */
#define STEPS_MAX 5000
#define YEAR_STEPS_MAX 300

static int64_t step_days(int64_t today, int64_t steps)
{
    return today + steps;
}

static int64_t step_weeks(int64_t today, int64_t steps)
{
    return today - kt_day_weekday((int32_t)today) + 7 * steps;
}

static int64_t step_months(int64_t today, int64_t steps)
{
    struct kt_date date = kt_date_from_day((int32_t)today);
    int64_t month = date.year * INT64_C(12) + date.month - 1 + steps;
    return kt_day_from_date((int32_t)(month / 12), (uint32_t)(month % 12) + 1, 1);
}

static int64_t step_years(int64_t today, int64_t steps)
{
    return kt_day_from_date(kt_date_from_day((int32_t)today).year + (int32_t)steps, 1, 1);
}

bool default_day(const char *text, int64_t today_days, int64_t *ret_days)
{
    static const struct {
        const char *word;
        int64_t (*step)(int64_t today, int64_t steps);
        int steps_max;
        int is_end; /**< 1: the day before the begin of the next one */
    } words[] = {
        {"today", step_days, STEPS_MAX, 0},
        {"week-start", step_weeks, STEPS_MAX, 0},
        {"week-end", step_weeks, STEPS_MAX, 1},
        {"month-start", step_months, STEPS_MAX / 2, 0},
        {"month-end", step_months, STEPS_MAX / 2, 1},
        {"year-start", step_years, YEAR_STEPS_MAX, 0},
        {"year-end", step_years, YEAR_STEPS_MAX, 1},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t size = strlen(words[i].word);
        char *end = NULL;
        if (strncmp(text, words[i].word, size) != 0)
            continue;
        long steps = 0;
        if (text[size]) {
            bool is_signed = text[size] == '+' || text[size] == '-';
            if (!is_signed || text[size + 1] < '0' || text[size + 1] > '9')
                return false;
            steps = strtol(text + size, &end, 10);
            if (*end || steps > words[i].steps_max || steps < -words[i].steps_max)
                return false;
        }
        *ret_days = words[i].step(today_days, steps + words[i].is_end) - words[i].is_end;
        return true;
    }
    return false;
}
