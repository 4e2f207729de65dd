/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What sources give and the breakdown takes: events within a window, the people in them, and
 * warnings for the person who looks. Plain data; knows no file format, no network, no JSON.
 */
#ifndef CALENDAR_EVENT_H
#define CALENDAR_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

struct kt_zone;

/** How many warnings one answer carries; what comes after is counted only. */
#define KT_WARNINGS_MAX 20

/** The days looked at, in a zone. */
struct kt_window {
    const struct kt_zone *zone;
    int32_t first_day;
    uint32_t days;
    /** days + 1 instants: where each day begins, and where the last one ends. */
    int64_t *bounds;
};

static inline int64_t kt_window_start(const struct kt_window *window)
{
    return window->bounds[0];
}

static inline int64_t kt_window_end(const struct kt_window *window)
{
    return window->bounds[window->days];
}

/**
 * The week that a day lies in.
 * @param zone        borrowed; must live as long as the window
 * @param week_start  0 = Monday … 6 = Sunday
 * @param ret_window  its bounds are owned by context
 * @return 0 or -ENOMEM
 */
int kt_window_week(TALLOC_CTX *context, const struct kt_zone *zone, int32_t day,
                   uint32_t week_start, struct kt_window *ret_window);

/** Any days in a row. @param days  at least one; for the rest see kt_window_week */
int kt_window_days(TALLOC_CTX *context, const struct kt_zone *zone, int32_t first_day,
                   uint32_t days, struct kt_window *ret_window);

/** What the calendar's owner answered to an invitation. */
enum kt_answer {
    KT_ANSWER_ACCEPTED, /**< or it needs no answer: own events, no owner known */
    KT_ANSWER_DECLINED,
    KT_ANSWER_TENTATIVE,
    KT_ANSWER_NONE,
};

/** What sort of entry it is; all but the first are no meetings. */
enum kt_event_type {
    KT_EVENT_DEFAULT,
    KT_EVENT_FOCUS_TIME,
    KT_EVENT_OUT_OF_OFFICE,
    KT_EVENT_WORKING_LOCATION,
    KT_EVENT_BIRTHDAY,
    KT_EVENT_FROM_MAIL,
};

struct kt_person {
    const char *address; /**< lower case */
    const char *name;    /**< for people; never NULL, the address if none is known */
};

/** What all instances of a series have in common. */
struct kt_details {
    const char *uid;
    const char *summary; /**< "" when it has none */
    enum kt_answer answer;
    enum kt_event_type type;
    bool is_free; /**< doesn't block time ("transparent") */
    /** Everybody but the owner, rooms, and those who declined; the organiser is among them. */
    const struct kt_person *people;
    uint32_t people_count;
    uint32_t attendee_count; /**< as invited, with the owner, without rooms */
    const char *organizer;   /**< its address, in lower case; NULL: the owner, or unknown */
    bool is_organizer;       /**< the owner is */
};

/** One instance. */
struct kt_event {
    const struct kt_details *details; /**< borrowed from the source's answer */
    int64_t original;  /**< original start: with the uid, the identity of an instance */
    bool is_recurring; /**< of a series */
    bool is_all_day;
    int64_t start, end;         /**< instants, unless is_all_day; end exclusive */
    int32_t first_day, end_day; /**< if is_all_day; end exclusive */
    const char *calendar;       /**< the name of the one it is in; NULL: not known */
};

struct kt_events {
    struct kt_event *items;
    size_t count;
};

/** Things that the person should know about the numbers. */
struct kt_warnings {
    char *texts[KT_WARNINGS_MAX];
    size_t count;
    size_t dropped;
};

/** Add a warning, once. @param context  owns the text */
void kt_warnings_add(TALLOC_CTX *context, struct kt_warnings *warnings, const char *format, ...)
    __attribute__((__format__(__printf__, 3, 4)));

#endif
