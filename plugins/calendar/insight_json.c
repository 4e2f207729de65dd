/* SPDX-License-Identifier: BSD-2-Clause */
/* The same shape for a day and for all days, so that a page needs one way to show them. */
#include "insight_json.h"
#include "civil.h"
#include "zone.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

void kt_instant_format(const struct kt_zone *zone, int64_t instant, char text[KT_INSTANT_TEXT_SIZE])
{
    int32_t offset = kt_zone_offset(zone, instant);
    int64_t local = instant + offset;
    int32_t day = kt_local_day(local);
    int of_day = (int)(local - (int64_t)day * KT_DAY_SECONDS);
    int distance = abs(offset) / 60;
    char date[KT_DATE_TEXT_SIZE];

    kt_date_format(day, date);
    snprintf(text, KT_INSTANT_TEXT_SIZE, "%.10sT%02d:%02d:%02d%c%02d:%02d", date,
             of_day / 3600 % 24, of_day / 60 % 60, of_day % 60, offset < 0 ? '-' : '+',
             distance / 60 % 100, distance % 60);
}

static void add_instant(cJSON *object, const char *name, const struct kt_zone *zone,
                        int64_t instant)
{
    char text[KT_INSTANT_TEXT_SIZE];

    kt_instant_format(zone, instant, text);
    cJSON_AddStringToObject(object, name, text);
}

static void add_sum(cJSON *object, const char *name, const struct kt_sum *sum)
{
    cJSON *child = cJSON_AddObjectToObject(object, name);

    cJSON_AddNumberToObject(child, "count", sum->count);
    cJSON_AddNumberToObject(child, "minutes", kt_minutes(sum->seconds));
}

static void add_hours(cJSON *object, const int64_t hours[KT_HOURS_OF_DAY])
{
    cJSON *array = cJSON_AddArrayToObject(object, "hours_of_day");

    for (int hour = 0; hour < KT_HOURS_OF_DAY; hour++)
        cJSON_AddItemToArray(array, cJSON_CreateNumber(kt_minutes(hours[hour])));
}

/** What working hours are made of, of a day or of all. */
static void add_work(cJSON *object, int64_t working, int64_t after_hours,
                     const struct kt_sum *focusable, const struct kt_sum *fragmented,
                     const struct kt_stretch *longest, const struct kt_zone *zone)
{
    cJSON *work = cJSON_AddObjectToObject(object, "work"), *child;

    cJSON_AddNumberToObject(work, "minutes", kt_minutes(working));
    cJSON_AddNumberToObject(work, "after_hours_minutes", kt_minutes(after_hours));
    add_sum(work, "focusable", focusable);
    add_sum(work, "fragmented", fragmented);
    if (longest->end == longest->start) {
        cJSON_AddNullToObject(work, "longest_free");
        return;
    }
    child = cJSON_AddObjectToObject(work, "longest_free");
    add_instant(child, "start", zone, longest->start);
    add_instant(child, "end", zone, longest->end);
    cJSON_AddNumberToObject(child, "minutes", kt_minutes(longest->end - longest->start));
}

void kt_insight_add_totals(cJSON *totals, const struct kt_breakdown *breakdown,
                           const struct kt_zone *zone)
{
    cJSON *sizes = cJSON_AddObjectToObject(totals, "sizes");

    for (int size = 0; size < KT_SIZE_COUNT; size++)
        add_sum(sizes, kt_size_name((enum kt_size)size), &breakdown->sizes[size]);
    add_sum(totals, "organised", &breakdown->organised);
    add_work(totals, breakdown->working, breakdown->after_hours, &breakdown->focusable,
             &breakdown->fragmented, &breakdown->longest, zone);
    add_hours(totals, breakdown->hours);
}

void kt_insight_add_day(cJSON *object, const struct kt_breakdown_day *day,
                        const struct kt_zone *zone)
{
    add_work(object, day->working, day->after_hours, &day->focusable, &day->fragmented,
             &day->longest, zone);
    add_hours(object, day->hours);
}

void kt_insight_add_person(cJSON *object, const struct kt_person_sum *sum,
                           const struct kt_zone *zone)
{
    add_sum(object, "one_to_one", &sum->one_to_one);
    cJSON_AddNumberToObject(object, "organised", sum->organised);
    add_instant(object, "first", zone, sum->first);
}

void kt_insight_add_series(cJSON *root, const struct kt_breakdown *breakdown, size_t most)
{
    cJSON *list = cJSON_AddArrayToObject(root, "series");

    for (size_t index = 0; index < breakdown->series_count && index < most; index++) {
        const struct kt_series_sum *series = &breakdown->series[index];
        cJSON *object = cJSON_CreateObject();

        cJSON_AddItemToArray(list, object);
        cJSON_AddStringToObject(object, "summary", series->details->summary);
        cJSON_AddNumberToObject(object, "meetings", series->sum.count);
        cJSON_AddNumberToObject(object, "minutes", kt_minutes(series->sum.seconds));
        cJSON_AddNumberToObject(object, "person_minutes", kt_minutes(series->cost));
    }
    cJSON_AddNumberToObject(root, "series_total", (double)breakdown->series_count);
}

static void add_compared(cJSON *object, const char *name, const struct kt_compared *compared,
                         double (*unit)(int64_t))
{
    cJSON *child = cJSON_AddObjectToObject(object, name);

    cJSON_AddNumberToObject(child, "now", unit(compared->now));
    cJSON_AddNumberToObject(child, "last", unit(compared->last));
    cJSON_AddNumberToObject(child, "mean", unit(compared->mean));
}

static double as_it_is(int64_t value)
{
    return (double)value;
}

void kt_insight_add_comparison(cJSON *root, const struct kt_comparison *comparison, size_t most)
{
    cJSON *object = cJSON_AddObjectToObject(root, "comparison"), *people;

    cJSON_AddNumberToObject(object, "weeks", comparison->weeks);
    add_compared(object, "meetings", &comparison->meetings, as_it_is);
    add_compared(object, "minutes", &comparison->seconds, kt_minutes);
    add_compared(object, "real_minutes", &comparison->real, kt_minutes);
    add_compared(object, "conflict_minutes", &comparison->conflict, kt_minutes);
    add_compared(object, "after_hours_minutes", &comparison->after_hours, kt_minutes);
    add_compared(object, "focusable_minutes", &comparison->focusable, kt_minutes);
    people = cJSON_AddArrayToObject(object, "new_people");
    for (size_t index = 0; index < comparison->new_people_count && index < most; index++)
        cJSON_AddItemToArray(people,
                             cJSON_CreateString(comparison->new_people[index]->person->address));
    cJSON_AddNumberToObject(object, "new_people_total", (double)comparison->new_people_count);
}
