/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether the loop of a worker that serves still turns: a plugin that never gives the processor
 * back holds up everybody, and dies of nothing. Pure: times and counts are handed in. Judges by
 * looks of its own, not by a clock: one that jumps, as after a machine's sleep, is no standstill.
 */
#ifndef KT_WATCHDOG_H
#define KT_WATCHDOG_H

#include <stdint.h>

struct kt_watchdog {
    int64_t interval_ms; /**< between two looks */
    int64_t look_ms;     /**< the next one; INT64_MAX: never */
    uint64_t turns;      /**< that were seen last */
    uint32_t looks;      /**< one after the other at which there were no more */
};

enum kt_watchdog_verdict {
    KT_WATCHDOG_WELL,
    KT_WATCHDOG_STUCK, /**< for the whole time: to be aborted, so that it notes where it is */
    KT_WATCHDOG_DEAF,  /**< it is still there after that: to be killed */
};

/** How often a loop must turn at least for a time-out, ms; 0: it need not. */
int64_t kt_watchdog_interval_ms(int64_t timeout_ms);

/** Begin. @param timeout_ms  how long a loop may stand still; 0: as long as it likes */
void kt_watchdog_start(struct kt_watchdog *watchdog, int64_t timeout_ms, int64_t now_ms);

/**
 * Look, when its time has come.
 * @param turns  of the loop so far
 */
enum kt_watchdog_verdict kt_watchdog_look(struct kt_watchdog *watchdog, uint64_t turns,
                                          int64_t now_ms);

#endif
