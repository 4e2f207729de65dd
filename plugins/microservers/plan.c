/* SPDX-License-Identifier: BSD-2-Clause */
/* Times of the grid. */
#include "plan.h"

int64_t plan_phase_ms(const struct plan *plan, uint32_t row)
{
    if (plan->step_ms <= 0)
        return plan->interval_ms;
    int64_t phase = (int64_t)(row % plan->at_once) * plan->interval_ms / plan->at_once;
    phase += plan->step_ms - phase % plan->step_ms;
    return phase < plan->interval_ms ? phase : plan->interval_ms;
}

int64_t plan_next_ms(const struct plan *plan, uint32_t row, int64_t after_ms)
{
    int64_t first = plan->epoch_ms + plan_phase_ms(plan, row);
    if (after_ms < first)
        return first;
    return first + ((after_ms - first) / plan->interval_ms + 1) * plan->interval_ms;
}
