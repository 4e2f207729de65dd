/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The recurrence set of RFC 5545, 3.8.5: DTSTART, the rules and the additional dates, less the
 * exclusions, with changed instances in the place of those they replace. Times are compared as
 * instants (all-day ones as days), so an exclusion may be written in any zone.
 */
#include "series.h"
#include "civil.h"
#include "recurrence.h"
#include "zone.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** How far a local time and its instant can be apart, and a margin: the zones span 26 hours. */
#define ZONE_MARGIN_SECONDS (2 * KT_DAY_SECONDS)

/** What one series may take of the effort: the rest of a calendar is shown beside one that is
 * malicious. */
#define SERIES_SHARE 4

/** One expansion under way. */
struct expansion {
    TALLOC_CTX *context;
    const struct kt_window *window;
    const struct kt_series_limits *limits;
    struct kt_events *events;
    struct kt_warnings *warnings;
    size_t capacity;
    struct kt_effort effort;
    bool is_full;
    bool is_series_cut;               /* the present one: something of it is missing */
    size_t cut_count;                 /* series of which something is missing; */
    const struct kt_entry *first_cut; /* the first of them */
};

/** A series: a master (or none) and its changed instances. */
struct series {
    const struct kt_entry *master;
    const struct kt_entry *overrides;
    size_t override_count;
    int64_t shift_max; /**< how far a THISANDFUTURE change moves instances, at most */
};

/* ---------------------------------------------------------------- order */

/**
 * What orders the changes of a series, and tells two for one instance: the instant, however it is
 * written. Floating times and dates are no instants; among themselves they compare as they are.
 */
static int64_t replaced_time(const struct kt_moment *replaces)
{
    return replaces->form == KT_MOMENT_ZONED ? kt_zone_to_instant(replaces->zone, replaces->local)
                                             : replaces->local;
}

static enum kt_moment_form replaced_form(const struct kt_moment *replaces)
{
    return replaces->form == KT_MOMENT_ZONED ? KT_MOMENT_UTC : replaces->form;
}

static int compare_replaced(const struct kt_entry *a, const struct kt_entry *b)
{
    if (a->replaced != b->replaced)
        return (a->replaced > b->replaced) - (a->replaced < b->replaced);
    return (int)replaced_form(&a->replaces) - (int)replaced_form(&b->replaces);
}

static int compare_entries(const void *left, const void *right)
{
    const struct kt_entry *a = left, *b = right;
    int order = strcmp(a->details.uid, b->details.uid);

    if (order == 0)
        order = (int)a->is_override - (int)b->is_override;
    if (order == 0 && a->is_override)
        order = compare_replaced(a, b);
    if (order == 0)
        order = (a->sequence < b->sequence) - (a->sequence > b->sequence);
    if (order == 0)
        order = (a->order < b->order) - (a->order > b->order);
    return order;
}

static bool is_same_instance(const struct kt_entry *a, const struct kt_entry *b)
{
    if (strcmp(a->details.uid, b->details.uid) != 0 || a->is_override != b->is_override)
        return false;
    return !a->is_override || compare_replaced(a, b) == 0;
}

void kt_calendar_complete(struct kt_calendar *calendar)
{
    size_t kept = 0;

    for (size_t index = 0; index < calendar->count; index++)
        calendar->entries[index].replaced = replaced_time(&calendar->entries[index].replaces);
    if (calendar->count > 1)
        qsort(calendar->entries, calendar->count, sizeof(struct kt_entry), compare_entries);
    for (size_t index = 0; index < calendar->count; index++) {
        const struct kt_entry *entry = &calendar->entries[index];

        if (kept == 0 || !is_same_instance(&calendar->entries[kept - 1], entry))
            calendar->entries[kept++] = *entry;
    }
    calendar->count = kept;
}

/* ---------------------------------------------------------------- bounds */

