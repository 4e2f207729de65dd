/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All workers in a few numbers, with the names that users of PHP-FPM's status page know where
 * something means the same, and kontor's own behind. Pure, from JSON to JSON and text.
 */
#ifndef OBSERVER_STATUS_H
#define OBSERVER_STATUS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

/**
 * @param workers  as gathered by INSTANCE_WORKER
 * @param is_full  with "processes": each worker
 * @param now_ms   since 1970
 * @return the caller's
 */
cJSON *status_sum(const cJSON *workers, bool is_full, int64_t now_ms);

/** The same as lines "name: value", as PHP-FPM writes them. @return owned by the context; NULL: no
 * memory */
char *status_text(TALLOC_CTX *context, const cJSON *status);

#endif
