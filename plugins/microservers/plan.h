/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When the server of a row is due. Pure: knows numbers only. Ticks lie on a grid that begins with
 * the pass, so that a server that is started late, or again, ticks at the times at which it would
 * have.
 */
#ifndef MICROSERVERS_PLAN_H
#define MICROSERVERS_PLAN_H

#include <stdint.h>

struct plan {
    int64_t epoch_ms;    /**< the beginning of the pass, ms since 1970 */
    int64_t interval_ms; /**< between two ticks of a row; at least 1 */
    int64_t step_ms;     /**< ticks are spread over the interval in such steps; 0: all together */
    uint32_t at_once;    /**< so many rows have servers at the same time; at least 1 */
};

/**
 * How long after the beginning of each interval a row ticks: more than 0, at most the interval.
 * Rows that stand at_once apart, which follow each other, have the same.
 */
int64_t plan_phase_ms(const struct plan *plan, uint32_t row);

/** The first tick of a row after a time. */
int64_t plan_next_ms(const struct plan *plan, uint32_t row, int64_t after_ms);

#endif
