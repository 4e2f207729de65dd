/* SPDX-License-Identifier: BSD-2-Clause */
/* Both are read from left to right with a cursor; what is left over makes them wrong. */
#include "working_time.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

/** The shortest beginning of a day's name: "mon". */
#define LETTERS_MIN 3

static void skip_spaces(const char **cursor)
{
    *cursor += strspn(*cursor, " \t");
}

static bool skip(const char **cursor, char wanted)
{
    skip_spaces(cursor);
    if (**cursor != wanted)
        return false;
    ++*cursor;
    skip_spaces(cursor);
    return true;
}

/** @return 0 = Monday … 6 = Sunday, or -1 */
static int read_day(const char **cursor)
{
    static const char *const names[] = {"monday", "tuesday",  "wednesday", "thursday",
                                        "friday", "saturday", "sunday"};
    size_t length = 0;

    while (isalpha((unsigned char)(*cursor)[length]))
        length++;
    for (int day = 0; day < 7; day++) {
        if (length >= LETTERS_MIN && length <= strlen(names[day]) &&
            strncasecmp(*cursor, names[day], length) == 0) {
            *cursor += length;
            return day;
        }
    }
    return -1;
}

int kt_working_days_parse(const char *text, uint32_t *ret_days)
{
    uint32_t days = 0;
    int first, last;

    skip_spaces(&text);
    do {
        first = last = read_day(&text);
        if (first >= 0 && skip(&text, '-'))
            last = read_day(&text);
        if (last < 0)
            return -EINVAL;
        for (int day = first; days |= 1u << day, day != last; day = (day + 1) % 7)
            ;
    } while (skip(&text, ','));
    if (*text)
        return -EINVAL;
    *ret_days = days;
    return 0;
}

/** "9:00" or "17:30", in seconds. @return -1: no time */
static int32_t read_time(const char **cursor)
{
    int32_t hour = 0, minute = 0;
    int digits;

    for (digits = 0; digits < 2 && isdigit((unsigned char)**cursor); digits++, ++*cursor)
        hour = hour * 10 + (**cursor - '0');
    if (digits == 0 || **cursor != ':')
        return -1;
    ++*cursor;
    for (digits = 0; digits < 2 && isdigit((unsigned char)**cursor); digits++, ++*cursor)
        minute = minute * 10 + (**cursor - '0');
    if (digits < 2 || minute > 59 || hour * 60 + minute > 24 * 60)
        return -1;
    return hour * 3600 + minute * 60;
}

int kt_working_hours_parse(const char *text, int32_t *ret_from, int32_t *ret_to)
{
    int32_t from, to;

    skip_spaces(&text);
    from = read_time(&text);
    if (from < 0 || !skip(&text, '-'))
        return -EINVAL;
    to = read_time(&text);
    skip_spaces(&text);
    if (to <= from || *text)
        return -EINVAL;
    *ret_from = from;
    *ret_to = to;
    return 0;
}
