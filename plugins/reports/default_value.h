/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The days that a default can name: today, week-start, month-end-1 … Knows the calendar, no
 * parameters.
 */
#ifndef REPORTS_DEFAULT_VALUE_H
#define REPORTS_DEFAULT_VALUE_H

#include <stdbool.h>
#include <stdint.h>

/** What can be written, for messages. */
#define DEFAULT_DAY_WORDS                                                                          \
    "today, week-start, week-end, month-start, month-end, year-start, year-end, each with +N or -N"

/**
 * The day that an expression names, such as "today-2" or "month-start-1" (of the month before).
 * Weeks begin on Mondays.
 * @param today_days  days since 1970-01-01
 * @return false: it names none
 */
bool default_day(const char *text, int64_t today_days, int64_t *ret_days);

#endif
