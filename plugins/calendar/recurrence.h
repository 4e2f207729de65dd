/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Turns a rule and a start into local times, one after the other, in order and without
 * repetition. All frequencies and parts of RFC 5545, 3.3.10. Nothing is collected: a rule that
 * yields a million instances costs no memory, and all that it looks at is taken from an effort.
 * Knows nothing of events; of the zone only whether a local time exists in it.
 */
#ifndef CALENDAR_RECURRENCE_H
#define CALENDAR_RECURRENCE_H

#include "effort.h"
#include "rule.h"

/** How to ask a zone whether a local time exists there (it doesn't in the gap of a clock change).
 */
struct kt_recurrence_zone {
    bool (*has)(const void *zone, int64_t local);
    const void *zone;
};

/** An expansion under way; make it with kt_recurrence_begin. Plain memory, nothing to free. */
struct kt_recurrence {
    struct kt_rule rule;            /**< completed with what follows from the start */
    struct kt_recurrence_zone zone; /**< has may be NULL: every local time exists */
    int64_t start;                  /**< the local time of DTSTART */
    int64_t first_unit, unit;       /**< number of the first and of the present period */
    uint64_t left;                  /**< instances until COUNT is reached */
    struct kt_effort *effort;       /**< what may still be looked at */
    bool is_cut;                    /**< the effort was used up before the end */
    bool is_loaded;                 /**< the lists below are those of unit */
    int32_t end_day;                /**< no day between the last of the list and this one matches */
    uint32_t day_count, hour_count, minute_count, second_count, position_count;
    uint64_t position; /**< the next in the period's set */
    int32_t days[KT_RULE_DAYS_MAX];
    uint8_t hours[24], minutes[60], seconds[60];
    uint64_t positions[2 * KT_RULE_DAYS_MAX]; /**< those that BYSETPOS picks, in order */
};

/**
 * Begin at the start of a rule.
 * @param rule    copied; its UNTIL is taken as a local time, so convert it first
 * @param start   the local time of DTSTART
 * @param zone    NULL: every local time exists; copied
 * @param effort  shared by all expansions that together must end; borrowed
 */
void kt_recurrence_begin(struct kt_recurrence *recurrence, const struct kt_rule *rule,
                         int64_t start, const struct kt_recurrence_zone *zone,
                         struct kt_effort *effort);

/**
 * Skip instances before a local time, without looking at each where the rule has no COUNT.
 * Instances before it may still come.
 */
void kt_recurrence_seek(struct kt_recurrence *recurrence, int64_t local);

/**
 * The next instance.
 * @param before     instances at or after this local time are not looked for
 * @param ret_local  the instance; never before the start
 * @return false when there is none, or the effort is used up (is_cut)
 */
bool kt_recurrence_next(struct kt_recurrence *recurrence, int64_t before, int64_t *ret_local);

/** Whether the rule yields its own start. If not, DTSTART is an instance all the same. */
bool kt_recurrence_has_start(const struct kt_rule *rule, int64_t start, struct kt_effort *effort);

#endif