/** Take the effort of looking at something; false: there is not so much left. */
static bool take(struct expansion *expansion, uint64_t steps)
{
    if (kt_effort_take(&expansion->effort, steps))
        return true;
    expansion->is_series_cut = true;
    return false;
}

/** The end of a series, begun with its first entry. */
static void note_cut(struct expansion *expansion, const struct kt_entry *entry)
{
    if (expansion->is_series_cut && expansion->cut_count++ == 0)
        expansion->first_cut = entry;
    expansion->is_series_cut = false;
}

/** Say once what is missing, and what can be done. */
static void warn_cut(const struct expansion *expansion)
{
    if (expansion->cut_count == 1)
        kt_warnings_add(expansion->context, expansion->warnings,
                        "“%.80s” repeats in a way that takes too long to follow: some events are "
                        "missing. Simplify its repetition in your calendar, or end it (UNTIL).",
                        expansion->first_cut->details.summary);
    else if (expansion->cut_count > 1)
        kt_warnings_add(expansion->context, expansion->warnings,
                        "“%.80s” and %zu more repeat in a way that takes too long to follow: some "
                        "events are missing. Simplify their repetitions in your calendar, or end "
                        "them (UNTIL).",
                        expansion->first_cut->details.summary, expansion->cut_count - 1);
}

/* ---------------------------------------------------------------- moments */

static const struct kt_zone *moment_zone(const struct expansion *expansion,
                                         const struct kt_moment *moment)
{
    return moment->form == KT_MOMENT_ZONED ? moment->zone : expansion->window->zone;
}

/** The instant of a local time written in the form of a moment; a date stays what it is. */
static int64_t local_to_key(const struct expansion *expansion, const struct kt_moment *form,
                            int64_t local)
{
    if (form->form == KT_MOMENT_UTC || form->form == KT_MOMENT_DATE)
        return local;
    return kt_zone_to_instant(moment_zone(expansion, form), local);
}

static int64_t moment_key(const struct expansion *expansion, const struct kt_moment *moment)
{
    return local_to_key(expansion, moment, moment->local);
}

/** The day of a key, seen in the zone of a series' start. */
static int32_t key_day(const struct expansion *expansion, const struct kt_moment *start,
                       int64_t key)
{
    if (start->form == KT_MOMENT_UTC || start->form == KT_MOMENT_DATE)
        return kt_local_day(key);
    return kt_local_day(kt_zone_to_local(moment_zone(expansion, start), key));
}

/** Whether a local time, or a day, may be the one of a key, in whatever zone. */
static bool is_near(int64_t local, int64_t key)
{
    return local - key < ZONE_MARGIN_SECONDS && key - local < ZONE_MARGIN_SECONDS;
}

/**
 * Whether a moment (of EXDATE or RECURRENCE-ID) names the instance with this key: the same
 * instant, or, when only one of the two has a time of day, the same day.
 */
static bool names_instance(struct expansion *expansion, const struct kt_moment *moment,
                           const struct kt_moment *start, int64_t key)
{
    if (!is_near(moment->local, key))
        return false;
    (void)take(expansion, KT_EFFORT_CONVERSION);
    if (moment->form == start->form ||
        (moment->form != KT_MOMENT_DATE && start->form != KT_MOMENT_DATE))
        return moment_key(expansion, moment) == key;
    return kt_local_day(moment->local) == key_day(expansion, start, key);
}

/* ---------------------------------------------------------------- events */

/**
 * The end of an instance: nominal days in local time, then seconds, mostly exact ones. On the wall
 * an end can be before a start that was moved out of a gap: then it has no length.
 */
