/* SPDX-License-Identifier: BSD-2-Clause */
/* A week's breakdown as JSON; README.md describes the shape. Pure: knows no requests. */
#ifndef CALENDAR_WEEK_JSON_H
#define CALENDAR_WEEK_JSON_H

#include "compare.h"

/** No answer is larger; the largest lists that can be configured are some 40 MiB. */
#define KT_WEEK_JSON_SIZE_MAX ((size_t)64 << 20)

/** What goes into the answer. All borrowed. */
struct kt_week {
    const struct kt_window *window;
    const struct kt_breakdown *breakdown;
    const struct kt_warnings *warnings;
    bool is_incomplete; /**< something connected could not be read; a warning says what */
    const struct kt_comparison *comparison; /**< NULL: no weeks before are known */
    uint32_t week_start;                    /**< 0 = Monday, 6 = Sunday */
    int32_t today;                          /**< in the window's zone */
    size_t events_max;                      /**< listed; all are counted */
    size_t people_max;                      /**< listed; also series, and new people */
    bool is_brief; /**< only how long, with whom, what sort if there is any, and the hours of the
                        weeks before: no events, hours of the day, working time, sizes, series */
};

/**
 * Make the JSON. On any thread.
 * @param context   owns the text
 * @param size_max  bytes
 * @param ret_text  with a NUL behind it
 * @param ret_size  without the NUL; may be NULL
 * @return 0, -ENOMEM, or -EMSGSIZE: it is larger than that
 */
int kt_week_json(TALLOC_CTX *context, const struct kt_week *week, size_t size_max, char **ret_text,
                 size_t *ret_size);

#endif
