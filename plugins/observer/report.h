/* SPDX-License-Identifier: BSD-2-Clause */
/* What several workers said, as one: pure, from JSON to JSON. */
#ifndef OBSERVER_REPORT_H
#define OBSERVER_REPORT_H

#include <cjson/cJSON.h>
#include <stdint.h>

/**
 * The histories of all workers as one: samples of the same time are added up.
 * @param answers    as gathered by INSTANCE_HISTORY
 * @param before_ms  only samples of before: of the present time not all may have been taken
 * @return oldest first; the caller's
 */
cJSON *report_add_up(const cJSON *answers, int64_t before_ms);

/** The bounds of durations in milliseconds, null for the last: what "durations" counts. */
cJSON *report_bounds(void);

#endif