static int64_t span_end(const struct expansion *expansion, const struct kt_moment *start,
                        int64_t key, const struct kt_span *span)
{
    const struct kt_zone *zone = moment_zone(expansion, start);

    if (span->days != 0) {
        if (start->form == KT_MOMENT_UTC)
            key += span->days * KT_DAY_SECONDS;
        else
            key =
                kt_zone_to_instant(zone, kt_zone_to_local(zone, key) + span->days * KT_DAY_SECONDS);
    }
    if (span->is_wall) {
        /* A start in a gap has another local time than the one that was written. */
        bool is_written = kt_zone_to_instant(zone, start->local) == key;
        int64_t local = is_written ? start->local : kt_zone_to_local(zone, key);
        int64_t end = kt_zone_to_instant(zone, local + span->seconds);

        return end < key ? key : end;
    }
    return key + span->seconds;
}

static bool touches(const struct expansion *expansion, const struct kt_event *event)
{
    const struct kt_window *window = expansion->window;

    if (event->is_all_day)
        return event->first_day < window->first_day + (int32_t)window->days &&
               event->end_day > window->first_day;
    if (event->start == event->end)
        return event->start >= kt_window_start(window) && event->start < kt_window_end(window);
    return event->start < kt_window_end(window) && event->end > kt_window_start(window);
}

static int push_event(struct expansion *expansion, const struct kt_event *event)
{
    struct kt_events *events = expansion->events;

    if (events->count == expansion->limits->instances_max) {
        if (!expansion->is_full)
            kt_warnings_add(expansion->context, expansion->warnings,
                            "There are more than %zu events in this week; the others are left out.",
                            expansion->limits->instances_max);
        expansion->is_full = true;
        return 0;
    }
    if (events->count == expansion->capacity) {
        size_t capacity = expansion->capacity ? expansion->capacity * 2 : 64;
        struct kt_event *items =
            talloc_realloc(expansion->context, events->items, struct kt_event, (unsigned)capacity);

        if (!items)
            return -ENOMEM;
        events->items = items;
        expansion->capacity = capacity;
    }
    events->items[events->count++] = *event;
    return 0;
}

/** One instance of an entry, at a key of its own; it is an event if it touches the window. */
static int emit(struct expansion *expansion, const struct kt_entry *entry,
                const struct kt_span *span, int64_t key, int64_t original, bool is_recurring)
{
    struct kt_event event = {.details = &entry->details,
                             .original = original,
                             .is_recurring = is_recurring,
                             .is_all_day = entry->start.form == KT_MOMENT_DATE};

    if (event.is_all_day) {
        event.first_day = kt_local_day(key);
        event.end_day = event.first_day + (int32_t)span->days;
    } else {
        event.start = key;
        event.end = span_end(expansion, &entry->start, key, span);
    }
    return touches(expansion, &event) ? push_event(expansion, &event) : 0;
}

/* ---------------------------------------------------------------- a series */

/** The change that applies to an instance: its own, or the latest THISANDFUTURE before it. */
static const struct kt_entry *find_override(struct expansion *expansion,
                                            const struct series *series, int64_t key)
{
    const struct kt_entry *range = NULL;
    int64_t range_key = 0;

    for (size_t index = 0; index < series->override_count; index++) {
        const struct kt_entry *entry = &series->overrides[index];
        int64_t replaced;

        if (names_instance(expansion, &entry->replaces, &series->master->start, key))
            return entry;
        if (!entry->is_range)
            continue;
        (void)take(expansion, KT_EFFORT_CONVERSION);
        replaced = moment_key(expansion, &entry->replaces);
        if (replaced < key && (!range || replaced > range_key)) {
            range = entry;
            range_key = replaced;
        }
    }
    return range;
}

static bool is_excluded(struct expansion *expansion, const struct kt_entry *master, int64_t key)
{
    for (uint32_t index = 0; index < master->exclusion_count; index++) {
        if (names_instance(expansion, &master->exclusions[index], &master->start, key))
            return true;
    }
    return false;
}

/**
 * Move an instance as its THISANDFUTURE change was moved, in local time. When only one of the two
 * has a time of day, days are counted; a change to times has the same time on each day.
 */
