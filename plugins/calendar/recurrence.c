/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The expansion walks periods: years, months, weeks, days, hours, minutes or seconds, each with a
 * number ("unit"), every INTERVAL-th of them. A period's set is a list of days times lists of
 * hours, minutes and seconds; an instance is a position in that product, so even a set of 31
 * million seconds of a year needs no memory and BYSETPOS is plain arithmetic.
 */
#include "recurrence.h"
#include "civil.h"

#include <stdlib.h>
#include <string.h>

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

/** Whether a weekday's ordinal is named: the n-th from the begin, the m-th from the end. */
static bool has_ordinal(const struct kt_rule *rule, uint32_t weekday, uint32_t index,
                        uint32_t length)
{
    return (rule->nth_from_begin[weekday] >> (index / 7 + 1) & 1) ||
           (rule->nth_from_end[weekday] >> ((length - 1 - index) / 7 + 1) & 1);
}

static bool weekday_matches(const struct kt_rule *rule, int32_t day, const struct kt_date *date,
                            uint32_t year_index, uint32_t year_length)
{
    uint32_t weekday = kt_day_weekday(day);

    if (!rule->by_weekday && !rule->has_ordinals)
        return true;
    if (rule->by_weekday >> weekday & 1)
        return true;
    if (!rule->has_ordinals)
        return false;
    if (rule->frequency == KT_MONTHLY || (rule->frequency == KT_YEARLY && rule->by_month))
        return has_ordinal(rule, weekday, date->day - 1, kt_month_length(date->year, date->month));
    if (rule->frequency == KT_YEARLY)
        return has_ordinal(rule, weekday, year_index, year_length);
    /* An ordinal has no meaning in other frequencies: the weekday counts. */
    return rule->nth_from_begin[weekday] || rule->nth_from_end[weekday];
}

static bool week_matches(const struct kt_rule *rule, int32_t day)
{
    uint32_t weeks, week = kt_day_week(day, rule->week_start, NULL, &weeks);

    return kt_rule_numbers_has(&rule->by_week, week, weeks - week + 1);
}

/** Whether a day passes all the parts of the rule that speak of days. */
static bool day_matches(const struct kt_rule *rule, int32_t day)
{
    struct kt_date date = kt_date_from_day(day);
    uint32_t length = kt_month_length(date.year, date.month);
    uint32_t year_length = kt_year_is_leap(date.year) ? 366 : 365;
    uint32_t year_index = (uint32_t)(day - kt_day_from_date(date.year, 1, 1));

    if (rule->by_month && !(rule->by_month >> date.month & 1))
        return false;
    if (rule->by_month_day.is_set &&
        !kt_rule_numbers_has(&rule->by_month_day, date.day, length - date.day + 1))
        return false;
    if (rule->by_year_day.is_set &&
        !kt_rule_numbers_has(&rule->by_year_day, year_index + 1, year_length - year_index))
        return false;
    if (!weekday_matches(rule, day, &date, year_index, year_length))
        return false;
    return !rule->by_week.is_set || rule->frequency != KT_YEARLY || week_matches(rule, day);
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

static int compare_positions(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

/** What BYSETPOS picks of a set of so many instances. */
static void load_positions(struct kt_recurrence *recurrence, uint64_t total)
{
    const struct kt_rule_numbers *numbers = &recurrence->rule.by_position;
    uint32_t count = 0, kept = 0;

    for (uint32_t number = 1; number <= KT_RULE_DAYS_MAX && number <= total; number++) {
        if (numbers->from_begin[number / 64] >> (number % 64) & 1)
            recurrence->positions[count++] = number - 1;
        if (numbers->from_end[number / 64] >> (number % 64) & 1)
            recurrence->positions[count++] = total - number;
    }
    qsort(recurrence->positions, count, sizeof(uint64_t), compare_positions);
    for (uint32_t index = 0; index < count; index++) {
        if (kept == 0 || recurrence->positions[kept - 1] != recurrence->positions[index])
            recurrence->positions[kept++] = recurrence->positions[index];
    }
    recurrence->position_count = kept;
}

static void load_period(struct kt_recurrence *recurrence)
{
    const struct kt_rule *rule = &recurrence->rule;
    int32_t day = unit_day(rule, recurrence->unit);
    int32_t end = rule->frequency >= KT_WEEKLY ? unit_day(rule, recurrence->unit + 1) : day + 1;

    recurrence->day_count = 0;
    for (; day < end; day++) {
        if (day_matches(rule, day))
            recurrence->days[recurrence->day_count++] = day;
    }
    load_times(recurrence);
    if (rule->by_position.is_set)
        load_positions(recurrence, recurrence->day_count * times_per_day(recurrence));
    recurrence->position = 0;
    recurrence->is_loaded = true;
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

/** Leave a period; below a day, leave the whole day or hour when nothing of it can match. */
static void go_on(struct kt_recurrence *recurrence)
{
    const struct kt_rule *rule = &recurrence->rule;
    int64_t next = recurrence->unit + 1;

    if (rule->frequency <= KT_HOURLY) {
        int64_t size = unit_seconds(rule->frequency);
        int64_t local = recurrence->unit * size;

        if (recurrence->day_count == 0)
            next = ((int64_t)kt_local_day(local) + 1) * KT_DAY_SECONDS / size;
        else if (recurrence->hour_count == 0)
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
                         int64_t start, const struct kt_recurrence_zone *zone, uint64_t *budget)
{
    recurrence->rule = *rule;
    complete(&recurrence->rule, start);
    recurrence->zone = zone ? *zone : (struct kt_recurrence_zone){NULL, NULL};
    recurrence->start = start;
    recurrence->first_unit = unit_of(rule, start);
    recurrence->unit = recurrence->first_unit;
    recurrence->left = rule->count ? rule->count : UINT64_MAX;
    recurrence->budget = budget;
    recurrence->is_cut = false;
    recurrence->is_loaded = false;
}

void kt_recurrence_seek(struct kt_recurrence *recurrence, int64_t local)
{
    if (recurrence->rule.count || local <= recurrence->start)
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
        if (*recurrence->budget == 0) {
            recurrence->is_cut = true;
            return false;
        }
        --*recurrence->budget;
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
        if (recurrence->zone.has && !recurrence->zone.has(recurrence->zone.zone, local))
            continue;
        recurrence->left--;
        *ret_local = local;
        return true;
    }
    return false;
}

bool kt_recurrence_has_start(const struct kt_rule *rule, int64_t start, uint64_t *budget)
{
    struct kt_recurrence recurrence;
    int64_t local;

    kt_recurrence_begin(&recurrence, rule, start, NULL, budget);
    return kt_recurrence_next(&recurrence, start + 1, &local) && local == start;
}
