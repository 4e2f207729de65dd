/* SPDX-License-Identifier: BSD-2-Clause */
/* One job as its own server sees it; inside of life.c, and nowhere else. */
#ifndef KT_JOB_LIFE_H
#define KT_JOB_LIFE_H

#include "job/jobs.h"
#include "job/outcome.h"
#include "job/runner.h"
#include "plugin/plugin.h"

/**
 * Invariants: it is in the list of the active (place is not NULL) exactly while it is queued or
 * running; it has a runner exactly while it is running.
 */
struct kt_life {
    struct kt_life *next, **place;
    kt_pid pid;
    struct kt_job job;
    char key[KT_REGISTRY_KEY_MAX + 1];
    const struct kt_plugin *plugin;
    char *argument;               /**< till it is handed to the runner, as is input */
    struct kt_memory_file *input; /**< a descriptor of its own, or NULL */
    int64_t retention_ms;
    struct kt_job_limits limits;
    struct kt_memory_file *output;
    struct kt_runner *runner;
    enum kt_job_outcome_cause cause; /**< why it was asked to end */
    char words[KT_JOB_TEXT_MAX];     /**< of that cause: who, or why */
    int64_t limit_ms, kill_ms;       /**< monotonic, when its time is over, and its patience */
    bool is_dirty;                   /**< there is progress that is not in the entry */
    int64_t write_ms;                /**< and it is not to be written before this */
};

#endif
