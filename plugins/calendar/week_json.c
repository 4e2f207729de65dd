/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Durations are whole minutes, rounded half up from exact seconds; instants are RFC 3339 with the
 * offset that holds in the zone at that moment; days are YYYY-MM-DD.
 */
#include "week_json.h"
#include "civil.h"
#include "insight_json.h"
#include "zone.h"

#include <cjson/cJSON.h>
#include <stdio.h>

static void add_instant(cJSON *object, const char *name, const struct kt_zone *zone,
                        int64_t instant)
{
    char text[KT_INSTANT_TEXT_SIZE];

    kt_instant_format(zone, instant, text);
    cJSON_AddStringToObject(object, name, text);
}

static void add_date(cJSON *object, const char *name, int32_t day)
{
    char text[KT_DATE_TEXT_SIZE];

    kt_date_format(day, text);
    cJSON_AddStringToObject(object, name, text);
}

static void add_week(cJSON *root, const struct kt_week *week)
{
    const struct kt_window *window = week->window;
    int32_t last = window->first_day + (int32_t)window->days - 1;
    cJSON *object = cJSON_AddObjectToObject(root, "week");

    add_instant(object, "start", window->zone, kt_window_start(window));
    add_instant(object, "end", window->zone, kt_window_end(window));
    add_date(object, "first_date", window->first_day);
    add_date(object, "last_date", last);
    cJSON_AddNumberToObject(object, "hours",
                            (double)(kt_window_end(window) - kt_window_start(window)) / 3600);
    cJSON_AddNumberToObject(object, "number",
                            kt_day_week(window->first_day, week->week_start, NULL, NULL));
    cJSON_AddStringToObject(object, "timezone", kt_zone_name(window->zone));
    cJSON_AddStringToObject(object, "week_start", week->week_start == 0 ? "monday" : "sunday");
    add_date(object, "previous", window->first_day - 7);
    add_date(object, "next", last + 1);
    add_date(object, "today", week->today);
    cJSON_AddBoolToObject(object, "is_current",
                          week->today >= window->first_day && week->today <= last);
}

static cJSON *add_sum(cJSON *object, const char *name, const struct kt_sum *sum)
{
    cJSON *child = cJSON_AddObjectToObject(object, name);

    cJSON_AddNumberToObject(child, "count", sum->count);
    cJSON_AddNumberToObject(child, "minutes", kt_minutes(sum->seconds));
    return child;
}

static void add_totals(cJSON *root, const struct kt_week *week)
{
    const struct kt_breakdown *breakdown = week->breakdown;
    cJSON *totals = cJSON_AddObjectToObject(root, "totals");
    cJSON *object = add_sum(totals, "meetings", &breakdown->meetings);

    cJSON_AddNumberToObject(object, "real_minutes", kt_minutes(breakdown->real));
    cJSON_AddNumberToObject(object, "conflict_minutes", kt_minutes(breakdown->conflict));
    cJSON_AddNumberToObject(object, "large", breakdown->large_meetings);
    for (int kind = 0; kind < KT_KIND_COUNT; kind++) {
        if (kind != KT_KIND_ALL_DAY)
            add_sum(totals, kt_kind_name((enum kt_kind)kind), &breakdown->kinds[kind]);
    }
    object = cJSON_AddObjectToObject(totals, kt_kind_name(KT_KIND_ALL_DAY));
    cJSON_AddNumberToObject(object, "count", breakdown->kinds[KT_KIND_ALL_DAY].count);
    cJSON_AddNumberToObject(object, "days", breakdown->all_day_days);
    cJSON_AddNumberToObject(object, "event_days", breakdown->all_day_event_days);
    kt_insight_add_totals(totals, breakdown, week->window->zone);
}

/** The titles of the all-day events of one day. */
static void add_all_day(cJSON *object, const struct kt_week *week, int32_t day)
{
    cJSON *labels = cJSON_AddArrayToObject(object, "all_day");
    size_t listed = 0;

    for (size_t index = 0; index < week->breakdown->counted_count && listed < week->events_max;
         index++) {
        const struct kt_counted *counted = &week->breakdown->counted[index];

        if (counted->kind != KT_KIND_ALL_DAY || day < counted->event->first_day ||
            day >= counted->event->end_day)
            continue;
        cJSON_AddItemToArray(labels, cJSON_CreateString(counted->event->details->summary));
        listed++;
    }
}

