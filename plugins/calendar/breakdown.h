/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where did the time go? A pure function of events, a window (with its zone) and options: no input
 * or output, no clock. The rules are in README.md. breakdown.c makes the list and the sums;
 * day_time.c says when in the day, people.c with whom, top_series.c which series cost most.
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

/** How many people a meeting has; each meeting is exactly one of these. */
enum kt_size {
    KT_SIZE_ONE_TO_ONE, /**< the owner and one other person who didn't decline */
    KT_SIZE_GROUP,
    KT_SIZE_LARGE, /**< more people invited than the option says */
    KT_SIZE_COUNT,
};

/** The word for a size: "one_to_one" … */
const char *kt_size_name(enum kt_size size);

#define KT_HOURS_OF_DAY 24

struct kt_breakdown_options {
    uint32_t large_over;    /**< a meeting with more people than this is marked as large */
    uint32_t work_days;     /**< bit 0: Monday … bit 6: Sunday */
    int32_t work_from;      /**< seconds of the local day, 0 … 86,400 */
    int32_t work_to;        /**< after work_from; else nobody works at all */
    int64_t focus_at_least; /**< seconds; a free stretch of work that is shorter is fragmented */
};

/** 100 people; Monday to Friday from 9 to 17; two hours. */
extern const struct kt_breakdown_options kt_breakdown_defaults;

struct kt_sum {
    uint32_t count;
    int64_t seconds; /**< within the window */
};

/** A stretch of time; end exclusive. */
struct kt_stretch {
    int64_t start, end;
};

/** An event of the window, with what it counts as. */
struct kt_counted {
    const struct kt_event *event;
    enum kt_kind kind;
    bool is_large;
    enum kt_size size; /**< if it is a meeting */
    int64_t seconds;   /**< within the window; 0 for all-day events */
    uint32_t days;     /**< within the window, for all-day events */
};

struct kt_breakdown_day {
    int32_t day;
    int64_t length;                 /**< seconds: 23, 24 or 25 hours, mostly */
    int64_t seconds[KT_KIND_COUNT]; /**< sums, of timed events */
    int64_t real, conflict;         /**< of meetings: with one or more at a time; two or more */
    int64_t
        hours[KT_HOURS_OF_DAY]; /**< real, by hour of the local day: what comes twice is added */
    int64_t after_hours;        /**< of real: outside of working hours */
    int64_t working;            /**< working hours; 0 on days off and all-day out of office */
    struct kt_sum focusable;    /**< of working: free stretches that are long enough */
    struct kt_sum fragmented;   /**< of working: free stretches that are too short */
    struct kt_stretch longest;  /**< the longest free stretch; the first of equal ones */
};

struct kt_person_sum {
    const struct kt_person *person;
    int64_t seconds;
    uint32_t meetings;
    struct kt_sum one_to_one; /**< of these */
    uint32_t organised;       /**< of these: by this person */
    int64_t first;            /**< when the first of these begins */
};

/** What the instances of one series take together. */
struct kt_series_sum {
    const struct kt_details *details; /**< of its first instance in the window */
    struct kt_sum sum;
    int64_t cost; /**< seconds times people, the owner among them */
};

/** The result. Arrays are owned by the context given; what they point to belongs to the events. */
struct kt_breakdown {
    struct kt_sum kinds[KT_KIND_COUNT];
    struct kt_sum meetings;             /**< one-off and recurring ones together */
    int64_t real, conflict;             /**< as per day */
    struct kt_sum sizes[KT_SIZE_COUNT]; /**< of meetings */
    struct kt_sum organised;            /**< of meetings: by the owner */
    uint32_t large_meetings;
    int64_t hours[KT_HOURS_OF_DAY]; /**< from here to longest: as per day, all days together */
    int64_t after_hours, working;
    struct kt_sum focusable, fragmented;
    struct kt_stretch longest;
    uint32_t all_day_days;         /**< days with at least one all-day event */
    uint32_t all_day_event_days;   /**< all-day events times their days */
    struct kt_breakdown_day *days; /**< as many as the window has */
    uint32_t day_count;
    struct kt_person_sum *people; /**< most hours first, then most meetings, then by address */
    size_t people_count;
    struct kt_series_sum *series; /**< of meetings: most cost first, then by UID */
    size_t series_count;
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
