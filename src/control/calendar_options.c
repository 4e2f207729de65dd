/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounds are those of the plugin's options. */
#include "control/calendar_options.h"

#include "calendar/working_time.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE 60
#define HOUR (60 * MINUTE)
#define FOCUS_MAX (24 * HOUR)
#define LARGE_MIN 2
#define LARGE_MAX 1000000

/** A whole number from the least to the most, followed by nothing but one of the units. */
static int read_number(const char *text, const char *unit, long least, long most, long *ret_number)
{
    char *end;
    long number = strtol(text, &end, 10);

    if (end == text || strcmp(end, unit) != 0 || number < least || number > most)
        return -EINVAL;
    *ret_number = number;
    return 0;
}

/** "2h" or "90min". */
static int read_stretch(const char *text, int64_t *ret_seconds)
{
    long number;

    if (read_number(text, "h", 1, FOCUS_MAX / HOUR, &number) == 0)
        *ret_seconds = (int64_t)number * HOUR;
    else if (read_number(text, "min", 1, FOCUS_MAX / MINUTE, &number) == 0)
        *ret_seconds = (int64_t)number * MINUTE;
    else
        return -EINVAL;
    return 0;
}

int kt_calendar_options_read(const struct kt_calendar_words *words,
                             struct kt_breakdown_options *ret_options, const char **ret_wrong)
{
    struct kt_breakdown_options *options = ret_options;
    long large_over;

    *options = kt_breakdown_defaults;
    if (words->working_days && kt_working_days_parse(words->working_days, &options->work_days) < 0)
        *ret_wrong = "--working-days expects days such as monday-friday or mon,tue,thu";
    else if (words->working_hours &&
             kt_working_hours_parse(words->working_hours, &options->work_from, &options->work_to) <
                 0)
        *ret_wrong = "--working-hours expects hours such as 09:00-17:30";
    else if (words->focus_at_least &&
             read_stretch(words->focus_at_least, &options->focus_at_least) < 0)
        *ret_wrong = "--focus-at-least expects a time such as 2h or 90min, at most a day";
    else if (words->large_over &&
             read_number(words->large_over, "", LARGE_MIN, LARGE_MAX, &large_over) < 0)
        *ret_wrong = "--large-over expects a number of people, 2 to 1000000";
    else {
        if (words->large_over)
            options->large_over = (uint32_t)large_over;
        return 0;
    }
    return -EINVAL;
}
