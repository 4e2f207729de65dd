/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The expansion walks periods: years, months, weeks, days, hours, minutes or seconds, each with a
 * number ("unit"), every INTERVAL-th of them. A period's set is a list of days times lists of
 * hours, minutes and seconds; an instance is a position in that product, so even a set of 31
 * million seconds of a year needs no memory and BYSETPOS is plain arithmetic.
 */
#include "recurrence.h"
#include "civil.h"

#include <stddef.h>

/** Seconds of a period of the frequencies below a day. */
static int64_t unit_seconds(enum kt_frequency frequency)
{
    return frequency == KT_HOURLY ? 3600 : frequency == KT_MINUTELY ? 60 : 1;
}

/** The number of the period that a local time lies in. */
static int64_t unit_of(const struct kt_rule *rule, int64_t local)
{
    int32_t day = kt_local_day(local);
    struct kt_date date;

    switch (rule->frequency) {
    case KT_YEARLY:
        return kt_date_from_day(day).year;
    case KT_MONTHLY:
        date = kt_date_from_day(day);
        return (int64_t)date.year * 12 + date.month - 1;
    case KT_WEEKLY:
        return kt_floor_divide((int64_t)day + 3 - rule->week_start, 7);
    case KT_DAILY:
        return day;
    default:
        return kt_floor_divide(local, unit_seconds(rule->frequency));
    }
}

/** The first day of a period. */
static int32_t unit_day(const struct kt_rule *rule, int64_t unit)
{
    switch (rule->frequency) {
    case KT_YEARLY:
        return kt_day_from_date((int32_t)unit, 1, 1);
    case KT_MONTHLY:
        return kt_day_from_date((int32_t)kt_floor_divide(unit, 12),
                                (uint32_t)(unit - kt_floor_divide(unit, 12) * 12) + 1, 1);
    case KT_WEEKLY:
        return (int32_t)(unit * 7 - 3 + rule->week_start);
    case KT_DAILY:
        return (int32_t)unit;
    default:
        return kt_local_day(unit * unit_seconds(rule->frequency));
    }
}

/** A day, with all that the parts of a rule ask of it; the next one follows without a division. */
struct day {
    int32_t number;
    struct kt_date date;
    uint32_t weekday, month_length;
    uint32_t year_index, year_length; /* days of the year before it, and of the year */
    int32_t week_end;                 /* until this day the week is the one that was judged */
    bool is_week_wanted;
};

static void enter_month(struct day *day)
{
    day->month_length = kt_month_length(day->date.year, day->date.month);
}

static void enter_year(struct day *day)
{
    day->year_length = kt_year_is_leap(day->date.year) ? 366 : 365;
    day->year_index = (uint32_t)(day->number - kt_day_from_date(day->date.year, 1, 1));
}

static struct day day_of(int32_t number)
{
    struct day day = {.number = number,
                      .date = kt_date_from_day(number),
                      .weekday = kt_day_weekday(number),
                      .week_end = INT32_MIN};

    enter_month(&day);
    enter_year(&day);
    return day;
}

static void enter_next_month(struct day *day)
{
    day->date.day = 1;
    if (day->date.month++ == 12) {
        day->date.month = 1;
        day->date.year++;
        enter_year(day);
    }
    enter_month(day);
}

static void go_to_next_day(struct day *day)
{
    day->number++;
    day->weekday = day->weekday == 6 ? 0 : day->weekday + 1;
    day->year_index++;
    if (day->date.day++ == day->month_length)
        enter_next_month(day);
}

static void go_to_next_month(struct day *day)
{
    uint32_t days = day->month_length - day->date.day + 1;

    day->number += (int32_t)days;
    day->weekday = (day->weekday + days) % 7;
    day->year_index += days;
    enter_next_month(day);
}

/** Whether a weekday's ordinal is named: the n-th from the begin, the m-th from the end. */
static bool has_ordinal(const struct kt_rule *rule, uint32_t weekday, uint32_t index,
                        uint32_t length)
{
    return (rule->nth_from_begin[weekday] >> (index / 7 + 1) & 1) ||
           (rule->nth_from_end[weekday] >> ((length - 1 - index) / 7 + 1) & 1);
}

