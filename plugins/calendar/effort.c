/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether anybody waits is asked seldom enough to cost nothing, and often enough to end at once. */
#include "effort.h"

#include <kontor/process.h>

/** About a millisecond. */
#define ASK_STEPS 65536u

struct kt_effort kt_effort_of(uint64_t steps)
{
    return (struct kt_effort){.left = steps, .unasked = ASK_STEPS};
}

static bool is_wanted(struct kt_effort *effort, uint64_t steps)
{
    if (steps < effort->unasked) {
        effort->unasked -= steps;
        return true;
    }
    effort->unasked = 0; /* if not, to be asked again at the next steps */
    if (!kt_work_is_wanted())
        return false;
    effort->unasked = ASK_STEPS;
    return true;
}

bool kt_effort_take(struct kt_effort *effort, uint64_t steps)
{
    if (steps > effort->left || !is_wanted(effort, steps)) {
        effort->left = 0;
        return false;
    }
    effort->left -= steps;
    return true;
}