static int64_t shifted_key(const struct expansion *expansion, const struct kt_entry *range,
                           const struct kt_entry *master, int64_t key)
{
    const struct kt_zone *zone = moment_zone(expansion, &range->start);
    int64_t from = moment_key(expansion, &range->replaces);
    int64_t to = moment_key(expansion, &range->start);

    if ((range->start.form == KT_MOMENT_DATE) != (master->start.form == KT_MOMENT_DATE)) {
        int32_t replaced = range->replaces.form == KT_MOMENT_DATE
                               ? kt_local_day(range->replaces.local)
                               : key_day(expansion, &master->start, from);
        int64_t days = key_day(expansion, &master->start, key) - replaced;

        return local_to_key(expansion, &range->start, range->start.local + days * KT_DAY_SECONDS);
    }
    if (range->start.form == KT_MOMENT_DATE || range->start.form == KT_MOMENT_UTC)
        return key + (to - from);
    return kt_zone_to_instant(zone, kt_zone_to_local(zone, key) + kt_zone_to_local(zone, to) -
                                        kt_zone_to_local(zone, from));
}

/** An instance of the master's set: excluded, replaced, moved, or as it is. */
static int emit_instance(struct expansion *expansion, const struct series *series, int64_t key,
                         const struct kt_span *span, bool is_recurring)
{
    const struct kt_entry *master = series->master, *override;

    if (!take(expansion, series->override_count + master->exclusion_count) ||
        is_excluded(expansion, master, key))
        return 0;
    override = find_override(expansion, series, key);
    if (!override)
        return emit(expansion, master, span ? span : &master->span, key, key, is_recurring);
    if (names_instance(expansion, &override->replaces, &master->start, key))
        return 0; /* the change itself is emitted with the other changes */
    if (override->is_cancelled)
        return 0;
    return emit(expansion, override, &override->span, shifted_key(expansion, override, master, key),
                key, true);
}

/** UNTIL in the local time of the series. */
static struct kt_rule localised_rule(const struct expansion *expansion, const struct kt_rule *rule,
                                     const struct kt_moment *start)
{
    struct kt_rule copy = *rule;

    if (copy.has_until && copy.until_is_utc && start->form != KT_MOMENT_UTC &&
        start->form != KT_MOMENT_DATE)
        copy.until = kt_zone_to_local(moment_zone(expansion, start), copy.until);
    return copy;
}

/**
 * Begin with a rule of a master. DTSTART is the first instance, and COUNT counts it, even if the
 * rule doesn't yield it or it lies in a gap, where the rule yields nothing.
 * @return false: it yields no instance but DTSTART
 */
static bool begin_rule(struct expansion *expansion, const struct kt_entry *master,
                       const struct kt_rule *written, struct kt_recurrence *recurrence)
{
    const struct kt_moment *start = &master->start;
    struct kt_rule rule = localised_rule(expansion, written, start);
    struct kt_recurrence_zone zone = {NULL, NULL};

    if (start->form == KT_MOMENT_FLOATING || start->form == KT_MOMENT_ZONED)
        zone = (struct kt_recurrence_zone){kt_zone_has, moment_zone(expansion, start)};
    if (rule.count && ((zone.has && !zone.has(zone.zone, start->local)) ||
                       !kt_recurrence_has_start(&rule, start->local, &expansion->effort))) {
        if (--rule.count == 0)
            return false;
    }
    kt_recurrence_begin(recurrence, &rule, start->local, &zone, &expansion->effort);
    return true;
}

