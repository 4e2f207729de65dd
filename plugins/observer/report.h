/* SPDX-License-Identifier: BSD-2-Clause */
/* What several workers said, as one: pure, from JSON to JSON and text. */
#ifndef OBSERVER_REPORT_H
#define OBSERVER_REPORT_H

#include <cjson/cJSON.h>
#include <talloc.h>

/**
 * The histories of all workers as one: samples of the same time are added up.
 * @param answers  as gathered by INSTANCE_HISTORY
 * @return oldest first; the caller's
 */
cJSON *report_add_up(const cJSON *answers);

/** The bounds of durations in milliseconds, null for the last: what "durations" counts. */
cJSON *report_bounds(void);

/**
 * All workers in a few numbers, for /status?json.
 * @param workers  as gathered by INSTANCE_WORKER
 * @return the caller's
 */
cJSON *report_sum(const cJSON *workers);

/** The same as lines "name: value". @return owned by the context; NULL: no memory */
char *report_text(TALLOC_CTX *context, const cJSON *summary);

#endif
