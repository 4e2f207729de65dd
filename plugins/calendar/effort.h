/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much work a calendar may make. Anybody may send one, so what following it costs is counted,
 * in steps that take about as long as each other whatever they are for, and ends when they are used
 * up, or when nobody waits for the answer any more.
 */
#ifndef CALENDAR_EFFORT_H
#define CALENDAR_EFFORT_H

#include <stdbool.h>
#include <stdint.h>

/** A step is a day or an instance that is looked at: some 10 ns. What takes longer is more steps:
 */
enum {
    KT_EFFORT_PERIOD = 8,      /**< the period of a rule, but for its days */
    KT_EFFORT_CONVERSION = 16, /**< a local time to its instant, or back */
    KT_EFFORT_RULE = 32,       /**< to begin with a rule */
};

/** What may still be done. */
struct kt_effort {
    uint64_t left;    /**< steps; 0: no more */
    uint64_t unasked; /**< steps until it is asked whether anybody waits */
};

/** @return an effort of so many steps */
struct kt_effort kt_effort_of(uint64_t steps);

/**
 * Take steps, before or after they are made.
 * @return false: there are not so many left (then none are), or nobody waits for the result
 */
bool kt_effort_take(struct kt_effort *effort, uint64_t steps);

#endif
