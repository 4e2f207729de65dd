/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading goes from left to right with one cursor; what is left over in the end makes it no moment.
 */
#include "moment.h"

#include "calendar/civil.h"

#include <stdio.h>
#include <string.h>

#define SECOND_MS 1000
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
/** Hours and days of a duration: beyond a thousand years somebody has miscalculated. */
#define HOURS_MAX 9999999
#define DATE_SIZE (sizeof "2026-11-20" - 1)

/** What is left of a text. */
struct cursor {
    const char *at, *end;
};

static bool skip(struct cursor *cursor, char sign)
{
    if (cursor->at == cursor->end || *cursor->at != sign)
        return false;
    cursor->at++;
    return true;
}

static bool skip_word(struct cursor *cursor, const char *word)
{
    size_t size = strlen(word);
    if ((size_t)(cursor->end - cursor->at) < size || memcmp(cursor->at, word, size) != 0)
        return false;
    cursor->at += size;
    return true;
}

/** Digits as a number, at most `max`. @return false: there are none, or too many of them */
static bool read_number(struct cursor *cursor, int64_t max, int64_t *ret_number)
{
    const char *begin = cursor->at;
    *ret_number = 0;
    for (; cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9'; cursor->at++) {
        *ret_number = *ret_number * 10 + (*cursor->at - '0');
        if (*ret_number > max)
            return false;
    }
    return cursor->at > begin;
}

/** ".123456" in milliseconds, if it is there. */
static int64_t read_fraction(struct cursor *cursor)
{
    int64_t ms = 0, unit = 100;
    if (!skip(cursor, '.'))
        return 0;
    for (; cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9'; cursor->at++) {
        ms += unit * (*cursor->at - '0');
        unit /= 10;
    }
    return ms;
}

/** "19:00", "19:00:00", "19:00:00.123". */
static bool read_clock(struct cursor *cursor, int64_t hours_max, int64_t *ret_ms)
{
    int64_t hours, minutes, seconds = 0, fraction = 0;
    if (!read_number(cursor, hours_max, &hours) || !skip(cursor, ':') ||
        !read_number(cursor, 59, &minutes))
        return false;
    if (skip(cursor, ':')) {
        if (!read_number(cursor, 59, &seconds))
            return false;
        fraction = read_fraction(cursor);
    }
    *ret_ms = hours * HOUR_MS + minutes * MINUTE_MS + seconds * SECOND_MS + fraction;
    return true;
}

/** "Z", "+01", "-03:30", or nothing. */
static bool skip_offset(struct cursor *cursor)
{
    int64_t number;
    if (skip(cursor, 'Z'))
        return true;
    if (skip(cursor, '+') || skip(cursor, '-')) {
        if (!read_number(cursor, 1600, &number))
            return false;
        while (skip(cursor, ':'))
            if (!read_number(cursor, 59, &number))
                return false;
    }
    return true;
}

bool moment_read(const char *text, size_t size, int64_t *ret_ms)
{
    char date[DATE_SIZE + 1];
    int32_t day;
    int64_t clock = 0;
    if (size < DATE_SIZE)
        return false;
    memcpy(date, text, DATE_SIZE);
    date[DATE_SIZE] = '\0';
    if (kt_date_parse(date, &day) < 0)
        return false;
    struct cursor cursor = {text + DATE_SIZE, text + size};
    if (skip(&cursor, ' ') || skip(&cursor, 'T')) {
        if (!read_clock(&cursor, 23, &clock) || !skip_offset(&cursor))
            return false;
    }
    *ret_ms = day * MOMENT_DAY_MS + clock;
    return cursor.at == cursor.end;
}

bool moment_read_duration(const char *text, size_t size, int64_t *ret_ms)
{
    struct cursor cursor = {text, text + size}, before;
    int64_t days = 0, clock = 0;
    bool is_negative = skip(&cursor, '-');
    before = cursor;
    if (read_number(&cursor, HOURS_MAX, &days) && skip_word(&cursor, " day")) {
        skip(&cursor, 's');
        days = is_negative ? -days : days;
        if (cursor.at == cursor.end) {
            *ret_ms = days * MOMENT_DAY_MS;
            return true;
        }
        if (!skip(&cursor, ' '))
            return false;
        is_negative = skip(&cursor, '-');
        if (!is_negative)
            skip(&cursor, '+');
    } else {
        days = 0;
        cursor = before;
    }
    if (!read_clock(&cursor, HOURS_MAX, &clock))
        return false;
    *ret_ms = days * MOMENT_DAY_MS + (is_negative ? -clock : clock);
    return cursor.at == cursor.end;
}

int64_t moment_day(int64_t ms)
{
    return kt_floor_divide(ms, MOMENT_DAY_MS);
}

void moment_write_date(int64_t days, char text[MOMENT_TEXT_SIZE])
{
    kt_date_format((int32_t)days, text);
}

void moment_write(int64_t ms, char text[MOMENT_TEXT_SIZE])
{
    char date[MOMENT_TEXT_SIZE];
    int64_t day = moment_day(ms), seconds = (ms - day * MOMENT_DAY_MS) / SECOND_MS;
    moment_write_date(day, date);
    snprintf(text, MOMENT_TEXT_SIZE, "%.10s %02u:%02u:%02u", date,
             (unsigned)(seconds / 3600) % 100u, (unsigned)(seconds / 60 % 60),
             (unsigned)(seconds % 60));
}
