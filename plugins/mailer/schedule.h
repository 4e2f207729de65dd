/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When a person's mail is due: once in each week, on a day and hour of their own clock. Always
 * computed anew from a time of the day's clock and the rules of the zone, never "seven days later".
 * Knows zones and dates; no store, no processes, no mail.
 */
#ifndef MAILER_SCHEDULE_H
#define MAILER_SCHEDULE_H

#include "calendar/zone.h"

#include <stdbool.h>
#include <stdint.h>

#define KT_WEEKDAY_FRIDAY 4u
#define KT_SCHEDULE_HOUR_DEFAULT 19u

/** What a person has chosen. */
struct kt_schedule {
    const struct kt_zone *zone; /**< borrowed */
    uint32_t weekday;           /**< 0 = Monday … 6 = Sunday */
    uint32_t hour;              /**< 0 … 23 */
};

/** One mail that is due. */
struct kt_due {
    int64_t at;   /**< seconds since 1970 */
    int32_t day;  /**< the local day, in days since 1970 */
    int32_t week; /**< the Friday of that day's week (Monday to Sunday): there is one mail for it,
                       whatever day, hour and zone the person moves to */
};

/**
 * The first due time after an instant. A day that the zone left out (Apia, 2011-12-30) has none; an
 * hour that a clock change leaves out is due as much later as the clock was moved; one that comes
 * twice is due the first time.
 */
struct kt_due kt_schedule_after(const struct kt_schedule *schedule, int64_t instant);

/** The last due time at or before an instant. */
struct kt_due kt_schedule_before(const struct kt_schedule *schedule, int64_t instant);

/**
 * Whether the mail that was still to come before a change is already over after it: whoever flies
 * east on a Friday would miss it. Then it is due at the moment of the change.
 * @param ret_due  that mail
 */
bool kt_schedule_skips(const struct kt_schedule *before, const struct kt_schedule *after,
                       int64_t instant, struct kt_due *ret_due);

/**
 * The first day of the week that a mail is about: the week of its day; from Monday to Wednesday the
 * one before, since little of the new one has happened.
 */
int32_t kt_schedule_first_day(const struct kt_due *due);

#endif
