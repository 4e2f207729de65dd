/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of a breakdown's JSON that say when, how large and at what cost; see week_json.h. */
#ifndef CALENDAR_INSIGHT_JSON_H
#define CALENDAR_INSIGHT_JSON_H

#include "compare.h"

struct cJSON;

/** "2026-11-16T09:00:00+01:00" and its NUL. */
#define KT_INSTANT_TEXT_SIZE 40

/** Write an instant as RFC 3339, with the offset that holds in the zone at that moment. */
void kt_instant_format(const struct kt_zone *zone, int64_t instant,
                       char text[KT_INSTANT_TEXT_SIZE]);

/** Whole minutes, rounded half up. */
static inline double kt_minutes(int64_t seconds)
{
    return (double)((seconds + 30) / 60);
}

/** Add "sizes", "organised", "work" and "hours". */
void kt_insight_add_totals(struct cJSON *totals, const struct kt_breakdown *breakdown,
                           const struct kt_zone *zone);

/** Add "work" and "hours" to the object of a day. */
void kt_insight_add_day(struct cJSON *object, const struct kt_breakdown_day *day,
                        const struct kt_zone *zone);

/** Add what belongs to a person beside name, address, minutes and meetings. */
void kt_insight_add_person(struct cJSON *object, const struct kt_person_sum *sum,
                           const struct kt_zone *zone);

/** Add "series" and "series_total". @param most  how many are listed */
void kt_insight_add_series(struct cJSON *root, const struct kt_breakdown *breakdown, size_t most);

/** Add "comparison". @param most  how many new people are listed */
void kt_insight_add_comparison(struct cJSON *root, const struct kt_comparison *comparison,
                               size_t most);

#endif
