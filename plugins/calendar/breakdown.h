/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where did the time go? A pure function of events, a window and options: no input or output, no
 * clock, no zone look-ups. The rules are in README.md; breakdown.c follows them line by line.
 */
#ifndef CALENDAR_BREAKDOWN_H
#define CALENDAR_BREAKDOWN_H

#include "event.h"

/** What an event counts as; each event counts as exactly one. */
enum kt_kind {
    KT_KIND_ONE_OFF,   /**< a meeting that comes once */
    KT_KIND_RECURRING, /**< a meeting of a series */
    KT_KIND_ALL_DAY,
    KT_KIND_OWN, /**< nobody else there */
    KT_KIND_FOCUS,
    KT_KIND_DECLINED,
    KT_KIND_TENTATIVE,
    KT_KIND_UNANSWERED,
    KT_KIND_FREE, /**< doesn't block time */
    KT_KIND_OUT_OF_OFFICE,
    KT_KIND_OTHER, /**< working locations, birthdays, entries made from mails */
    KT_KIND_COUNT,
};

/** The word for a kind: "one_off", "recurring" … */
const char *kt_kind_name(enum kt_kind kind);

/** Whether events of a kind are meetings. */
static inline bool kt_kind_is_meeting(enum kt_kind kind)
{
    return kind == KT_KIND_ONE_OFF || kind == KT_KIND_RECURRING;
}

struct kt_breakdown_options {
    uint32_t large_over; /**< a meeting with more people than this is marked as large */
};

struct kt_sum {
    uint32_t count;
    int64_t seconds; /**< within the window */
};

/** An event of the window, with what it counts as. */
struct kt_counted {
    const struct kt_event *event;
    enum kt_kind kind;
    bool is_large;
    int64_t seconds; /**< within the window; 0 for all-day events */
    uint32_t days;   /**< within the window, for all-day events */
};

struct kt_breakdown_day {
    int32_t day;
    int64_t length;                 /**< seconds: 23, 24 or 25 hours, mostly */
    int64_t seconds[KT_KIND_COUNT]; /**< sums, of timed events */
    int64_t real, conflict;         /**< of meetings: with one or more at a time; two or more */
};

struct kt_person_sum {
    const struct kt_person *person;
    int64_t seconds;
    uint32_t meetings;
};

/** The result. Arrays are owned by the context given; what they point to belongs to the events. */
struct kt_breakdown {
    struct kt_sum kinds[KT_KIND_COUNT];
    struct kt_sum meetings; /**< one-off and recurring ones together */
    int64_t real, conflict; /**< as per day */
    uint32_t large_meetings;
    uint32_t all_day_days;         /**< days with at least one all-day event */
    uint32_t all_day_event_days;   /**< all-day events times their days */
    struct kt_breakdown_day *days; /**< as many as the window has */
    uint32_t day_count;
    struct kt_person_sum *people; /**< most hours first, then most meetings, then by address */
    size_t people_count;
    struct kt_counted *counted; /**< by start, all-day events of a day first */
    size_t counted_count;
};

/**
 * Break a window down.
 * @param context  owns the arrays of the result
 * @param events   of any number of sources; the same instance twice counts once
 * @return 0 or -ENOMEM
 */
int kt_breakdown_make(TALLOC_CTX *context, const struct kt_events *events,
                      const struct kt_window *window, const struct kt_breakdown_options *options,
                      struct kt_breakdown *ret_breakdown);

#endif
