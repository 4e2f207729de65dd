/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Zones are those that the calendar knows, by the same room. Of the machine's own only libc knows
 * all forms; localtime_r reads it once, and changes nothing for others.
 */
#include "wall_clock.h"

#include "calendar/civil.h"
#include "calendar/zone_database.h"

#include <errno.h>
#include <time.h>

#define SECOND_MS 1000

struct wall_clock {
    const struct kt_database_zone *zone; /**< NULL: the machine's */
};

int wall_clock_new(TALLOC_CTX *context, const char *zone, const struct wall_clock **ret_clock)
{
    struct wall_clock *clock = talloc_zero(context, struct wall_clock);
    const char *name;
    int result = clock ? 0 : -ENOMEM;
    if (result == 0 && zone)
        result = kt_zone_database_find(clock, zone, &clock->zone, &name);
    if (result < 0)
        talloc_free(clock);
    else
        *ret_clock = clock;
    return result;
}

/** Seconds east of Greenwich. */
static int64_t machine_offset(int64_t instant)
{
    time_t seconds = (time_t)instant;
    struct tm shown;
    return localtime_r(&seconds, &shown) ? shown.tm_gmtoff : 0;
}

int64_t wall_clock_read(const struct wall_clock *clock, int64_t unix_ms)
{
    int64_t instant = kt_floor_divide(unix_ms, SECOND_MS);
    int64_t offset =
        clock->zone ? kt_zone_database_offset(clock->zone, instant) : machine_offset(instant);
    return unix_ms + offset * SECOND_MS;
}
