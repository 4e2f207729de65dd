/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When to start again what has died: at once, as long as that happens within OTP's restart
 * intensity, with growing pauses beyond. Pure arithmetic on times; knows no processes.
 */
#ifndef KT_RESTART_H
#define KT_RESTART_H

#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

/** The first pause, doubled up to the last. */
#define KT_RESTART_PAUSE_FIRST_MS 100
#define KT_RESTART_PAUSE_LAST_MS 10000

struct kt_restarts;

/**
 * @param intensity  so many restarts …
 * @param period_ms  … within this time come without a pause
 * @return owned by the context, NULL when out of memory
 */
struct kt_restarts *kt_restarts_new(TALLOC_CTX *context, uint32_t intensity, int64_t period_ms);

/**
 * Something has died.
 * @param now_ms        the monotonic time
 * @param lifetime_ms   how long it had been well: a whole period ends a series of pauses
 * @param ret_is_first  set to whether this is the first pause of a series: worth telling
 * @return how long to wait before it is started again; milliseconds, 0: not at all
 */
int64_t kt_restarts_pause(struct kt_restarts *restarts, int64_t now_ms, int64_t lifetime_ms,
                          bool *ret_is_first);

/** Forget what has died so far: its cause is dealt with. */
void kt_restarts_reset(struct kt_restarts *restarts);

#endif
