/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the rooms of the plugin share in a worker: its options, and the instruments that the servers
 * of rows use (they all live in the worker of the monitor). Made at the start, lives as long as the
 * worker.
 */
#ifndef MICROSERVERS_H
#define MICROSERVERS_H

#include "gate.h"
#include "meter.h"
#include "plan.h"

#include <kontor/observe.h>
#include <kontor/plugin.h>

/** The most servers at the same time. */
#define MICROSERVERS_AT_ONCE_MAX 100000u

struct microservers {
    const char *users; /**< who may look, separated by blanks; "": whoever comes from loopback */
    const char *operators; /**< who may start and stop; "": as users */
    uint32_t rows, value;  /**< the table, and what each row begins with */
    uint32_t at_once;      /**< servers at the same time */
    int64_t interval_ms;   /**< between two ticks of a server */
    int64_t step_ms;       /**< steps in which ticks are spread over the interval */
    int64_t pause_ms;      /**< between two passes */
    bool is_spread;        /**< unless the start says otherwise */

    struct plan plan; /**< of the pass that runs; the monitor's */
    kt_pid monitor;   /**< who is told of rows that are done */
    struct gate gate;
    struct meter second, pass; /**< updates of this second and of this pass */
    uint64_t failed;           /**< updates that the store did not make, or did not answer */

    /** What /metrics tells, a second late at most; the monitor's. */
    struct {
        struct kt_metric *updates, *failed, *servers, *passes;
    } metrics;
};

#endif
