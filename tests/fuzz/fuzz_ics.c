/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: a calendar from anywhere could crash a worker, or hold it up for ever. */
#include "calendar/civil.h"
#include "calendar/ics.h"
#include "calendar/zone.h"

#include <stdlib.h>

/** The options' usual values, but smaller: what counts is that bounds hold, not where they are. */
#define ENTRIES_MAX 2000
#define INSTANCES_MAX 2000
#define STEPS_MAX 1000000
/** How long the longest event may last at most, in seconds: the reader's bound and two days. */
#define LENGTH_MAX INT64_C(6400000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** What the breakdown relies on. */
static void check_event(const struct kt_event *event, const struct kt_window *window)
{
    if (!event->details->uid || !event->details->summary)
        abort();
    if (event->is_all_day) {
        if (event->end_day <= event->first_day || event->end_day <= window->first_day ||
            event->first_day >= window->first_day + (int32_t)window->days)
            abort();
    } else if (event->end < event->start || event->end - event->start > LENGTH_MAX ||
               event->end < kt_window_start(window) || event->start >= kt_window_end(window)) {
        abort();
    }
}

/** The events of a week in which clocks change. */
static void expand(TALLOC_CTX *memory, const struct kt_calendar *calendar, const char *name,
                   int32_t day)
{
    struct kt_series_limits limits = {INSTANCES_MAX, STEPS_MAX};
    struct kt_warnings warnings = calendar->warnings;
    struct kt_window window;
    struct kt_events events;
    struct kt_zone *zone;

    if (kt_zone_open(memory, name, &zone) < 0 || kt_window_week(memory, zone, day, 0, &window) < 0)
        return;
    if (kt_calendar_events(memory, calendar, &window, &limits, &events, &warnings) < 0 ||
        events.count > INSTANCES_MAX || warnings.count > KT_WARNINGS_MAX)
        abort();
    for (size_t index = 0; index < events.count; index++)
        check_event(&events.items[index], &window);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const owners[] = {"me@example.org", NULL};
    static const char *const focus_words[] = {"focus time", NULL};
    const struct kt_ics_options options = {.owners = owners,
                                           .focus_words = focus_words,
                                           .default_zone = "Europe/Berlin",
                                           .entries_max = ENTRIES_MAX};
    TALLOC_CTX *memory = talloc_new(NULL);
    struct kt_calendar calendar;
    struct kt_error error;

    if (!memory)
        return 0;
    if (kt_ics_read(memory, (const char *)data, size, &options, &calendar, &error) == 0) {
        expand(memory, &calendar, "Europe/Berlin", kt_day_from_date(2026, 3, 29));
        expand(memory, &calendar, "America/New_York", kt_day_from_date(2026, 11, 1));
    }
    talloc_free(memory);
    return 0;
}
