/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The worker's side of a job runner: an OS process is started, watched, asked to end, killed,
 * buried, and its directory removed, whatever becomes of the job's process here. Knows nothing of
 * the registry, and of jobs only what is on the order.
 */
#ifndef KT_JOB_RUNNER_H
#define KT_JOB_RUNNER_H

#include "job/report.h"

#include <kontor/job.h>
#include <kontor/memory_file.h>

struct kt_plugin;

/** What to run. Borrowed for the call. */
struct kt_runner_order {
    const char *label; /**< "realm/id", for the log and for ps */
    const struct kt_plugin *plugin;
    const char *kind, *argument;
    struct kt_job_limits limits; /**< all set */
    struct kt_memory_file *output;
    const struct kt_memory_file *input; /**< or NULL */
};

/** A job runner as it is now; look when it has told. */
struct kt_runner {
    bool has_ended;        /**< what follows is final */
    int status;            /**< of waitpid */
    int64_t cpu_ms;        /**< that it used; when it has ended */
    bool is_finished;      /**< it said so itself: its run function returned 0 */
    bool is_out_of_memory; /**< it saw that at its end */
    char phase[KT_JOB_PHASE_MAX];
    uint64_t done, total;
    char result[KT_JOB_RESULT_MAX];
    char reason[KT_JOB_TEXT_MAX]; /**< what it said of its failure */
};

/**
 * Start a job runner; the calling process gets KT_JOBS_WAKE when there is news.
 * @param ret_runner  owned by the calling process; when that ends, the runner is killed
 * @return 0 or a negative errno, with the words
 */
int kt_runner_start(const struct kt_runner_order *order, struct kt_runner **ret_runner,
                    struct kt_error *error);

/** Take the news: whoever is told once is told again only after this. */
void kt_runner_look(struct kt_runner *runner);

/** Send its OS process a signal, if it still lives. */
void kt_runner_signal(struct kt_runner *runner, int number);

/** Remove directories of runners whose worker is dead. */
void kt_runners_sweep(const char *directory);

/** Kill all, wait for them, remove their directories. When the loop has ended. */
void kt_runners_close(void);

#endif
