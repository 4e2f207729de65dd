/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Durations are whole minutes, rounded half up from exact seconds; instants are RFC 3339 with the
 * offset that holds in the zone at that moment; days are YYYY-MM-DD.
 */
#include "week_json.h"
#include "civil.h"
#include "insight_json.h"
#include "json_writer.h"
#include "zone.h"

#include <stdio.h>

/** Where it lies among others. */
static void write_place(struct kt_json_writer *json, const struct kt_week *week, int32_t last)
{
    const struct kt_window *window = week->window;

    kt_json_write_instant(json, "start", window->zone, kt_window_start(window));
    kt_json_write_instant(json, "end", window->zone, kt_window_end(window));
    kt_json_write_number(json, "hours",
                         (double)(kt_window_end(window) - kt_window_start(window)) / 3600);
    kt_json_write_integer(json, "number",
                          kt_day_week(window->first_day, week->week_start, NULL, NULL));
    kt_json_write_text(json, "timezone", kt_zone_name(window->zone));
    kt_json_write_text(json, "week_start", week->week_start == 0 ? "monday" : "sunday");
    kt_json_write_date(json, "previous", window->first_day - 7);
    kt_json_write_date(json, "next", last + 1);
    kt_json_write_date(json, "today", week->today);
    kt_json_write_boolean(json, "is_current",
                          week->today >= window->first_day && week->today <= last);
}

static void write_week(struct kt_json_writer *json, const struct kt_week *week)
{
    int32_t last = week->window->first_day + (int32_t)week->window->days - 1;

    kt_json_write_object(json, "week");
    kt_json_write_date(json, "first_date", week->window->first_day);
    kt_json_write_date(json, "last_date", last);
    if (!week->is_brief)
        write_place(json, week, last);
    kt_json_write_end(json);
}

static void write_all_day_totals(struct kt_json_writer *json, const struct kt_breakdown *breakdown)
{
    kt_json_write_object(json, kt_kind_name(KT_KIND_ALL_DAY));
    kt_json_write_integer(json, "count", breakdown->kinds[KT_KIND_ALL_DAY].count);
    kt_json_write_integer(json, "days", breakdown->all_day_days);
    kt_json_write_integer(json, "event_days", breakdown->all_day_event_days);
    kt_json_write_end(json);
}

static void write_totals(struct kt_json_writer *json, const struct kt_week *week)
{
    const struct kt_breakdown *breakdown = week->breakdown;

    kt_json_write_object(json, "totals");
    kt_json_write_object(json, "meetings");
    kt_json_write_integer(json, "count", breakdown->meetings.count);
    kt_json_write_integer(json, "minutes", kt_minutes(breakdown->meetings.seconds));
    kt_json_write_integer(json, "real_minutes", kt_minutes(breakdown->real));
    kt_json_write_integer(json, "conflict_minutes", kt_minutes(breakdown->conflict));
    kt_json_write_integer(json, "large", breakdown->large_meetings);
    kt_json_write_end(json);
    for (int kind = 0; kind < KT_KIND_COUNT; kind++) {
        if (kind != KT_KIND_ALL_DAY && (breakdown->kinds[kind].count > 0 || !week->is_brief))
            kt_insight_write_sum(json, kt_kind_name((enum kt_kind)kind), &breakdown->kinds[kind]);
    }
    if (!week->is_brief) {
        write_all_day_totals(json, breakdown);
        kt_insight_write_totals(json, breakdown, week->window->zone);
    }
    kt_json_write_end(json);
}

/** The titles of the all-day events of one day. */
static void write_all_day(struct kt_json_writer *json, const struct kt_week *week, int32_t day)
{
    size_t listed = 0;

    kt_json_write_array(json, "all_day");
    for (size_t index = 0; index < week->breakdown->counted_count && listed < week->events_max;
         index++) {
        const struct kt_counted *counted = &week->breakdown->counted[index];

        if (counted->kind != KT_KIND_ALL_DAY || day < counted->event->first_day ||
            day >= counted->event->end_day)
            continue;
        kt_json_write_text(json, NULL, counted->event->details->summary);
        listed++;
    }
    kt_json_write_end(json);
}

static void write_rest_of_day(struct kt_json_writer *json, const struct kt_week *week,
                              const struct kt_breakdown_day *day)
{
    kt_json_write_number(json, "hours", (double)day->length / 3600);
    kt_json_write_integer(json, "conflict_minutes", kt_minutes(day->conflict));
    kt_json_write_integer(json, "own_minutes", kt_minutes(day->seconds[KT_KIND_OWN]));
    kt_json_write_integer(json, "focus_minutes", kt_minutes(day->seconds[KT_KIND_FOCUS]));
    write_all_day(json, week, day->day);
    kt_insight_write_day(json, day, week->window->zone);
}

