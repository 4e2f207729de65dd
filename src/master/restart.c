/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When to start again what has died. A ring keeps the times of as many restarts as are allowed.
 */
#include "master/restart.h"

struct kt_restarts {
    int64_t period_ms;
    int64_t pause_ms; /**< of the last restart; 0: not in a series of pauses */
    uint32_t intensity;
    uint32_t next;   /**< where the oldest time is */
    int64_t times[]; /**< of the last `intensity` restarts, negative: none */
};

struct kt_restarts *kt_restarts_new(TALLOC_CTX *context, uint32_t intensity, int64_t period_ms)
{
    struct kt_restarts *restarts =
        talloc_zero_size(context, sizeof(*restarts) + intensity * sizeof(restarts->times[0]));
    if (restarts == NULL)
        return NULL;
    talloc_set_name_const(restarts, "struct kt_restarts");
    restarts->intensity = intensity;
    restarts->period_ms = period_ms;
    kt_restarts_reset(restarts);
    return restarts;
}

void kt_restarts_reset(struct kt_restarts *restarts)
{
    restarts->pause_ms = 0;
    for (uint32_t i = 0; i < restarts->intensity; i++)
        restarts->times[i] = -1;
}

static bool is_within_intensity(struct kt_restarts *restarts, int64_t now_ms)
{
    if (restarts->intensity == 0)
        return false;
    int64_t *oldest = &restarts->times[restarts->next];
    bool is_allowed = *oldest < 0 || now_ms - *oldest > restarts->period_ms;
    *oldest = now_ms;
    restarts->next = (restarts->next + 1) % restarts->intensity;
    return is_allowed;
}

int64_t kt_restarts_pause(struct kt_restarts *restarts, int64_t now_ms, int64_t lifetime_ms,
                          bool *ret_is_first)
{
    *ret_is_first = false;
    bool is_allowed = is_within_intensity(restarts, now_ms);
    if (restarts->pause_ms > 0 && lifetime_ms >= restarts->period_ms)
        restarts->pause_ms = 0;
    if (restarts->pause_ms == 0) {
        if (is_allowed)
            return 0;
        *ret_is_first = true;
        restarts->pause_ms = KT_RESTART_PAUSE_FIRST_MS;
    } else if (restarts->pause_ms < KT_RESTART_PAUSE_LAST_MS / 2) {
        restarts->pause_ms *= 2;
    } else {
        restarts->pause_ms = KT_RESTART_PAUSE_LAST_MS;
    }
    return restarts->pause_ms;
}
