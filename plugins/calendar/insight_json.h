/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parts of a breakdown's JSON that say when, how large and at what cost, and the forms of days,
 * instants and sums that all of it shares; see week_json.h.
 */
#ifndef CALENDAR_INSIGHT_JSON_H
#define CALENDAR_INSIGHT_JSON_H

#include "compare.h"

struct kt_json_writer;

/** "2026-11-16T09:00:00+01:00" and its NUL. */
#define KT_INSTANT_TEXT_SIZE 40

/** Write an instant as RFC 3339, with the offset that holds in the zone at that moment. */
void kt_instant_format(const struct kt_zone *zone, int64_t instant,
                       char text[KT_INSTANT_TEXT_SIZE]);

/** Whole minutes, rounded half up. */
static inline int64_t kt_minutes(int64_t seconds)
{
    return (seconds + 30) / 60;
}

/** An instant as kt_instant_format has it. */
void kt_json_write_instant(struct kt_json_writer *json, const char *name,
                           const struct kt_zone *zone, int64_t instant);

/** A day, "YYYY-MM-DD". */
void kt_json_write_date(struct kt_json_writer *json, const char *name, int32_t day);

/** An object with "count" and "minutes". */
void kt_insight_write_sum(struct kt_json_writer *json, const char *name, const struct kt_sum *sum);

/** "sizes", "organised", "work" and "hours_of_day", into the object of all days. */
void kt_insight_write_totals(struct kt_json_writer *json, const struct kt_breakdown *breakdown,
                             const struct kt_zone *zone);

/** "work" and "hours_of_day", into the object of a day. */
void kt_insight_write_day(struct kt_json_writer *json, const struct kt_breakdown_day *day,
                          const struct kt_zone *zone);

/** What belongs to a person beside name, address, minutes and meetings. */
void kt_insight_write_person(struct kt_json_writer *json, const struct kt_person_sum *sum,
                             const struct kt_zone *zone);

/** "series" and "series_total". @param most  how many are listed */
void kt_insight_write_series(struct kt_json_writer *json, const struct kt_breakdown *breakdown,
                             size_t most);

/** "comparison". @param most  how many new people are listed @param is_brief  the hours alone */
void kt_insight_write_comparison(struct kt_json_writer *json,
                                 const struct kt_comparison *comparison, size_t most,
                                 bool is_brief);

#endif
