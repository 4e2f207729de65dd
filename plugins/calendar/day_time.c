/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Three unions are walked along the days: of meetings ("real"), of what lies in two meetings or
 * more at a time ("conflict"), and of what keeps from working (meetings and out of office). Most
 * days have 24 hours by one offset; on others the moment of the change is looked for.
 */
#include "day_time.h"
#include "civil.h"
#include "stretch.h"
#include "zone.h"

#include <errno.h>

#define HOUR_SECONDS 3600

/** A local day as the clock on the wall shows it. */
struct clock {
    struct kt_stretch parts[2]; /**< before and after a change of clocks; the second mostly empty */
    int32_t offsets[2];
    struct kt_stretch work; /**< empty on days off */
};

struct unions {
    struct kt_stretches real, conflict, busy;
};

/* ---------------------------------------------------------------- the clocks of the days */

/** The first instant in (start, end] with another offset; clocks change once a day at most. */
static int64_t find_change(const struct kt_zone *zone, int64_t start, int64_t end, int32_t before)
{
    while (end - start > 1) {
        int64_t middle = start + (end - start) / 2;

        if (kt_zone_offset(zone, middle) == before)
            start = middle;
        else
            end = middle;
    }
    return end;
}

/** Whether the owner is out of office for the whole day. */
static bool is_day_off(const struct kt_breakdown *breakdown, int32_t day)
{
    for (size_t index = 0; index < breakdown->counted_count; index++) {
        const struct kt_counted *counted = &breakdown->counted[index];

        if (counted->kind == KT_KIND_ALL_DAY &&
            counted->event->details->type == KT_EVENT_OUT_OF_OFFICE &&
            day >= counted->event->first_day && day < counted->event->end_day)
            return true;
    }
    return false;
}

static struct clock read_clock(const struct kt_window *window, uint32_t index,
                               const struct kt_breakdown_options *options, bool is_work)
{
    int64_t start = window->bounds[index], end = window->bounds[index + 1];
    int64_t midnight = (int64_t)(window->first_day + (int32_t)index) * KT_DAY_SECONDS;
    int32_t before = kt_zone_offset(window->zone, start);
    int32_t after = end > start ? kt_zone_offset(window->zone, end - 1) : before;
    int64_t change = before == after ? end : find_change(window->zone, start, end - 1, before);
    struct clock clock = {.parts = {{start, change}, {change, end}}, .offsets = {before, after}};

    if (is_work)
        clock.work =
            (struct kt_stretch){kt_zone_to_instant(window->zone, midnight + options->work_from),
                                kt_zone_to_instant(window->zone, midnight + options->work_to)};
    return clock;
}

/* ---------------------------------------------------------------- the unions */

static int make_unions(TALLOC_CTX *context, const struct kt_breakdown *breakdown,
                       struct unions *ret_unions)
{
    unsigned size = (unsigned)breakdown->counted_count + 1;
    int64_t latest = INT64_MIN; /* when the last of the meetings so far ends */

    ret_unions->real.items = talloc_array(context, struct kt_stretch, size);
    ret_unions->conflict.items = talloc_array(context, struct kt_stretch, size);
    ret_unions->busy.items = talloc_array(context, struct kt_stretch, size);
    if (!ret_unions->real.items || !ret_unions->conflict.items || !ret_unions->busy.items)
        return -ENOMEM;
    for (size_t index = 0; index < breakdown->counted_count; index++) {
        const struct kt_counted *counted = &breakdown->counted[index];
        const struct kt_event *event = counted->event;

        if (kt_kind_is_meeting(counted->kind)) {
            kt_stretches_add(&ret_unions->conflict, event->start,
                             event->end < latest ? event->end : latest);
            kt_stretches_add(&ret_unions->real, event->start, event->end);
            latest = event->end > latest ? event->end : latest;
        }
        if (kt_kind_is_meeting(counted->kind) || counted->kind == KT_KIND_OUT_OF_OFFICE)
            kt_stretches_add(&ret_unions->busy, event->start, event->end);
    }
    return 0;
}

/* ---------------------------------------------------------------- one day */

static void add_hours(struct kt_breakdown_day *day, const struct clock *clock,
                      const struct kt_stretch *stretch)
{
    for (int part = 0; part < 2; part++) {
        const struct kt_stretch *of_day = &clock->parts[part];
        int64_t at = stretch->start > of_day->start ? stretch->start : of_day->start;
        int64_t end = stretch->end < of_day->end ? stretch->end : of_day->end;

        while (at < end) {
            int64_t local = at + clock->offsets[part];
            int64_t hour = kt_floor_divide(local, HOUR_SECONDS);
            int64_t next = at + (hour + 1) * HOUR_SECONDS - local;

            next = next < end ? next : end;
            hour -= kt_floor_divide(hour, KT_HOURS_OF_DAY) * KT_HOURS_OF_DAY;
            day->hours[hour] += next - at;
            at = next;
        }
    }
}