static void write_days(struct kt_json_writer *json, const struct kt_week *week)
{
    kt_json_write_array(json, "days");
    for (uint32_t index = 0; index < week->breakdown->day_count; index++) {
        const struct kt_breakdown_day *day = &week->breakdown->days[index];

        kt_json_write_object(json, NULL);
        kt_json_write_date(json, "date", day->day);
        kt_json_write_integer(json, "one_off_minutes", kt_minutes(day->seconds[KT_KIND_ONE_OFF]));
        kt_json_write_integer(json, "recurring_minutes",
                              kt_minutes(day->seconds[KT_KIND_RECURRING]));
        kt_json_write_integer(json, "real_minutes", kt_minutes(day->real));
        if (!week->is_brief)
            write_rest_of_day(json, week, day);
        kt_json_write_end(json);
    }
    kt_json_write_end(json);
}

static void write_people(struct kt_json_writer *json, const struct kt_week *week)
{
    const struct kt_breakdown *breakdown = week->breakdown;

    kt_json_write_array(json, "people");
    for (size_t index = 0; index < breakdown->people_count && index < week->people_max; index++) {
        const struct kt_person_sum *sum = &breakdown->people[index];

        kt_json_write_object(json, NULL);
        kt_json_write_text(json, "name", sum->person->name);
        kt_json_write_text(json, "address", sum->person->address);
        kt_json_write_integer(json, "minutes", kt_minutes(sum->seconds));
        kt_json_write_integer(json, "meetings", sum->meetings);
        if (!week->is_brief)
            kt_insight_write_person(json, sum, week->window->zone);
        kt_json_write_end(json);
    }
    kt_json_write_end(json);
    kt_json_write_integer(json, "people_total", (int64_t)breakdown->people_count);
}

static void write_event(struct kt_json_writer *json, const struct kt_counted *counted,
                        const struct kt_window *window)
{
    const struct kt_event *event = counted->event;

    kt_json_write_object(json, NULL);
    if (event->is_all_day) {
        kt_json_write_date(json, "start", event->first_day);
        kt_json_write_date(json, "end", event->end_day);
        kt_json_write_integer(json, "days", counted->days);
    } else {
        kt_json_write_instant(json, "start", window->zone, event->start);
        kt_json_write_instant(json, "end", window->zone, event->end);
    }
    kt_json_write_text(json, "summary", event->details->summary);
    kt_json_write_text(json, "kind", kt_kind_name(counted->kind));
    kt_json_write_integer(json, "minutes", kt_minutes(counted->seconds));
    kt_json_write_boolean(json, "all_day", event->is_all_day);
    kt_json_write_boolean(json, "recurring", event->is_recurring);
    kt_json_write_integer(json, "people", event->details->people_count);
    kt_json_write_boolean(json, "large", counted->is_large);
    kt_json_write_end(json);
}

static void write_events(struct kt_json_writer *json, const struct kt_week *week)
{
    const struct kt_breakdown *breakdown = week->breakdown;

    kt_json_write_array(json, "events");
    for (size_t index = 0; index < breakdown->counted_count && index < week->events_max; index++)
        write_event(json, &breakdown->counted[index], week->window);
    kt_json_write_end(json);
    kt_json_write_integer(json, "events_total", (int64_t)breakdown->counted_count);
}

static void write_warnings(struct kt_json_writer *json, const struct kt_week *week)
{
    char text[64];

    kt_json_write_array(json, "warnings");
    for (size_t index = 0; index < week->warnings->count; index++)
        kt_json_write_text(json, NULL, week->warnings->texts[index]);
    if (week->warnings->dropped > 0) {
        snprintf(text, sizeof(text), "There are %zu more warnings.", week->warnings->dropped);
        kt_json_write_text(json, NULL, text);
    }
    kt_json_write_end(json);
}

int kt_week_json(TALLOC_CTX *context, const struct kt_week *week, size_t size_max, char **ret_text,
                 size_t *ret_size)
{
    struct kt_json_writer json;

    kt_json_writer_begin(&json, context, size_max);
    kt_json_write_object(&json, NULL);
    write_week(&json, week);
    write_totals(&json, week);
    write_days(&json, week);
    write_people(&json, week);
    if (!week->is_brief)
        kt_insight_write_series(&json, week->breakdown, week->people_max);
    if (week->comparison)
        kt_insight_write_comparison(&json, week->comparison, week->people_max, week->is_brief);
    if (!week->is_brief)
        write_events(&json, week);
    kt_json_write_boolean(&json, "incomplete", week->is_incomplete);
    write_warnings(&json, week);
    kt_json_write_end(&json);
    return kt_json_writer_finish(&json, ret_text, ret_size);
}
