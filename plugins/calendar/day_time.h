/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of the breakdown that asks when: real time and conflicts, hours of the day, free time.
 */
#ifndef CALENDAR_DAY_TIME_H
#define CALENDAR_DAY_TIME_H

#include "breakdown.h"

/**
 * Fill real, conflict, hours, after_hours, working, focusable, fragmented and longest, per day and
 * for all days, from the counted events, which are in order of their starts.
 * @param context  for memory that is used meanwhile
 * @return 0 or -ENOMEM
 */
int kt_day_time_count(TALLOC_CTX *context, const struct kt_window *window,
                      const struct kt_breakdown_options *options, struct kt_breakdown *breakdown);

#endif