static int emit_rule(struct expansion *expansion, const struct series *series,
                     const struct kt_rule *rule)
{
    const struct kt_entry *master = series->master;
    const struct kt_moment *start = &master->start;
    struct kt_recurrence recurrence;
    int64_t from = kt_window_start(expansion->window) - master->span.days * KT_DAY_SECONDS -
                   master->span.seconds - series->shift_max - ZONE_MARGIN_SECONDS;
    int64_t before = kt_window_end(expansion->window) + series->shift_max + ZONE_MARGIN_SECONDS;
    int64_t local, key, start_key = moment_key(expansion, start);
    int result = 0;

    if (!begin_rule(expansion, master, rule, &recurrence))
        return 0;
    kt_recurrence_seek(&recurrence, from);
    while (result == 0 && !expansion->is_full && kt_recurrence_next(&recurrence, before, &local)) {
        if (local < from)
            continue;
        key = local_to_key(expansion, start, local);
        if (key != start_key)
            result = emit_instance(expansion, series, key, NULL, true);
    }
    expansion->is_series_cut |= recurrence.is_cut;
    return result;
}

/**
 * The key of an additional instance: a date added to a timed series has the series' time of day, a
 * time added to an all-day series is that day.
 */
static int64_t addition_key(const struct expansion *expansion, const struct kt_entry *master,
                            const struct kt_moment *addition)
{
    const struct kt_moment *start = &master->start;
    int64_t midnight = (int64_t)kt_local_day(addition->local) * KT_DAY_SECONDS;

    if (start->form == KT_MOMENT_DATE)
        return midnight;
    if (addition->form == KT_MOMENT_DATE)
        return local_to_key(expansion, start,
                            midnight + start->local -
                                (int64_t)kt_local_day(start->local) * KT_DAY_SECONDS);
    return moment_key(expansion, addition);
}

/** Whether an earlier addition, or the start, is the same instance. */
static bool is_repeated(struct expansion *expansion, const struct kt_entry *master, uint32_t index,
                        int64_t key)
{
    if (key == moment_key(expansion, &master->start))
        return true;
    for (uint32_t other = 0; other < index; other++) {
        const struct kt_moment *addition = &master->additions[other].start;

        if (!is_near(addition->local, key))
            continue;
        (void)take(expansion, KT_EFFORT_CONVERSION);
        if (addition_key(expansion, master, addition) == key)
            return true;
    }
    return false;
}

/** Whether a rule of the master yields this instance too. */
static bool is_in_rules(struct expansion *expansion, const struct kt_entry *master, int64_t key)
{
    struct kt_recurrence recurrence;
    const struct kt_moment *start = &master->start;
    bool has_zone = start->form == KT_MOMENT_FLOATING || start->form == KT_MOMENT_ZONED;
    int64_t wanted = has_zone ? kt_zone_to_local(moment_zone(expansion, start), key) : key;
    int64_t local;

    for (uint32_t index = 0; index < master->rule_count && expansion->effort.left > 0; index++) {
        if (!begin_rule(expansion, master, &master->rules[index], &recurrence))
            continue;
        kt_recurrence_seek(&recurrence, wanted);
        while (kt_recurrence_next(&recurrence, wanted + 1, &local)) {
            if (local == wanted && local_to_key(expansion, start, local) == key)
                return true;
        }
    }
    expansion->is_series_cut |= expansion->effort.left == 0;
    return false;
}

static int emit_additions(struct expansion *expansion, const struct series *series)
{
    const struct kt_entry *master = series->master;
    int64_t reach = series->shift_max + ZONE_MARGIN_SECONDS;
    int result = 0;

    for (uint32_t index = 0; result == 0 && !expansion->is_full && index < master->addition_count;
         index++) {
        const struct kt_addition *addition = &master->additions[index];
        /* days have no use for the times of a period */
        bool has_span = addition->has_span && master->start.form != KT_MOMENT_DATE;
        const struct kt_span *span = has_span ? &addition->span : &master->span;
        int64_t key = addition_key(expansion, master, &addition->start);

        if (key - reach >= kt_window_end(expansion->window) ||
            key + span->days * KT_DAY_SECONDS + span->seconds + reach <
                kt_window_start(expansion->window))
            continue;
        if (take(expansion, index) && !is_repeated(expansion, master, index, key) &&
            !is_in_rules(expansion, master, key))
            result = emit_instance(expansion, series, key, span, true);
    }
    return result;
}

