/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers: two heaps (a 4-ary one for each clock), one uv_timer for the monotonic clock and one
 * timerfd for the clock of the day, which also fires when that clock is set. A timer is embedded
 * in what it belongs to; arming costs no allocation beyond the heap's own growth.
 */
#ifndef KT_TIMER_H
#define KT_TIMER_H

#include <stdbool.h>
#include <stdint.h>

enum kt_clock {
    KT_CLOCK_MONOTONIC, /**< kt_now_ms */
    KT_CLOCK_DAY,       /**< kt_unix_ms */
};

/** An armed timer has an index; zeroed is unarmed. */
struct kt_timer {
    uint32_t index; /**< place in its heap + 1, 0 when not armed */
    uint8_t clock;
    bool is_message; /**< embedded in a delayed message, else in a process */
    bool is_servers; /**< a server's own time-out, which outlives its turns; the owner's business */
};

/** @param expire  called from the loop for each timer whose time has come; it is unarmed by then */
int kt_timers_start(void (*expire)(struct kt_timer *timer));
void kt_timers_close(void (*drop)(struct kt_timer *timer));

/** Arm or re-arm. @return 0 or -ENOMEM */
int kt_timer_arm(struct kt_timer *timer, enum kt_clock clock, int64_t deadline_ms);

void kt_timer_cancel(struct kt_timer *timer);

/** Tell the loop of the earliest deadlines; before it blocks. */
void kt_timers_commit(void);

#endif
