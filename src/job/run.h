/* SPDX-License-Identifier: BSD-2-Clause */
/* The running job inside of kontor-job: what the functions of kontor/job.h look at. */
#ifndef KT_JOB_RUN_H
#define KT_JOB_RUN_H

#include "job/order.h"

#include <signal.h>

struct kt_job_run {
    const struct kt_job_order *order;
    const struct kt_plugin *plugin;
    int64_t reported_ms; /**< monotonic, the last progress that was sent; 0: none */
    char phase[KT_JOB_PHASE_MAX];
};

/** Set by SIGTERM. */
extern KT_PUBLIC volatile sig_atomic_t kt_job_run_cancelled;

/** Report; waits while the worker does not read. */
KT_PUBLIC void kt_job_report(enum kt_report_kind kind, const char *text);

#endif
