/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dates and times as people write them, without any zone. A day is the number of days since
 * 1970-01-01; a local time is that day times 86,400 plus the seconds of the day. Proleptic
 * Gregorian calendar throughout. Knows nothing of zones, rules or events.
 */
#ifndef CALENDAR_CIVIL_H
#define CALENDAR_CIVIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KT_DAY_SECONDS 86400
/** The years that calendars may speak of; beyond them dates are refused. */
#define KT_YEAR_MIN 1601
#define KT_YEAR_MAX 9999
/** "YYYY-MM-DD", and room for it with its NUL. */
#define KT_DATE_LENGTH 10
#define KT_DATE_TEXT_SIZE 16

struct kt_date {
    int32_t year;
    uint32_t month; /**< 1 … 12 */
    uint32_t day;   /**< 1 … 31 */
};

/** Division that rounds towards minus infinity; divisor > 0. */
static inline int64_t kt_floor_divide(int64_t value, int64_t divisor)
{
    return value / divisor - (value % divisor < 0);
}

/** The day of a local time. */
static inline int32_t kt_local_day(int64_t local)
{
    return (int32_t)kt_floor_divide(local, KT_DAY_SECONDS);
}

/** The day of a date; month 1 … 12, the day of the month may lie outside of its month. */
int32_t kt_day_from_date(int32_t year, uint32_t month, uint32_t day);

/** The date of a day. */
struct kt_date kt_date_from_day(int32_t day);

/** 0 = Monday … 6 = Sunday. */
uint32_t kt_day_weekday(int32_t day);

bool kt_year_is_leap(int32_t year);

/** 28 … 31. */
uint32_t kt_month_length(int32_t year, uint32_t month);

/**
 * The week of a day as in ISO 8601, for any first day of the week.
 * @param week_start  0 = Monday … 6 = Sunday
 * @param ret_year    the year that the week belongs to; may be NULL
 * @param ret_weeks   how many weeks that year has; may be NULL
 * @return 1 … 53
 */
uint32_t kt_day_week(int32_t day, uint32_t week_start, int32_t *ret_year, uint32_t *ret_weeks);

/** Read "YYYY-MM-DD". @return 0, or -EINVAL: not such a text, or no such date */
int kt_date_parse(const char *text, int32_t *ret_day);

/** Write "YYYY-MM-DD". */
void kt_date_format(int32_t day, char text[KT_DATE_TEXT_SIZE]);

#endif
