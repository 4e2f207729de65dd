/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last hour of one worker, a sample every five seconds, at the same times in all workers, so
 * that they can be added up. A fixed ring: nothing grows. It can be written down, and added to that
 * of another worker, so that the past of one that has ended stays in the sums.
 */
#ifndef OBSERVER_HISTORY_H
#define OBSERVER_HISTORY_H

#include <cjson/cJSON.h>
#include <stdbool.h>
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
 * Take a sample of what was counted since the one before; the first one only begins to count. When
 * the clock was set back, what was taken from this time on is forgotten: it will come again.
 * @param time_ms  a multiple of HISTORY_STEP_MS since 1970; the same as before: nothing is taken
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

/**
 * All samples as bytes, for workers on this machine.
 * @param ret_size  how many
 * @return owned by the context; NULL: no memory
 */
void *history_pack(TALLOC_CTX *context, const struct history *history, size_t *ret_size);

/**
 * Add what another one has packed, sample by sample. What isn't of this hour is left out.
 * @return false: this was packed by another kontor, or by none; nothing is added
 */
bool history_unpack(struct history *history, const void *data, size_t size);

#endif
