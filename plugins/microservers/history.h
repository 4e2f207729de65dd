/* SPDX-License-Identifier: BSD-2-Clause */
/* The last ten minutes, a sample each second, in a fixed ring; and as JSON. */
#ifndef MICROSERVERS_HISTORY_H
#define MICROSERVERS_HISTORY_H

#include "meter.h"

#include <cjson/cJSON.h>
#include <stdint.h>
#include <talloc.h>

#define HISTORY_SAMPLES 600u

/** What updates cost, in microseconds. */
struct latency {
    uint64_t updates, mean_us, half_us, p99_us, longest_us;
};

/** A second. */
struct sample {
    int64_t time_ms; /**< its end, ms since 1970 */
    uint32_t servers, rows_done;
    struct latency latency;
    uint64_t failed;       /**< updates, since the worker's start */
    double cpu_percent;    /**< of one core, of the whole worker */
    uint64_t memory_bytes; /**< of the whole worker, at its end */
};

struct history;

/** @return owned by the context; NULL: no memory */
struct history *history_new(TALLOC_CTX *context);

void history_add(struct history *history, const struct sample *sample);

/** The last one; NULL: there is none. Borrowed until the next history_add. */
const struct sample *history_last(const struct history *history);

/** The samples behind a time, oldest first. @return an array, the caller's */
cJSON *history_since(const struct history *history, int64_t after_ms);

/** @return the caller's */
cJSON *sample_json(const struct sample *sample);

struct latency latency_of(const struct meter *meter);

/** Add its fields to an object. */
void latency_add_json(cJSON *json, const struct latency *latency);

#endif
