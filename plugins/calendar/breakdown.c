/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules: clip to the window, split per local day, count what overlaps once ("real" time) and
 * tell the hours in conflict, keep apart what is no meeting, rank the people.
 */
#include "breakdown.h"
#include "people.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[KT_KIND_COUNT] = {
    [KT_KIND_ONE_OFF] = "one_off",     [KT_KIND_RECURRING] = "recurring",
    [KT_KIND_ALL_DAY] = "all_day",     [KT_KIND_OWN] = "own",
    [KT_KIND_FOCUS] = "focus",         [KT_KIND_DECLINED] = "declined",
    [KT_KIND_TENTATIVE] = "tentative", [KT_KIND_UNANSWERED] = "unanswered",
    [KT_KIND_FREE] = "free",           [KT_KIND_OUT_OF_OFFICE] = "out_of_office",
    [KT_KIND_OTHER] = "other",
};

const char *kt_kind_name(enum kt_kind kind)
{
    return kind_names[kind];
}

/** A moment at which a meeting begins (+1) or ends (-1). */
struct edge {
    int64_t at;
    int change;
};

/* ---------------------------------------------------------------- what an event counts as */

/** What the owner's answer makes of it; KT_KIND_COUNT when it leaves the question open. */
static enum kt_kind kind_by_answer(enum kt_answer answer)
{
    switch (answer) {
    case KT_ANSWER_DECLINED:
        return KT_KIND_DECLINED;
    case KT_ANSWER_TENTATIVE:
        return KT_KIND_TENTATIVE;
    case KT_ANSWER_NONE:
        return KT_KIND_UNANSWERED;
    case KT_ANSWER_ACCEPTED:
        break;
    }
    return KT_KIND_COUNT;
}

static enum kt_kind kind_of(const struct kt_event *event)
{
    const struct kt_details *details = event->details;
    enum kt_kind kind = kind_by_answer(details->answer);

    if (kind != KT_KIND_COUNT)
        return kind;
    switch (details->type) {
    case KT_EVENT_WORKING_LOCATION:
    case KT_EVENT_BIRTHDAY:
    case KT_EVENT_FROM_MAIL:
        return KT_KIND_OTHER;
    case KT_EVENT_OUT_OF_OFFICE:
        return event->is_all_day ? KT_KIND_ALL_DAY : KT_KIND_OUT_OF_OFFICE;
    case KT_EVENT_FOCUS_TIME:
        return event->is_all_day ? KT_KIND_ALL_DAY : KT_KIND_FOCUS;
    case KT_EVENT_DEFAULT:
        break;
    }
    if (event->is_all_day)
        return KT_KIND_ALL_DAY;
    if (details->is_free)
        return KT_KIND_FREE;
    if (details->people_count == 0)
        return KT_KIND_OWN;
    return event->is_recurring ? KT_KIND_RECURRING : KT_KIND_ONE_OFF;
}

/* ---------------------------------------------------------------- clipping */

static int64_t overlap(int64_t start, int64_t end, int64_t from, int64_t to)
{
    int64_t first = start > from ? start : from;
    int64_t last = end < to ? end : to;

    return last > first ? last - first : 0;
}

/** The seconds of a timed event within the window. */
static int64_t clipped_seconds(const struct kt_event *event, const struct kt_window *window)
{
    return overlap(event->start, event->end, kt_window_start(window), kt_window_end(window));
}

/** The days of an all-day event within the window. */
static uint32_t clipped_days(const struct kt_event *event, const struct kt_window *window)
{
    return (uint32_t)overlap(event->first_day, event->end_day, window->first_day,
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
    int order = a->details == b->details ? 0 : strcmp(a->details->uid, b->details->uid);

    if (order == 0)
        order = (a->original > b->original) - (a->original < b->original);
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

/** Add a stretch of time to one number of each day that it touches. */
static void add_per_day(struct kt_breakdown *breakdown, const struct kt_window *window,
                        size_t field, int64_t start, int64_t end)
{
    for (uint32_t index = 0; index < window->days; index++) {
        char *day = (char *)&breakdown->days[index];

        *(int64_t *)(day + field) +=
            overlap(start, end, window->bounds[index], window->bounds[index + 1]);
    }
}

static void count_event(const struct kt_counted *counted, const struct kt_window *window,
                        struct kt_breakdown *breakdown)
{
    struct kt_sum *sum = &breakdown->kinds[counted->kind];

    sum->count++;
    sum->seconds += counted->seconds;
    if (kt_kind_is_meeting(counted->kind)) {
        breakdown->meetings.count++;
        breakdown->meetings.seconds += counted->seconds;
        breakdown->large_meetings += counted->is_large;
    }
    if (!counted->event->is_all_day)
        add_per_day(breakdown, window,
                    offsetof(struct kt_breakdown_day, seconds) + counted->kind * sizeof(int64_t),
                    counted->event->start, counted->event->end);
}

static int compare_edges(const void *left, const void *right)
{
    const struct edge *a = left, *b = right;

    return (a->at > b->at) - (a->at < b->at);
}

/** Union and conflicts: walk along the edges of all meetings, with a count of those under way. */
static int count_real(TALLOC_CTX *context, const struct kt_window *window,
                      struct kt_breakdown *breakdown)
{
    struct edge *edges =
        talloc_array(context, struct edge, (unsigned)breakdown->counted_count * 2 + 1);
    size_t count = 0;
    int depth = 0;

    if (!edges)
        return -ENOMEM;
    for (size_t index = 0; index < breakdown->counted_count; index++) {
        const struct kt_counted *counted = &breakdown->counted[index];

        if (!kt_kind_is_meeting(counted->kind))
            continue;
        edges[count++] = (struct edge){counted->event->start, 1};
        edges[count++] = (struct edge){counted->event->end, -1};
    }
    qsort(edges, count, sizeof(*edges), compare_edges);
    for (size_t index = 0; index + 1 < count; index++) {
        depth += edges[index].change;
        if (depth >= 1)
            add_per_day(breakdown, window, offsetof(struct kt_breakdown_day, real), edges[index].at,
                        edges[index + 1].at);
        if (depth >= 2)
            add_per_day(breakdown, window, offsetof(struct kt_breakdown_day, conflict),
                        edges[index].at, edges[index + 1].at);
    }
    for (uint32_t index = 0; index < window->days; index++) {
        breakdown->real += breakdown->days[index].real;
        breakdown->conflict += breakdown->days[index].conflict;
    }
    talloc_free(edges);
    return 0;
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
        counted->kind = kind_of(list[index]);
        counted->is_large = list[index]->details->attendee_count > options->large_over;
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
        result = count_real(context, window, ret_breakdown);
    if (result == 0)
        result = kt_people_rank(context, ret_breakdown);
    talloc_free(list);
    talloc_free(is_taken);
    return result;
}
