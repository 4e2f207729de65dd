/* SPDX-License-Identifier: BSD-2-Clause */
/* Looks without a turn between them are counted. */
#include "master/watchdog.h"

/** So many looks make a time-out. */
#define LOOKS 4u

int64_t kt_watchdog_interval_ms(int64_t timeout_ms)
{
    return (timeout_ms + LOOKS - 1) / LOOKS;
}

void kt_watchdog_start(struct kt_watchdog *watchdog, int64_t timeout_ms, int64_t now_ms)
{
    int64_t interval_ms = kt_watchdog_interval_ms(timeout_ms);
    *watchdog = (struct kt_watchdog){
        .interval_ms = interval_ms,
        .look_ms = interval_ms > 0 ? now_ms + interval_ms : INT64_MAX,
    };
}

enum kt_watchdog_verdict kt_watchdog_look(struct kt_watchdog *watchdog, uint64_t turns,
                                          int64_t now_ms)
{
    if (now_ms < watchdog->look_ms)
        return KT_WATCHDOG_WELL;
    watchdog->look_ms = now_ms + watchdog->interval_ms;
    watchdog->looks = turns == watchdog->turns ? watchdog->looks + 1 : 0;
    watchdog->turns = turns;
    return watchdog->looks < LOOKS    ? KT_WATCHDOG_WELL
           : watchdog->looks == LOOKS ? KT_WATCHDOG_STUCK
                                      : KT_WATCHDOG_DEAF;
}
