/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last hour of one worker, a sample every five seconds, at the same times in all workers, so
 * that they can be added up. A fixed ring: nothing grows.
 */
#ifndef OBSERVER_HISTORY_H
#define OBSERVER_HISTORY_H

#include <cjson/cJSON.h>
#include <stdint.h>
#include <talloc.h>

#define HISTORY_STEP_MS 5000
#define HISTORY_SAMPLES 720u
/** So long after its time a sample has been taken in all workers that can take one. */
#define HISTORY_LATE_MS 2000

struct history;

/** @return owned by the context; NULL: no memory */
struct history *history_new(TALLOC_CTX *context);

/**
 * Take a sample of what was counted since the one before.
 * @param time_ms  a multiple of HISTORY_STEP_MS since 1970
 * @param worker   as kt_observe_worker, with cpu_ms and memory_bytes
 */
void history_add(struct history *history, int64_t time_ms, const cJSON *worker);

/**
 * The samples behind a time, oldest first: {"time_ms", "requests", "failed", "refused", "cpu_ms"
 * (in these five seconds), "durations": [counts], "processes", "connections", "running" (requests),
 * "runnable" (processes that want their turn), "memory_bytes" (at their end)}
 * @return the caller's
 */
cJSON *history_since(const struct history *history, int64_t after_ms);

#endif
