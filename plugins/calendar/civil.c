/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calendar arithmetic on day numbers. Years are shifted to begin in March, so that the leap day
 * is the last of its year and months follow one linear formula.
 */
#include "civil.h"

#include <errno.h>
#include <string.h>

/** Days of 400 Gregorian years, and from 0000-03-01 to 1970-01-01. */
#define ERA_DAYS 146097
#define ERA_YEARS 400
#define EPOCH_SHIFT_DAYS 719468

int32_t kt_day_from_date(int32_t year, uint32_t month, uint32_t day)
{
    int64_t shifted = (int64_t)year - (month <= 2);
    int64_t era = kt_floor_divide(shifted, ERA_YEARS);
    int64_t year_of_era = shifted - era * ERA_YEARS;
    int64_t month_from_march = (int64_t)((month + 9) % 12);
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + (int64_t)day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return (int32_t)(era * ERA_DAYS + day_of_era - EPOCH_SHIFT_DAYS);
}

struct kt_date kt_date_from_day(int32_t day)
{
    int64_t shifted = (int64_t)day + EPOCH_SHIFT_DAYS;
    int64_t era = kt_floor_divide(shifted, ERA_DAYS);
    int64_t day_of_era = shifted - era * ERA_DAYS;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    struct kt_date date;

    date.day = (uint32_t)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    date.month = (uint32_t)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    date.year = (int32_t)(year_of_era + era * ERA_YEARS + (date.month <= 2));
    return date;
}

uint32_t kt_day_weekday(int32_t day)
{
    int64_t shifted = (int64_t)day + 3; /* 1970-01-01 was a Thursday */

    return (uint32_t)(shifted - kt_floor_divide(shifted, 7) * 7);
}

bool kt_year_is_leap(int32_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

uint32_t kt_month_length(int32_t year, uint32_t month)
{
    static const uint8_t lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return month == 2 && kt_year_is_leap(year) ? 29 : lengths[month - 1];
}

/** The day on which week 1 of a year begins: the week that has at least four days in the year. */
static int32_t first_week_start(int32_t year, uint32_t week_start)
{
    int32_t fourth = kt_day_from_date(year, 1, 4);

    return fourth - (int32_t)((kt_day_weekday(fourth) + 7 - week_start) % 7);
}

uint32_t kt_day_week(int32_t day, uint32_t week_start, int32_t *ret_year, uint32_t *ret_weeks)
{
    int32_t begin = day - (int32_t)((kt_day_weekday(day) + 7 - week_start) % 7);
    int32_t year = kt_date_from_day(begin + 3).year;
    int32_t first = first_week_start(year, week_start);

    if (ret_year)
        *ret_year = year;
    if (ret_weeks)
        *ret_weeks = (uint32_t)(first_week_start(year + 1, week_start) - first) / 7;
    return (uint32_t)(begin - first) / 7 + 1;
}

int kt_date_parse(const char *text, int32_t *ret_day)
{
    static const char shape[] = "0000-00-00";
    uint32_t numbers[3] = {0, 0, 0};
    size_t field = 0;

    if (strlen(text) != sizeof(shape) - 1)
        return -EINVAL;
    for (size_t index = 0; shape[index]; index++) {
        if (shape[index] == '-') {
            if (text[index] != '-')
                return -EINVAL;
            field++;
        } else if (text[index] < '0' || text[index] > '9') {
            return -EINVAL;
        } else {
            numbers[field] = numbers[field] * 10 + (uint32_t)(text[index] - '0');
        }
    }
    if (numbers[0] < KT_YEAR_MIN || numbers[1] < 1 || numbers[1] > 12 || numbers[2] < 1 ||
        numbers[2] > kt_month_length((int32_t)numbers[0], numbers[1]))
        return -EINVAL;
    *ret_day = kt_day_from_date((int32_t)numbers[0], numbers[1], numbers[2]);
    return 0;
}

/** Days come in swarms, too: the events of a week are on seven of them. */
void kt_date_format(int32_t day, char text[KT_DATE_TEXT_SIZE])
{
    static _Thread_local struct {
        int32_t day;
        char text[KT_DATE_TEXT_SIZE];
    } last = {0, "1970-01-01"};

    if (day != last.day) {
        struct kt_date date = kt_date_from_day(day);
        uint32_t digits = (uint32_t)date.year % 10000u * 10000u + date.month * 100u + date.day;

        last.day = day;
        for (int at = KT_DATE_LENGTH - 1; at >= 0; at--) {
            if (at == 4 || at == 7)
                continue;
            last.text[at] = (char)('0' + digits % 10);
            digits /= 10;
        }
    }
    memcpy(text, last.text, KT_DATE_TEXT_SIZE);
}
