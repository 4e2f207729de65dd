/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the calendar's tests: calendars written as text, and their events in a window as text, so
 * that a test reads like the case that it is about.
 */
#ifndef TEST_CALENDAR_TEXT_H
#define TEST_CALENDAR_TEXT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include "calendar/civil.h"
#include "calendar/ics.h"
#include "calendar/zone.h"

#define OWNER "me@example.org"
#define ENTRIES_MAX 100000
#define INSTANCES_MAX 1000
#define STEPS_MAX 20000000

static const char *const test_owners[] = {OWNER, NULL};
static const char *const test_focus_words[] = {"focus time", NULL};
static const struct kt_ics_options test_options = {
    .owners = test_owners,
    .focus_words = test_focus_words,
    .default_zone = "UTC",
    .entries_max = ENTRIES_MAX,
};

/** A calendar and what was found in a window of it. */
struct found {
    TALLOC_CTX *memory;
    struct kt_calendar calendar;
    struct kt_zone *zone;
    struct kt_window window;
    struct kt_events events;
    struct kt_warnings warnings;
    char *text; /* "20260330T0900-0930 Summary" per event, sorted, each with a newline */
};

static inline int found_compare(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static inline char *found_event(struct found *found, const struct kt_event *event)
{
    int64_t start = kt_zone_to_local(found->zone, event->start);
    int64_t end = kt_zone_to_local(found->zone, event->end);
    char first[KT_DATE_TEXT_SIZE], last[KT_DATE_TEXT_SIZE];

    if (event->is_all_day) {
        kt_date_format(event->first_day, first);
        kt_date_format(event->end_day, last);
        return talloc_asprintf(found->memory, "%s to %s %s\n", first, last,
                               event->details->summary);
    }
    kt_date_format(kt_local_day(start), first);
    start -= (int64_t)kt_local_day(start) * KT_DAY_SECONDS;
    end -= (int64_t)kt_local_day(end) * KT_DAY_SECONDS;
    return talloc_asprintf(found->memory, "%s %02d:%02d-%02d:%02d %s\n", first, (int)(start / 3600),
                           (int)(start / 60 % 60), (int)(end / 3600), (int)(end / 60 % 60),
                           event->details->summary);
}

/** Read text as a calendar, without looking for events. @return what kt_ics_read returns */
static inline int found_read(struct found *found, const char *text, size_t size,
                             const struct kt_ics_options *options, struct kt_error *error)
{
    memset(found, 0, sizeof(*found));
    found->memory = talloc_new(NULL);
    return kt_ics_read(found->memory, text, size, options, &found->calendar, error);
}

/** Look for the events of the window, which has been set. */
static inline void found_events(struct found *found)
{
    struct kt_series_limits limits = {INSTANCES_MAX, STEPS_MAX};
    char **lines;

    found->warnings = found->calendar.warnings;
    assert_int_equal(kt_calendar_events(found->memory, &found->calendar, &found->window, &limits,
                                        &found->events, &found->warnings),
                     0);
    lines = talloc_array(found->memory, char *, (unsigned)found->events.count + 1);
    for (size_t index = 0; index < found->events.count; index++)
        lines[index] = found_event(found, &found->events.items[index]);
    qsort(lines, found->events.count, sizeof(char *), found_compare);
    found->text = talloc_strdup(found->memory, "");
    for (size_t index = 0; index < found->events.count; index++)
        found->text = talloc_strdup_append(found->text, lines[index]);
}

/** Look for the events of the week of a date. */
static inline void found_week(struct found *found, const char *zone, const char *date)
{
    int32_t day;

    assert_int_equal(kt_zone_open(found->memory, zone, &found->zone), 0);
    assert_int_equal(kt_date_parse(date, &day), 0);
    assert_int_equal(kt_window_week(found->memory, found->zone, day, 0, &found->window), 0);
    found_events(found);
}

/** Look for the events of any days in a row. */
static inline void found_days(struct found *found, const char *zone, int32_t first, uint32_t days)
{
    assert_int_equal(kt_zone_open(found->memory, zone, &found->zone), 0);
    assert_int_equal(kt_window_days(found->memory, found->zone, first, days, &found->window), 0);
    found_events(found);
}

/** The lines of a calendar's inside, separated by newlines, become a week of events. */
static inline struct found find(const char *inside, const char *zone, const char *date)
{
    struct found found;
    struct kt_error error;
    char *text = talloc_asprintf(NULL, "BEGIN:VCALENDAR\nVERSION:2.0\n%sEND:VCALENDAR\n", inside);

    assert_int_equal(found_read(&found, text, strlen(text), &test_options, &error), 0);
    found_week(&found, zone, date);
    talloc_free(text);
    return found;
}

static inline void found_free(struct found *found)
{
    talloc_free(found->memory);
}

/** A VEVENT with a summary and more lines, each ended by a newline. */
#define EVENT(summary, lines) "BEGIN:VEVENT\nSUMMARY:" summary "\n" lines "END:VEVENT\n"

/** What is found in a week, and how many warnings come with it. */
static inline void assert_week(const char *inside, const char *zone, const char *date,
                               const char *expected, size_t warnings)
{
    struct found found = find(inside, zone, date);

    assert_string_equal(found.text, expected);
    assert_int_equal(found.warnings.count, warnings);
    found_free(&found);
}

#endif