static bool weekday_matches(const struct kt_rule *rule, const struct day *day)
{
    if (!rule->by_weekday && !rule->has_ordinals)
        return true;
    if (rule->by_weekday >> day->weekday & 1)
        return true;
    if (!rule->has_ordinals)
        return false;
    if (rule->frequency == KT_MONTHLY || (rule->frequency == KT_YEARLY && rule->by_month))
        return has_ordinal(rule, day->weekday, day->date.day - 1, day->month_length);
    if (rule->frequency == KT_YEARLY)
        return has_ordinal(rule, day->weekday, day->year_index, day->year_length);
    /* An ordinal has no meaning in other frequencies: the weekday counts. */
    return rule->nth_from_begin[day->weekday] || rule->nth_from_end[day->weekday];
}

/** Judged once for the days of a week. */
static bool week_matches(const struct kt_rule *rule, struct day *day)
{
    uint32_t weeks, week;

    if (day->number >= day->week_end) {
        week = kt_day_week(day->number, rule->week_start, NULL, &weeks);
        day->is_week_wanted = kt_rule_numbers_has(&rule->by_week, week, weeks - week + 1);
        day->week_end = day->number + 7 - (int32_t)((day->weekday + 7 - rule->week_start) % 7);
    }
    return day->is_week_wanted;
}

/** Whether a day passes all the parts of the rule that speak of days, but for the month. */
static bool day_matches(const struct kt_rule *rule, struct day *day)
{
    if (rule->by_month_day.is_set && !kt_rule_numbers_has(&rule->by_month_day, day->date.day,
                                                          day->month_length - day->date.day + 1))
        return false;
    if (rule->by_year_day.is_set && !kt_rule_numbers_has(&rule->by_year_day, day->year_index + 1,
                                                         day->year_length - day->year_index))
        return false;
    if (!weekday_matches(rule, day))
        return false;
    return !rule->by_week.is_set || rule->frequency != KT_YEARLY || week_matches(rule, day);
}

/** The days of the present period's set. @return how many were looked at */
static uint64_t load_days(struct kt_recurrence *recurrence)
{
    const struct kt_rule *rule = &recurrence->rule;
    int32_t first = unit_day(rule, recurrence->unit);
    int32_t end = rule->frequency >= KT_WEEKLY ? unit_day(rule, recurrence->unit + 1) : first + 1;
    struct day day = day_of(first);
    uint64_t looked_at = 0;

    recurrence->day_count = 0;
    for (; day.number < end; looked_at++) {
        if (rule->by_month && !(rule->by_month >> day.date.month & 1)) {
            go_to_next_month(&day);
            continue;
        }
        if (day_matches(rule, &day))
            recurrence->days[recurrence->day_count++] = day.number;
        go_to_next_day(&day);
    }
    recurrence->end_day = day.number;
    return looked_at;
}

static uint32_t list_bits(uint64_t bits, uint8_t *list)
{
    uint32_t count = 0;

    for (; bits; bits &= bits - 1)
        list[count++] = (uint8_t)__builtin_ctzll(bits);
    return count;
}

/** Keep of a BY… set only the value that the period stands for; an absent set has them all. */
static uint64_t only(uint64_t bits, int64_t value)
{
    uint64_t bit = UINT64_C(1) << value;

    return bits ? bits & bit : bit;
}

/** The times of day of the present period's set. */
static void load_times(struct kt_recurrence *recurrence)
{
    const struct kt_rule *rule = &recurrence->rule;
    uint64_t hours = rule->by_hour, minutes = rule->by_minute, seconds = rule->by_second;

    if (rule->frequency <= KT_HOURLY) {
        int64_t local = recurrence->unit * unit_seconds(rule->frequency);
        int64_t of_day = local - (int64_t)kt_local_day(local) * KT_DAY_SECONDS;

        hours = only(hours, of_day / 3600);
        if (rule->frequency <= KT_MINUTELY)
            minutes = only(minutes, of_day / 60 % 60);
        if (rule->frequency == KT_SECONDLY)
            seconds = only(seconds, of_day % 60);
    }
    recurrence->hour_count = list_bits(hours, recurrence->hours);
    recurrence->minute_count = list_bits(minutes, recurrence->minutes);
    recurrence->second_count = list_bits(seconds, recurrence->seconds);
}

