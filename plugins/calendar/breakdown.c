/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules: each instance once, clip to the window, say what each event counts as, split per local
 * day, keep apart what is no meeting. The other rooms of the breakdown go on from there.
 */
#include "breakdown.h"
#include "day_time.h"
#include "kind.h"
#include "people.h"
#include "stretch.h"
#include "top_series.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct kt_breakdown_options kt_breakdown_defaults = {
    .large_over = 100,
    .work_days = 0x1f,
    .work_from = 9 * 3600,
    .work_to = 17 * 3600,
    .focus_at_least = 2 * 3600,
};

/* ---------------------------------------------------------------- clipping */

/** The seconds of a timed event within the window. */
static int64_t clipped_seconds(const struct kt_event *event, const struct kt_window *window)
{
    return kt_overlap(event->start, event->end, kt_window_start(window), kt_window_end(window));
}

/** The days of an all-day event within the window. */
static uint32_t clipped_days(const struct kt_event *event, const struct kt_window *window)
{
    return (uint32_t)kt_overlap(event->first_day, event->end_day, window->first_day,
                                window->first_day + (int64_t)window->days);
}

/** Where an event stands in the order of the window. */
static int64_t sort_key(const struct kt_event *event, const struct kt_window *window)
{
    int64_t index;

    if (!event->is_all_day)
        return event->start;
    index = (int64_t)event->first_day - window->first_day;
    return window->bounds[index < 0 ? 0 : index];
}

static bool is_in_window(const struct kt_event *event, const struct kt_window *window)
{
    if (event->is_all_day)
        return clipped_days(event, window) > 0;
    return clipped_seconds(event, window) > 0 ||
           (event->start == event->end && event->start >= kt_window_start(window) &&
            event->start < kt_window_end(window));
}

/* ---------------------------------------------------------------- each instance once */

static int compare_identity(const void *left, const void *right)
{
    const struct kt_event *a = *(const struct kt_event *const *)left;
    const struct kt_event *b = *(const struct kt_event *const *)right;
    int order = (a->original > b->original) - (a->original < b->original);

    if (order == 0 && a->details != b->details)
        order = strcmp(a->details->uid, b->details->uid);
    return order ? order : (a > b) - (a < b);
}

/**
 * The events of the window, each once.
 * @return their number, or -ENOMEM
 */
static int64_t select_events(TALLOC_CTX *context, const struct kt_events *events,
                             const struct kt_window *window, const struct kt_event ***ret_list)
{
    const struct kt_event **list =
        talloc_array(context, const struct kt_event *, (unsigned)events->count + 1);
    size_t count = 0, kept = 0;

    if (!list)
        return -ENOMEM;
    for (size_t index = 0; index < events->count; index++) {
        if (is_in_window(&events->items[index], window))
            list[count++] = &events->items[index];
    }
    qsort(list, count, sizeof(*list), compare_identity);
    for (size_t index = 0; index < count; index++) {
        const struct kt_event *last = kept ? list[kept - 1] : NULL;

        if (!last || last->original != list[index]->original ||
            strcmp(last->details->uid, list[index]->details->uid) != 0)
            list[kept++] = list[index];
    }
    *ret_list = list;
    return (int64_t)kept;
}

/* ---------------------------------------------------------------- sums */

static void count_all_day(const struct kt_event *event, const struct kt_window *window,
                          bool *is_taken, struct kt_breakdown *breakdown)
{
    for (uint32_t index = 0; index < window->days; index++) {
        int32_t day = window->first_day + (int32_t)index;

        if (day < event->first_day || day >= event->end_day)
            continue;
        breakdown->all_day_event_days++;
        breakdown->all_day_days += !is_taken[index];
        is_taken[index] = true;
    }
}

static void add_to_sum(struct kt_sum *sum, int64_t seconds)
{
    sum->count++;
    sum->seconds += seconds;
}

/** Add an event to each day that it touches. */
static void add_per_day(struct kt_breakdown *breakdown, const struct kt_window *window,
                        const struct kt_counted *counted)
{
    int64_t start = counted->event->start, end = counted->event->end;

    for (uint32_t index = kt_window_find(window, start);
         index < window->days && window->bounds[index] < end; index++)
        breakdown->days[index].seconds[counted->kind] +=
            kt_overlap(start, end, window->bounds[index], window->bounds[index + 1]);
}