/** The first stretch that ends after an instant, from one on that is known not to be later. */
static size_t skip(const struct kt_stretches *stretches, size_t from, int64_t instant)
{
    while (from < stretches->count && stretches->items[from].end <= instant)
        from++;
    return from;
}

static void add_real(struct kt_breakdown_day *day, const struct clock *clock,
                     const struct kt_stretches *real, size_t from)
{
    int64_t start = clock->parts[0].start, end = clock->parts[1].end;

    for (size_t index = from; index < real->count && real->items[index].start < end; index++) {
        const struct kt_stretch *item = &real->items[index];
        int64_t whole = kt_overlap(item->start, item->end, start, end);

        day->real += whole;
        day->after_hours +=
            whole - kt_overlap(item->start, item->end, clock->work.start, clock->work.end);
        add_hours(day, clock, item);
    }
}

static void add_conflict(struct kt_breakdown_day *day, const struct clock *clock,
                         const struct kt_stretches *conflict, size_t from)
{
    int64_t start = clock->parts[0].start, end = clock->parts[1].end;

    for (size_t index = from; index < conflict->count && conflict->items[index].start < end;
         index++)
        day->conflict +=
            kt_overlap(conflict->items[index].start, conflict->items[index].end, start, end);
}

static void add_gap(struct kt_breakdown_day *day, int64_t start, int64_t end,
                    int64_t focus_at_least)
{
    struct kt_sum *sum = end - start >= focus_at_least ? &day->focusable : &day->fragmented;

    if (end <= start)
        return;
    sum->count++;
    sum->seconds += end - start;
    if (end - start > day->longest.end - day->longest.start)
        day->longest = (struct kt_stretch){start, end};
}

static void add_free(struct kt_breakdown_day *day, const struct clock *clock,
                     const struct kt_stretches *busy, size_t from, int64_t focus_at_least)
{
    int64_t at = clock->work.start, end = clock->work.end;

    if (end <= at)
        return;
    day->working = end - at;
    for (size_t index = from; index < busy->count && busy->items[index].start < end; index++) {
        add_gap(day, at, busy->items[index].start, focus_at_least);
        at = busy->items[index].end > at ? busy->items[index].end : at;
    }
    add_gap(day, at, end, focus_at_least);
}

/* ---------------------------------------------------------------- all days */

static void add_sum(struct kt_sum *sum, const struct kt_sum *more)
{
    sum->count += more->count;
    sum->seconds += more->seconds;
}

static void add_day(struct kt_breakdown *breakdown, const struct kt_breakdown_day *day)
{
    breakdown->real += day->real;
    breakdown->conflict += day->conflict;
    breakdown->after_hours += day->after_hours;
    breakdown->working += day->working;
    add_sum(&breakdown->focusable, &day->focusable);
    add_sum(&breakdown->fragmented, &day->fragmented);
    if (day->longest.end - day->longest.start > breakdown->longest.end - breakdown->longest.start)
        breakdown->longest = day->longest;
    for (int hour = 0; hour < KT_HOURS_OF_DAY; hour++)
        breakdown->hours[hour] += day->hours[hour];
}

int kt_day_time_count(TALLOC_CTX *context, const struct kt_window *window,
                      const struct kt_breakdown_options *options, struct kt_breakdown *breakdown)
{
    TALLOC_CTX *scratch = talloc_new(context);
    struct unions unions = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    size_t real = 0, conflict = 0, busy = 0;
    int result = scratch ? make_unions(scratch, breakdown, &unions) : -ENOMEM;

    for (uint32_t index = 0; result == 0 && index < window->days; index++) {
        struct kt_breakdown_day *day = &breakdown->days[index];
        bool is_work = (options->work_days >> kt_day_weekday(day->day) & 1) &&
                       options->work_from < options->work_to && !is_day_off(breakdown, day->day);
        struct clock clock = read_clock(window, index, options, is_work);

        real = skip(&unions.real, real, window->bounds[index]);
        conflict = skip(&unions.conflict, conflict, window->bounds[index]);
        busy = skip(&unions.busy, busy, window->bounds[index]);
        add_real(day, &clock, &unions.real, real);
        add_conflict(day, &clock, &unions.conflict, conflict);
        add_free(day, &clock, &unions.busy, busy, options->focus_at_least);
        add_day(breakdown, day);
    }
    talloc_free(scratch);
    return result;
}
