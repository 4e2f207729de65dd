/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The room of the jobs as the worker sees it, and what its files share. Each worker has a
 * dispatcher, a server that follows all jobs of the house; of all dispatchers one leads and gives
 * the turns. A job itself is a server, life.c, in the worker where it was started.
 */
#ifndef KT_JOBS_H
#define KT_JOBS_H

#include "base/configuration.h"
#include "job/state.h"

#include <sys/types.h>

struct kt_plugin;

/** How jobs are run. Texts are borrowed for as long as the worker lives. */
struct kt_jobs_options {
    const char *runner;      /**< the program kontor-job */
    const char *directory;   /**< in RAM; the directories of jobs are made in it */
    const char *plugin_dirs; /**< as for kt_plugin_load */
    uid_t plugin_owner;
    const struct kt_config *config;
    uint32_t jobs_max, realm_max;        /**< at once */
    uint32_t queue_max, queue_realm_max; /**< waiting */
    struct kt_job_limits limits;         /**< where a start does not say */
    int64_t remember_ms;                 /**< how long the end of a job is told */
    uint64_t files_bytes;                /**< what all results may take together */
};

/** Set up, and remove what dead workers left behind. @return 0 or a negative errno */
int kt_jobs_open(const struct kt_jobs_options *options);

/** Start the dispatcher under a supervisor that is linked with the caller. Parks. */
int kt_jobs_start(kt_pid *ret_supervisor);

/**
 * End the jobs of this worker that are queued or running.
 * @param patience_ms  let them go on for so long
 * @param reason       why those are ended that have not ended by then
 * Parks.
 */
void kt_jobs_end(int64_t patience_ms, const char *reason);

/** Kill what still runs, and remove its directories. When the loop has ended. */
void kt_jobs_close(void);

/** Visit all jobs that are known in this worker, in no order; must not park. */
void kt_jobs_each(void (*visit)(const struct kt_job *job, void *argument), void *argument);

/* ---------------------------------------------------------------- within the room */

/** The name under which the leading dispatcher is registered; in no job's realm. */
#define KT_JOBS_LEADER "jobs/dispatcher"
/** How long answers of dispatchers and jobs are waited for. */
#define KT_JOBS_PATIENCE_MS 10000

extern struct kt_jobs_options kt_jobs_options __attribute__((visibility("hidden")));

/** What dispatchers and jobs are told and asked. */
enum kt_jobs_message {
    KT_JOBS_ADMIT = 1, /**< to the leader, the key with a NUL: is there room? Answer: an int */
    KT_JOBS_FOLLOW,    /**< to the dispatcher of the worker: struct kt_jobs_follow; answered when
                            the entry is another than that */
    KT_JOBS_RUN,       /**< to a job: it is your turn */
    KT_JOBS_POSITION,  /**< to a job: a uint32_t */
    KT_JOBS_CANCEL,    /**< to a job: who, with a NUL. Answer: an int, as to the next three */
    KT_JOBS_EXTEND,    /**< to a job: an int64_t, retention in ms */
    KT_JOBS_DELETE,    /**< to a job */
    KT_JOBS_EXPIRE,    /**< to a job: its room is needed */
    KT_JOBS_END,       /**< to a job of the same worker: why, with a NUL */
    KT_JOBS_WAKE,      /**< to a job: look at your runner */
};

/** Data of KT_JOBS_FOLLOW. */
struct kt_jobs_follow {
    uint64_t version;    /**< of the entry that is known; 0: there is none */
    int64_t deadline_ms; /**< nobody waits longer */
    char key[];          /**< with a NUL */
};

/** Let the result of a ready job go before its time. @return as kt_job_delete. Parks. */
int kt_job_expire(const char *realm, const char *id);

/** The dispatcher of this worker, KT_PID_NONE while there is none. */
kt_pid kt_jobs_dispatcher(void);

/**
 * Tell for a while how a job ended that has no entry any more. Does nothing when there is one.
 * @param job  its end
 */
void kt_jobs_bury(const struct kt_job *job);

/** Begin a job of a plugin: register it, and do all the rest. @return as kt_job_start. Parks. */
int kt_life_start(const char *key, const struct kt_job_start *start, const struct kt_plugin *plugin,
                  const struct kt_job_kind *kind);

#endif