static uint64_t times_per_day(const struct kt_recurrence *recurrence)
{
    return (uint64_t)recurrence->hour_count * recurrence->minute_count * recurrence->second_count;
}

static bool has_number(const uint64_t *bits, uint32_t number)
{
    return bits[number / 64] >> (number % 64) & 1;
}

/** What BYSETPOS picks of a set of so many instances. @return how many numbers were looked at */
static uint64_t load_positions(struct kt_recurrence *recurrence, uint64_t total)
{
    const struct kt_rule_numbers *numbers = &recurrence->rule.by_position;
    uint32_t bound = total < KT_RULE_DAYS_MAX ? (uint32_t)total : KT_RULE_DAYS_MAX;
    uint32_t low = 1, high = bound, count = 0; /* the next from the begin, and from the end */

    for (;;) {
        uint64_t from_begin = UINT64_MAX, from_end = UINT64_MAX;

        while (low <= bound && !has_number(numbers->from_begin, low))
            low++;
        while (high > 0 && !has_number(numbers->from_end, high))
            high--;
        if (low <= bound)
            from_begin = low - 1;
        if (high > 0)
            from_end = total - high;
        if (from_begin == UINT64_MAX && from_end == UINT64_MAX)
            break;
        recurrence->positions[count++] = from_begin < from_end ? from_begin : from_end;
        low += from_begin <= from_end;
        high -= from_end <= from_begin;
    }
    recurrence->position_count = count;
    return bound;
}

static void load_period(struct kt_recurrence *recurrence)
{
    uint64_t steps = KT_EFFORT_PERIOD + load_days(recurrence);

    load_times(recurrence);
    if (recurrence->rule.by_position.is_set)
        steps += load_positions(recurrence, recurrence->day_count * times_per_day(recurrence));
    recurrence->position = 0;
    recurrence->is_loaded = true;
    (void)kt_effort_take(recurrence->effort, steps); /* the next instance hears of it */
}

/** How many positions the present period has. */
static uint64_t period_size(const struct kt_recurrence *recurrence)
{
    return recurrence->rule.by_position.is_set ? recurrence->position_count
                                               : recurrence->day_count * times_per_day(recurrence);
}

static int64_t local_at(const struct kt_recurrence *recurrence, uint64_t position)
{
    uint64_t per_day = times_per_day(recurrence), time;

    if (recurrence->rule.by_position.is_set)
        position = recurrence->positions[position];
    time = position % per_day;
    return (int64_t)recurrence->days[position / per_day] * KT_DAY_SECONDS +
           recurrence->hours[time / recurrence->second_count / recurrence->minute_count] * 3600 +
           recurrence->minutes[time / recurrence->second_count % recurrence->minute_count] * 60 +
           recurrence->seconds[time % recurrence->second_count];
}

