/* SPDX-License-Identifier: BSD-2-Clause */
/* The same shape for a day and for all days, so that a page needs one way to show them. */
#include "insight_json.h"
#include "civil.h"
#include "json_writer.h"
#include "zone.h"

#include <stdlib.h>

/* ---------------------------------------------------------------- days, instants, sums */

/** Write a number from 0 to 99 with two digits. */
static char *put_two(char *at, int number)
{
    *at++ = (char)('0' + number / 10 % 10);
    *at++ = (char)('0' + number % 10);
    return at;
}

void kt_instant_format(const struct kt_zone *zone, int64_t instant, char text[KT_INSTANT_TEXT_SIZE])
{
    int32_t offset = kt_zone_offset(zone, instant);
    int64_t local = instant + offset;
    int32_t day = kt_local_day(local);
    int of_day = (int)(local - (int64_t)day * KT_DAY_SECONDS);
    int distance = abs(offset) / 60;
    char *at = text + KT_DATE_LENGTH;

    kt_date_format(day, text);
    *at++ = 'T';
    at = put_two(at, of_day / 3600);
    *at++ = ':';
    at = put_two(at, of_day / 60 % 60);
    *at++ = ':';
    at = put_two(at, of_day % 60);
    *at++ = offset < 0 ? '-' : '+';
    at = put_two(at, distance / 60);
    *at++ = ':';
    at = put_two(at, distance % 60);
    *at = '\0';
}

void kt_json_write_instant(struct kt_json_writer *json, const char *name,
                           const struct kt_zone *zone, int64_t instant)
{
    char text[KT_INSTANT_TEXT_SIZE];

    kt_instant_format(zone, instant, text);
    kt_json_write_text(json, name, text);
}

void kt_json_write_date(struct kt_json_writer *json, const char *name, int32_t day)
{
    char text[KT_DATE_TEXT_SIZE];

    kt_date_format(day, text);
    kt_json_write_text(json, name, text);
}

void kt_insight_write_sum(struct kt_json_writer *json, const char *name, const struct kt_sum *sum)
{
    kt_json_write_object(json, name);
    kt_json_write_integer(json, "count", sum->count);
    kt_json_write_integer(json, "minutes", kt_minutes(sum->seconds));
    kt_json_write_end(json);
}

static void write_hours(struct kt_json_writer *json, const int64_t hours[KT_HOURS_OF_DAY])
{
    kt_json_write_array(json, "hours_of_day");
    for (int hour = 0; hour < KT_HOURS_OF_DAY; hour++)
        kt_json_write_integer(json, NULL, kt_minutes(hours[hour]));
    kt_json_write_end(json);
}

/* ---------------------------------------------------------------- of a day or of all days */

static void write_longest(struct kt_json_writer *json, const struct kt_stretch *longest,
                          const struct kt_zone *zone)
{
    if (longest->end == longest->start) {
        kt_json_write_null(json, "longest_free");
        return;
    }
    kt_json_write_object(json, "longest_free");
    kt_json_write_instant(json, "start", zone, longest->start);
    kt_json_write_instant(json, "end", zone, longest->end);
    kt_json_write_integer(json, "minutes", kt_minutes(longest->end - longest->start));
    kt_json_write_end(json);
}

/** What working hours are made of, of a day or of all. */
static void write_work(struct kt_json_writer *json, int64_t working, int64_t after_hours,
                       const struct kt_sum *focusable, const struct kt_sum *fragmented,
                       const struct kt_stretch *longest, const struct kt_zone *zone)
{
    kt_json_write_object(json, "work");
    kt_json_write_integer(json, "minutes", kt_minutes(working));
    kt_json_write_integer(json, "after_hours_minutes", kt_minutes(after_hours));
    kt_insight_write_sum(json, "focusable", focusable);
    kt_insight_write_sum(json, "fragmented", fragmented);
    write_longest(json, longest, zone);
    kt_json_write_end(json);
}

