/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One look at somebody's calendars: any days in a row, in a zone, as they are at this moment,
 * broken down. For whoever answers with more than a week; knows neither requests nor messages.
 */
#ifndef CALENDAR_LOOK_H
#define CALENDAR_LOOK_H

#include "service.h"

/** A year, and the days to make it whole weeks: more is a slip of the keyboard. */
#define KT_LOOK_DAYS_MAX 372u
/** What people are told who ask for other days. */
#define KT_LOOK_DAYS_WRONG                                                                         \
    "The first day and the last one are dates such as 2026-10-01, in this order; at most "         \
    "372 days."

/** What is looked at. All borrowed until the answer. */
struct kt_look_question {
    const struct kt_service *service;
    const char *user; /**< whose calendars; NULL: nobody has signed in */
    const char *zone;
    int32_t first_day;
    uint32_t days;      /**< 1 … KT_LOOK_DAYS_MAX */
    bool is_sample;     /**< somebody made up instead */
    const char *upload; /**< this iCalendar text instead; NULL: none */
    size_t upload_size;
};

/** What was seen; a talloc chunk below which all of it lies. */
struct kt_look {
    struct kt_window window;
    struct kt_breakdown breakdown;
    struct kt_warnings warnings;
    int32_t today; /**< in the zone */
};

/** Why there is nothing to see. */
struct kt_look_refusal {
    int status; /**< of HTTP */
    enum kt_trouble trouble;
    int64_t pause_ms;                  /**< wait so long before asking again; 0: not known */
    char text[KT_ERROR_TEXT_MAX + 64]; /**< one sentence for the person */
};

/**
 * Read "first day … last day", both YYYY-MM-DD and inclusive.
 * @return 0, or -EINVAL: no such dates, the last before the first, or more than KT_LOOK_DAYS_MAX
 */
int kt_look_days(const char *from, const char *to, int32_t *ret_first_day, uint32_t *ret_days);

/**
 * Look.
 * @param ret_look  owned by the calling process
 * @return 0, or a negative errno and the refusal filled
 * Parks.
 */
int kt_look(const struct kt_look_question *question, struct kt_look **ret_look,
            struct kt_look_refusal *refusal);

#endif