static void add_days(cJSON *root, const struct kt_week *week)
{
    cJSON *days = cJSON_AddArrayToObject(root, "days");

    for (uint32_t index = 0; index < week->breakdown->day_count; index++) {
        const struct kt_breakdown_day *day = &week->breakdown->days[index];
        cJSON *object = cJSON_CreateObject();

        cJSON_AddItemToArray(days, object);
        add_date(object, "date", day->day);
        cJSON_AddNumberToObject(object, "hours", (double)day->length / 3600);
        cJSON_AddNumberToObject(object, "one_off_minutes",
                                kt_minutes(day->seconds[KT_KIND_ONE_OFF]));
        cJSON_AddNumberToObject(object, "recurring_minutes",
                                kt_minutes(day->seconds[KT_KIND_RECURRING]));
        cJSON_AddNumberToObject(object, "real_minutes", kt_minutes(day->real));
        cJSON_AddNumberToObject(object, "conflict_minutes", kt_minutes(day->conflict));
        cJSON_AddNumberToObject(object, "own_minutes", kt_minutes(day->seconds[KT_KIND_OWN]));
        cJSON_AddNumberToObject(object, "focus_minutes", kt_minutes(day->seconds[KT_KIND_FOCUS]));
        add_all_day(object, week, day->day);
        kt_insight_add_day(object, day, week->window->zone);
    }
}

static void add_people(cJSON *root, const struct kt_week *week)
{
    const struct kt_breakdown *breakdown = week->breakdown;
    cJSON *people = cJSON_AddArrayToObject(root, "people");

    for (size_t index = 0; index < breakdown->people_count && index < week->people_max; index++) {
        const struct kt_person_sum *sum = &breakdown->people[index];
        cJSON *object = cJSON_CreateObject();

        cJSON_AddItemToArray(people, object);
        cJSON_AddStringToObject(object, "name", sum->person->name);
        cJSON_AddStringToObject(object, "address", sum->person->address);
        cJSON_AddNumberToObject(object, "minutes", kt_minutes(sum->seconds));
        cJSON_AddNumberToObject(object, "meetings", sum->meetings);
        kt_insight_add_person(object, sum, week->window->zone);
    }
    cJSON_AddNumberToObject(root, "people_total", (double)breakdown->people_count);
}

static void add_event(cJSON *events, const struct kt_counted *counted,
                      const struct kt_window *window)
{
    const struct kt_event *event = counted->event;
    cJSON *object = cJSON_CreateObject();

    cJSON_AddItemToArray(events, object);
    if (event->is_all_day) {
        add_date(object, "start", event->first_day);
        add_date(object, "end", event->end_day);
        cJSON_AddNumberToObject(object, "days", counted->days);
    } else {
        add_instant(object, "start", window->zone, event->start);
        add_instant(object, "end", window->zone, event->end);
    }
    cJSON_AddStringToObject(object, "summary", event->details->summary);
    cJSON_AddStringToObject(object, "kind", kt_kind_name(counted->kind));
    cJSON_AddNumberToObject(object, "minutes", kt_minutes(counted->seconds));
    cJSON_AddBoolToObject(object, "all_day", event->is_all_day);
    cJSON_AddBoolToObject(object, "recurring", event->is_recurring);
    cJSON_AddNumberToObject(object, "people", event->details->people_count);
    cJSON_AddBoolToObject(object, "large", counted->is_large);
}

static void add_events(cJSON *root, const struct kt_week *week)
{
    const struct kt_breakdown *breakdown = week->breakdown;
    cJSON *events = cJSON_AddArrayToObject(root, "events");

    for (size_t index = 0; index < breakdown->counted_count && index < week->events_max; index++)
        add_event(events, &breakdown->counted[index], week->window);
    cJSON_AddNumberToObject(root, "events_total", (double)breakdown->counted_count);
}

static void add_warnings(cJSON *root, const struct kt_week *week)
{
    cJSON *warnings = cJSON_AddArrayToObject(root, "warnings");
    char text[64];

    for (size_t index = 0; index < week->warnings->count; index++)
        cJSON_AddItemToArray(warnings, cJSON_CreateString(week->warnings->texts[index]));
    if (week->warnings->dropped > 0) {
        snprintf(text, sizeof(text), "There are %zu more warnings.", week->warnings->dropped);
        cJSON_AddItemToArray(warnings, cJSON_CreateString(text));
    }
}

cJSON *kt_week_json(const struct kt_week *week)
{
    cJSON *root = cJSON_CreateObject();

    if (!root)
        return NULL;
    add_week(root, week);
    add_totals(root, week);
    add_days(root, week);
    add_people(root, week);
    kt_insight_add_series(root, week->breakdown, week->people_max);
    if (week->comparison)
        kt_insight_add_comparison(root, week->comparison, week->people_max);
    add_events(root, week);
    add_warnings(root, week);
    return root;
}
