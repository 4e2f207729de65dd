/* SPDX-License-Identifier: BSD-2-Clause */
/* A week's breakdown as JSON; README.md describes the shape. Knows no requests. */
#ifndef CALENDAR_WEEK_JSON_H
#define CALENDAR_WEEK_JSON_H

#include "compare.h"

struct cJSON;

/** What goes into the answer. All borrowed. */
struct kt_week {
    const struct kt_window *window;
    const struct kt_breakdown *breakdown;
    const struct kt_warnings *warnings;
    const struct kt_comparison *comparison; /**< NULL: no weeks before are known */
    uint32_t week_start;                    /**< 0 = Monday, 6 = Sunday */
    int32_t today;                          /**< in the window's zone */
    size_t events_max;                      /**< listed; all are counted */
    size_t people_max;                      /**< listed; also series, and new people */
};

/**
 * Make the JSON.
 * @return owned by the running process (cJSON's memory), or NULL without memory
 */
struct cJSON *kt_week_json(const struct kt_week *week);

#endif
