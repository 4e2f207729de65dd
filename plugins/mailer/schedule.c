/* SPDX-License-Identifier: BSD-2-Clause */
/* Candidates are days in the zone's own calendar; each is turned into an instant and looked at. */
#include "schedule.h"
#include "calendar/civil.h"

#define WEEK_DAYS 7
/** The last day of the week on which a mail is about the week before: Wednesday. */
#define EARLY_WEEKDAY_MAX 2u

/** Monday to Sunday, as its Friday. */
static int32_t week_of(int32_t day)
{
    return day - (int32_t)kt_day_weekday(day) + (int32_t)KT_WEEKDAY_FRIDAY;
}

/** Whether the zone has that day; no change of clocks but that of a whole day leaves out its noon.
 */
static bool has_day(const struct kt_zone *zone, int32_t day)
{
    return kt_zone_has(zone, (int64_t)day * KT_DAY_SECONDS + KT_DAY_SECONDS / 2);
}

/** The due time of a day. @return whether the zone has that day */
static bool due_on(const struct kt_schedule *schedule, int32_t day, struct kt_due *ret_due)
{
    int64_t local = (int64_t)day * KT_DAY_SECONDS + (int64_t)schedule->hour * 3600;

    *ret_due = (struct kt_due){
        .at = kt_zone_to_instant(schedule->zone, local), .day = day, .week = week_of(day)};
    return has_day(schedule->zone, day);
}

/** The chosen day of the week in which an instant falls. */
static int32_t day_near(const struct kt_schedule *schedule, int64_t instant)
{
    int32_t day = kt_local_day(kt_zone_to_local(schedule->zone, instant));

    return day - (int32_t)kt_day_weekday(day) + (int32_t)schedule->weekday;
}

struct kt_due kt_schedule_after(const struct kt_schedule *schedule, int64_t instant)
{
    int32_t day = day_near(schedule, instant) - WEEK_DAYS;
    struct kt_due due;

    while (!due_on(schedule, day, &due) || due.at <= instant)
        day += WEEK_DAYS;
    return due;
}

struct kt_due kt_schedule_before(const struct kt_schedule *schedule, int64_t instant)
{
    int32_t day = day_near(schedule, instant) + WEEK_DAYS;
    struct kt_due due;

    while (!due_on(schedule, day, &due) || due.at > instant)
        day -= WEEK_DAYS;
    return due;
}

bool kt_schedule_skips(const struct kt_schedule *before, const struct kt_schedule *after,
                       int64_t instant, struct kt_due *ret_due)
{
    struct kt_due expected = kt_schedule_after(before, instant);
    struct kt_due next = kt_schedule_after(after, instant);
    struct kt_due last = kt_schedule_before(after, instant);

    if (next.week <= expected.week || last.week != expected.week)
        return false;
    *ret_due = last;
    ret_due->at = instant;
    return true;
}

int32_t kt_schedule_first_day(const struct kt_due *due)
{
    uint32_t weekday = kt_day_weekday(due->day);

    return due->day - (int32_t)weekday - (weekday <= EARLY_WEEKDAY_MAX ? WEEK_DAYS : 0);
}