void kt_insight_write_totals(struct kt_json_writer *json, const struct kt_breakdown *breakdown,
                             const struct kt_zone *zone)
{
    kt_json_write_object(json, "sizes");
    for (int size = 0; size < KT_SIZE_COUNT; size++)
        kt_insight_write_sum(json, kt_size_name((enum kt_size)size), &breakdown->sizes[size]);
    kt_json_write_end(json);
    kt_insight_write_sum(json, "organised", &breakdown->organised);
    write_work(json, breakdown->working, breakdown->after_hours, &breakdown->focusable,
               &breakdown->fragmented, &breakdown->longest, zone);
    write_hours(json, breakdown->hours);
}

void kt_insight_write_day(struct kt_json_writer *json, const struct kt_breakdown_day *day,
                          const struct kt_zone *zone)
{
    write_work(json, day->working, day->after_hours, &day->focusable, &day->fragmented,
               &day->longest, zone);
    write_hours(json, day->hours);
}

/* ---------------------------------------------------------------- people, series */

void kt_insight_write_person(struct kt_json_writer *json, const struct kt_person_sum *sum,
                             const struct kt_zone *zone)
{
    kt_insight_write_sum(json, "one_to_one", &sum->one_to_one);
    kt_json_write_integer(json, "organised", sum->organised);
    kt_json_write_instant(json, "first", zone, sum->first);
}

void kt_insight_write_series(struct kt_json_writer *json, const struct kt_breakdown *breakdown,
                             size_t most)
{
    kt_json_write_array(json, "series");
    for (size_t index = 0; index < breakdown->series_count && index < most; index++) {
        const struct kt_series_sum *series = &breakdown->series[index];

        kt_json_write_object(json, NULL);
        kt_json_write_text(json, "summary", series->details->summary);
        kt_json_write_integer(json, "meetings", series->sum.count);
        kt_json_write_integer(json, "minutes", kt_minutes(series->sum.seconds));
        kt_json_write_integer(json, "person_minutes", kt_minutes(series->cost));
        kt_json_write_end(json);
    }
    kt_json_write_end(json);
    kt_json_write_integer(json, "series_total", (int64_t)breakdown->series_count);
}

/* ---------------------------------------------------------------- the comparison */

static void write_compared(struct kt_json_writer *json, const char *name,
                           const struct kt_compared *compared, int64_t (*unit)(int64_t))
{
    kt_json_write_object(json, name);
    kt_json_write_integer(json, "now", unit(compared->now));
    kt_json_write_integer(json, "last", unit(compared->last));
    kt_json_write_integer(json, "mean", unit(compared->mean));
    kt_json_write_end(json);
}

static int64_t as_it_is(int64_t value)
{
    return value;
}

/** All but the hours. */
static void write_rest(struct kt_json_writer *json, const struct kt_comparison *comparison,
                       size_t most)
{
    write_compared(json, "meetings", &comparison->meetings, as_it_is);
    write_compared(json, "minutes", &comparison->seconds, kt_minutes);
    write_compared(json, "conflict_minutes", &comparison->conflict, kt_minutes);
    write_compared(json, "after_hours_minutes", &comparison->after_hours, kt_minutes);
    write_compared(json, "focusable_minutes", &comparison->focusable, kt_minutes);
    kt_json_write_array(json, "new_people");
    for (size_t index = 0; index < comparison->new_people_count && index < most; index++)
        kt_json_write_text(json, NULL, comparison->new_people[index]->person->address);
    kt_json_write_end(json);
    kt_json_write_integer(json, "new_people_total", (int64_t)comparison->new_people_count);
}

void kt_insight_write_comparison(struct kt_json_writer *json,
                                 const struct kt_comparison *comparison, size_t most, bool is_brief)
{
    kt_json_write_object(json, "comparison");
    kt_json_write_integer(json, "weeks", comparison->weeks);
    write_compared(json, "real_minutes", &comparison->real, kt_minutes);
    if (!is_brief)
        write_rest(json, comparison, most);
    kt_json_write_end(json);
}
