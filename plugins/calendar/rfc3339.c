/* SPDX-License-Identifier: BSD-2-Clause */
/* Fixed places first, then what may vary: the fraction and the offset. */
#include "rfc3339.h"

#include "civil.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/** Length of "YYYY-MM-DD" and of "THH:MM:SS". */
#define DATE_LENGTH 10
#define TIME_LENGTH 9

/** Two digits within a bound. @return their value, or -1 */
static int read_pair(const char *at, int maximum)
{
    int value;

    if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9')
        return -1;
    value = (at[0] - '0') * 10 + (at[1] - '0');
    return value <= maximum ? value : -1;
}

/** "Z", "+01:00" or "-08:30", up to the end. */
static int read_offset(const char *at, int64_t *ret_seconds)
{
    int hours, minutes;

    *ret_seconds = 0;
    if ((at[0] == 'Z' || at[0] == 'z') && at[1] == '\0')
        return 0;
    if ((at[0] != '+' && at[0] != '-') || strlen(at) != 6 || at[3] != ':')
        return -EINVAL;
    hours = read_pair(at + 1, 23);
    minutes = read_pair(at + 4, 59);
    if (hours < 0 || minutes < 0)
        return -EINVAL;
    *ret_seconds = (int64_t)(hours * 60 + minutes) * (at[0] == '-' ? -60 : 60);
    return 0;
}

int kt_rfc3339_parse(const char *text, int64_t *ret_instant)
{
    char date[DATE_LENGTH + 1];
    const char *at = text + DATE_LENGTH;
    int hours, minutes, seconds;
    int64_t offset;
    int32_t day;

    if (strlen(text) < DATE_LENGTH + TIME_LENGTH + 1)
        return -EINVAL;
    memcpy(date, text, DATE_LENGTH);
    date[DATE_LENGTH] = '\0';
    if (kt_date_parse(date, &day) < 0 || (*at != 'T' && *at != 't' && *at != ' ') || at[3] != ':' ||
        at[6] != ':')
        return -EINVAL;
    hours = read_pair(at + 1, 23);
    minutes = read_pair(at + 4, 59);
    seconds = read_pair(at + 7, 60);
    if (hours < 0 || minutes < 0 || seconds < 0)
        return -EINVAL;
    at += TIME_LENGTH;
    if (*at == '.')
        at += 1 + strspn(at + 1, "0123456789");
    if (read_offset(at, &offset) < 0)
        return -EINVAL;
    *ret_instant = (int64_t)day * KT_DAY_SECONDS + hours * 3600 + minutes * 60 + seconds - offset;
    return 0;
}

void kt_rfc3339_format(int64_t instant, char text[KT_RFC3339_SIZE])
{
    int32_t day = kt_local_day(instant);
    int seconds = (int)(instant - (int64_t)day * KT_DAY_SECONDS);
    struct kt_date date = kt_date_from_day(day);

    snprintf(text, KT_RFC3339_SIZE, "%04d-%02u-%02uT%02d:%02d:%02dZ", (int)date.year, date.month,
             date.day, seconds / 3600, seconds / 60 % 60, seconds % 60);
}