/** The first position of the present period at or after a local time. */
static uint64_t position_from(const struct kt_recurrence *recurrence, int64_t local)
{
    uint64_t low = 0, high = period_size(recurrence);

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        if (local_at(recurrence, middle) < local)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/** Go to the first period of the rule whose number is at least this. */
static void go_to_unit(struct kt_recurrence *recurrence, int64_t unit)
{
    int64_t interval = recurrence->rule.interval;
    int64_t distance = unit - recurrence->first_unit;

    if (distance < 0)
        distance = 0;
    recurrence->unit = recurrence->first_unit + (distance + interval - 1) / interval * interval;
    recurrence->is_loaded = false;
}

/** Leave a period, and with it the days, hours or minutes after it of which nothing can match. */
static void go_on(struct kt_recurrence *recurrence)
{
    const struct kt_rule *rule = &recurrence->rule;
    int64_t next = recurrence->unit + 1;

    if (recurrence->day_count == 0) {
        int64_t unit = unit_of(rule, (int64_t)recurrence->end_day * KT_DAY_SECONDS);

        next = unit > next ? unit : next;
    } else if (rule->frequency <= KT_HOURLY) {
        int64_t size = unit_seconds(rule->frequency);
        int64_t local = recurrence->unit * size;

        if (recurrence->hour_count == 0)
            next = (kt_floor_divide(local, 3600) + 1) * 3600 / size;
        else if (recurrence->minute_count == 0)
            next = (kt_floor_divide(local, 60) + 1) * 60 / size;
    }
    go_to_unit(recurrence, next);
}

/** What the rule leaves open follows from the start. */
static void complete(struct kt_rule *rule, int64_t start)
{
    int32_t day = kt_local_day(start);
    int64_t of_day = start - (int64_t)day * KT_DAY_SECONDS;
    struct kt_date date = kt_date_from_day(day);
    bool has_days = rule->by_week.is_set || rule->by_year_day.is_set || rule->by_month_day.is_set ||
                    rule->by_weekday || rule->has_ordinals;

    if (!rule->by_hour && rule->frequency > KT_HOURLY)
        rule->by_hour = 1u << (of_day / 3600);
    if (!rule->by_minute && rule->frequency > KT_MINUTELY)
        rule->by_minute = UINT64_C(1) << (of_day / 60 % 60);
    if (!rule->by_second && rule->frequency > KT_SECONDLY)
        rule->by_second = UINT64_C(1) << (of_day % 60);
    if (has_days)
        return;
    if (rule->frequency == KT_WEEKLY)
        rule->by_weekday = 1u << kt_day_weekday(day);
    if (rule->frequency == KT_YEARLY && !rule->by_month)
        rule->by_month = 1u << date.month;
    if (rule->frequency == KT_YEARLY || rule->frequency == KT_MONTHLY)
        kt_rule_numbers_add(&rule->by_month_day, (int32_t)date.day);
}

void kt_recurrence_begin(struct kt_recurrence *recurrence, const struct kt_rule *rule,
                         int64_t start, const struct kt_recurrence_zone *zone,
                         struct kt_effort *effort)
{
    recurrence->rule = *rule;
    complete(&recurrence->rule, start);
    recurrence->zone = zone ? *zone : (struct kt_recurrence_zone){NULL, NULL};
    recurrence->start = start;
    recurrence->first_unit = unit_of(rule, start);
    recurrence->unit = recurrence->first_unit;
    recurrence->left = rule->count ? rule->count : UINT64_MAX;
    recurrence->effort = effort;
    recurrence->is_cut = false;
    recurrence->is_loaded = false;
    (void)kt_effort_take(effort, KT_EFFORT_RULE);
}

void kt_recurrence_seek(struct kt_recurrence *recurrence, int64_t local)
{
    if (recurrence->rule.count || local <= recurrence->start || recurrence->effort->left == 0)
        return;
    go_to_unit(recurrence, unit_of(&recurrence->rule, local));
    load_period(recurrence);
    recurrence->position = position_from(recurrence, local);
}

bool kt_recurrence_next(struct kt_recurrence *recurrence, int64_t before, int64_t *ret_local)
{
    const struct kt_rule *rule = &recurrence->rule;
    int64_t local;

    if (rule->has_until && rule->until < before)
        before = rule->until + 1;
    while (recurrence->left > 0) {
        if (!kt_effort_take(recurrence->effort, 1)) {
            recurrence->is_cut = true;
            return false;
        }
        if (!recurrence->is_loaded) {
            if ((int64_t)unit_day(rule, recurrence->unit) * KT_DAY_SECONDS >= before ||
                (rule->frequency <= KT_HOURLY &&
                 recurrence->unit * unit_seconds(rule->frequency) >= before))
                return false;
            load_period(recurrence);
            if (recurrence->unit == recurrence->first_unit)
                recurrence->position = position_from(recurrence, recurrence->start);
        }
        if (recurrence->position >= period_size(recurrence)) {
            go_on(recurrence);
            continue;
        }
        local = local_at(recurrence, recurrence->position);
        if (local >= before)
            return false;
        recurrence->position++;
        /* "nonexistent local time … MUST be ignored and MUST NOT be counted" (3.3.10) */
        if (recurrence->zone.has) {
            (void)kt_effort_take(recurrence->effort, KT_EFFORT_CONVERSION);
            if (!recurrence->zone.has(recurrence->zone.zone, local))
                continue;
        }
        recurrence->left--;
        *ret_local = local;
        return true;
    }
    return false;
}

bool kt_recurrence_has_start(const struct kt_rule *rule, int64_t start, struct kt_effort *effort)
{
    struct kt_recurrence recurrence;
    int64_t local;

    kt_recurrence_begin(&recurrence, rule, start, NULL, effort);
    return kt_recurrence_next(&recurrence, start + 1, &local) && local == start;
}