static int emit_series(struct expansion *expansion, const struct series *series)
{
    const struct kt_entry *master = series->master;
    bool is_recurring = false;
    uint64_t share = expansion->limits->steps_max / SERIES_SHARE, left = expansion->effort.left;
    uint64_t aside = left > share ? left - share : 0;
    int result = 0;

    expansion->effort.left -= aside;
    if (master && !master->is_cancelled) {
        is_recurring = master->rule_count || master->addition_count || series->override_count;
        result = emit_instance(expansion, series, moment_key(expansion, &master->start), NULL,
                               is_recurring);
        for (uint32_t index = 0; result == 0 && index < master->rule_count; index++)
            result = emit_rule(expansion, series, &master->rules[index]);
        if (result == 0)
            result = emit_additions(expansion, series);
    }
    for (size_t index = 0; result == 0 && index < series->override_count; index++) {
        const struct kt_entry *entry = &series->overrides[index];

        if (!entry->is_cancelled)
            result = emit(expansion, entry, &entry->span, moment_key(expansion, &entry->start),
                          moment_key(expansion, &entry->replaces), true);
    }
    expansion->effort.left += aside;
    note_cut(expansion, master ? master : series->overrides);
    return result;
}

/** Several rules of one master may yield the same instance: keep one. */
static int compare_events(const void *left, const void *right)
{
    const struct kt_event *a = left, *b = right;

    if (a->details != b->details)
        return (a->details > b->details) - (a->details < b->details);
    return (a->original > b->original) - (a->original < b->original);
}

static void drop_doubles(struct kt_events *events, size_t first)
{
    size_t kept = first;

    if (events->count - first < 2)
        return;
    qsort(events->items + first, events->count - first, sizeof(struct kt_event), compare_events);
    for (size_t index = first; index < events->count; index++) {
        if (kept == first || compare_events(&events->items[kept - 1], &events->items[index]) != 0)
            events->items[kept++] = events->items[index];
    }
    events->count = kept;
}

static int64_t shift_max(const struct expansion *expansion, const struct series *series)
{
    int64_t greatest = 0;

    for (size_t index = 0; index < series->override_count; index++) {
        const struct kt_entry *entry = &series->overrides[index];
        int64_t shift;

        if (!entry->is_range)
            continue;
        shift = moment_key(expansion, &entry->start) - moment_key(expansion, &entry->replaces);
        shift =
            (shift < 0 ? -shift : shift) + entry->span.days * KT_DAY_SECONDS + entry->span.seconds;
        if (shift > greatest)
            greatest = shift;
    }
    return greatest;
}

int kt_calendar_events(TALLOC_CTX *context, const struct kt_calendar *calendar,
                       const struct kt_window *window, const struct kt_series_limits *limits,
                       struct kt_events *ret_events, struct kt_warnings *warnings)
{
    struct expansion expansion = {.context = context,
                                  .window = window,
                                  .limits = limits,
                                  .events = ret_events,
                                  .warnings = warnings,
                                  .effort = kt_effort_of(limits->steps_max)};
    size_t index = 0;
    int result = 0;

    *ret_events = (struct kt_events){NULL, 0};
    while (result == 0 && !expansion.is_full && index < calendar->count) {
        const struct kt_entry *entries = calendar->entries;
        size_t begin = index, first_event = ret_events->count;
        struct series series = {0};

        if (!entries[index].is_override)
            series.master = &entries[index++];
        series.overrides = &entries[index];
        while (index < calendar->count && entries[index].is_override &&
               strcmp(entries[index].details.uid, entries[begin].details.uid) == 0)
            index++;
        series.override_count = (size_t)(&entries[index] - series.overrides);
        series.shift_max = shift_max(&expansion, &series);
        result = emit_series(&expansion, &series);
        if (series.master && series.master->rule_count > 1)
            drop_doubles(ret_events, first_event);
    }
    warn_cut(&expansion);
    return result;
}
