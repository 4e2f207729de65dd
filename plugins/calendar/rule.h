/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A recurrence rule (RFC 5545, 3.3.10) as a value: what an RRULE says, in sets of bits, so that
 * order and repetition in the text don't matter. Knows nothing of DTSTART, zones or events.
 */
#ifndef CALENDAR_RULE_H
#define CALENDAR_RULE_H

#include <kontor/error.h>
#include <stdbool.h>
#include <stdint.h>

enum kt_frequency {
    KT_SECONDLY,
    KT_MINUTELY,
    KT_HOURLY,
    KT_DAILY,
    KT_WEEKLY,
    KT_MONTHLY,
    KT_YEARLY,
};

/** Days of a year, the largest number that BYYEARDAY and BYSETPOS may name. */
#define KT_RULE_DAYS_MAX 366
/** Weeks of a year, the largest number that BYWEEKNO and a BYDAY ordinal may name. */
#define KT_RULE_WEEKS_MAX 53
/** The largest INTERVAL; a greater one is refused. */
#define KT_RULE_INTERVAL_MAX 1000000

/** Numbers 1 … 383 counted from the beginning and from the end (-1 is bit 1 of from_end). */
struct kt_rule_numbers {
    uint64_t from_begin[6];
    uint64_t from_end[6];
    bool is_set; /**< the part is in the rule */
};

struct kt_rule {
    enum kt_frequency frequency;
    uint32_t interval; /**< 1 … */
    uint64_t count;    /**< 0: not limited */
    bool has_until;    /**< until is the last local time, or UTC time if until_is_utc */
    bool until_is_utc;
    int64_t until;
    uint32_t week_start; /**< 0 = Monday … 6 */
    uint64_t by_second;  /**< bits 0 … 59; 0: absent, as below */
    uint64_t by_minute;
    uint32_t by_hour;
    uint32_t by_month;          /**< bits 1 … 12 */
    uint32_t by_weekday;        /**< BYDAY without an ordinal; bits 0 = Monday … 6 */
    bool has_ordinals;          /**< BYDAY with ordinals: */
    uint64_t nth_from_begin[7]; /**< per weekday: bits 1 … 53 */
    uint64_t nth_from_end[7];
    struct kt_rule_numbers by_month_day, by_year_day, by_week, by_position;
};

static inline bool kt_rule_numbers_has(const struct kt_rule_numbers *numbers, uint32_t from_begin,
                                       uint32_t from_end)
{
    return (numbers->from_begin[from_begin / 64] >> (from_begin % 64) & 1) ||
           (numbers->from_end[from_end / 64] >> (from_end % 64) & 1);
}

static inline void kt_rule_numbers_add(struct kt_rule_numbers *numbers, int32_t number)
{
    uint32_t distance = (uint32_t)(number < 0 ? -number : number);
    uint64_t *bits = number < 0 ? numbers->from_end : numbers->from_begin;

    bits[distance / 64] |= UINT64_C(1) << (distance % 64);
    numbers->is_set = true;
}

/**
 * Read an RRULE value such as "FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20270101T000000Z".
 * @return 0, -EINVAL (no rule; error says which part), -ENOTSUP (RSCALE, SKIP: RFC 7529)
 */
int kt_rule_parse(const char *text, struct kt_rule *ret_rule, struct kt_error *error);

#endif