static void count_event(const struct kt_counted *counted, const struct kt_window *window,
                        struct kt_breakdown *breakdown)
{
    add_to_sum(&breakdown->kinds[counted->kind], counted->seconds);
    if (kt_kind_is_meeting(counted->kind)) {
        add_to_sum(&breakdown->meetings, counted->seconds);
        breakdown->large_meetings += counted->is_large;
        add_to_sum(&breakdown->sizes[counted->size], counted->seconds);
        if (counted->event->details->is_organizer)
            add_to_sum(&breakdown->organised, counted->seconds);
    }
    if (!counted->event->is_all_day)
        add_per_day(breakdown, window, counted);
}

/* ---------------------------------------------------------------- the whole */

/** What the order of the list depends on. */
struct ordered {
    int64_t key;
    struct kt_counted counted;
};

static int compare_ordered(const void *left, const void *right)
{
    const struct ordered *a = left, *b = right;
    const struct kt_event *first = a->counted.event, *second = b->counted.event;

    if (a->key != b->key)
        return (a->key > b->key) - (a->key < b->key);
    if (first->is_all_day != second->is_all_day)
        return first->is_all_day ? -1 : 1;
    if (!first->is_all_day && first->end != second->end)
        return (first->end > second->end) - (first->end < second->end);
    return strcmp(first->details->summary, second->details->summary);
}

/** Say of each event what it counts as, and put them in order. */
static int make_list(TALLOC_CTX *context, const struct kt_event **list, size_t count,
                     const struct kt_window *window, const struct kt_breakdown_options *options,
                     struct kt_breakdown *breakdown)
{
    struct ordered *ordered = talloc_zero_array(context, struct ordered, (unsigned)count + 1);

    breakdown->counted = talloc_array(context, struct kt_counted, (unsigned)count + 1);
    if (!ordered || !breakdown->counted) {
        talloc_free(ordered);
        return -ENOMEM;
    }
    for (size_t index = 0; index < count; index++) {
        struct kt_counted *counted = &ordered[index].counted;

        ordered[index].key = sort_key(list[index], window);
        counted->event = list[index];
        counted->kind = kt_kind_of(list[index]);
        counted->size = kt_size_of(list[index], options->large_over);
        counted->is_large = counted->size == KT_SIZE_LARGE;
        if (list[index]->is_all_day)
            counted->days = clipped_days(list[index], window);
        else
            counted->seconds = clipped_seconds(list[index], window);
    }
    qsort(ordered, count, sizeof(*ordered), compare_ordered);
    for (size_t index = 0; index < count; index++)
        breakdown->counted[index] = ordered[index].counted;
    breakdown->counted_count = count;
    talloc_free(ordered);
    return 0;
}

static int make_days(TALLOC_CTX *context, const struct kt_window *window,
                     struct kt_breakdown *breakdown)
{
    breakdown->days = talloc_zero_array(context, struct kt_breakdown_day, window->days);
    breakdown->day_count = window->days;
    if (!breakdown->days)
        return -ENOMEM;
    for (uint32_t index = 0; index < window->days; index++) {
        breakdown->days[index].day = window->first_day + (int32_t)index;
        breakdown->days[index].length = window->bounds[index + 1] - window->bounds[index];
    }
    return 0;
}

int kt_breakdown_make(TALLOC_CTX *context, const struct kt_events *events,
                      const struct kt_window *window, const struct kt_breakdown_options *options,
                      struct kt_breakdown *ret_breakdown)
{
    const struct kt_event **list = NULL;
    bool *is_taken = talloc_zero_array(context, bool, window->days);
    int64_t count;
    int result;

    memset(ret_breakdown, 0, sizeof(*ret_breakdown));
    count = select_events(context, events, window, &list);
    result = is_taken && count >= 0 ? make_days(context, window, ret_breakdown) : -ENOMEM;
    if (result == 0)
        result = make_list(context, list, (size_t)count, window, options, ret_breakdown);
    for (size_t index = 0; result == 0 && index < ret_breakdown->counted_count; index++) {
        const struct kt_counted *counted = &ret_breakdown->counted[index];

        count_event(counted, window, ret_breakdown);
        if (counted->kind == KT_KIND_ALL_DAY)
            count_all_day(counted->event, window, is_taken, ret_breakdown);
    }
    if (result == 0)
        result = kt_day_time_count(context, window, options, ret_breakdown);
    if (result == 0)
        result = kt_people_rank(context, ret_breakdown);
    if (result == 0)
        result = kt_series_rank(context, ret_breakdown);
    talloc_free(list);
    talloc_free(is_taken);
    return result;
}
