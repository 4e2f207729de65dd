/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Jobs: long computations in an OS process of their own, with limits, progress, and a result in
 * memory that anybody who asks finds again. Whatever happens in a job, only that job fails, with a
 * reason that a person can read.
 *
 * A job is known by its realm and its id. Of two who start the same job at the same moment one
 * starts it and the other joins it, in whichever workers they are. Its state is an entry of the
 * registry, "job/<realm>/<id>", which a process owns that lives as long as the job does: it waits
 * for its turn, runs the job, publishes the result, sleeps for the retention, and ends. A finished
 * result outlives its worker, and a restart of kontor.
 *
 *   queued → running → ready → expired
 *       ↘         ↘ failed, cancelled          (these are remembered for a while as well)
 *
 * A plugin declares the kinds of jobs that it has in its descriptor. The job runner (kontor-job)
 * is executed afresh for each job, loads that plugin alone, and calls the kind's run function. It
 * may have threads, but no children, and no sockets unless it says that it needs them.
 */
#ifndef KONTOR_JOB_H
#define KONTOR_JOB_H

#include <kontor/memory_file.h>
#include <kontor/option.h>
#include <kontor/process.h>

/* ---------------------------------------------------------------- from a worker */

/** The longest realm, and the longest id: letters, digits, "-", "_", ".". */
#define KT_JOB_NAME_MAX 63u
/** The longest title, reason and name of a person, with a NUL; longer ones are cut. */
#define KT_JOB_TEXT_MAX 128u
/** What stands for the whole name of a person, with a NUL. */
#define KT_JOB_OWNER_SIZE 33u
/** The longest phase, with a NUL; longer ones are cut. */
#define KT_JOB_PHASE_MAX 24u
/** The longest result text, with a NUL. */
#define KT_JOB_RESULT_MAX 384u
/** The largest argument. */
#define KT_JOB_ARGUMENT_MAX (1u << 20)

enum kt_job_state {
    KT_JOB_QUEUED,
    KT_JOB_RUNNING,
    KT_JOB_READY,
    KT_JOB_FAILED,
    KT_JOB_CANCELLED,
    KT_JOB_EXPIRED, /**< its result is gone; remembered for a while, so that it can be told */
};

/** The word for a state: "queued" … */
KT_PUBLIC const char *kt_job_state_name(enum kt_job_state state);

/** What is known of a job at one moment. */
struct kt_job {
    enum kt_job_state state;
    char realm[KT_JOB_NAME_MAX + 1], id[KT_JOB_NAME_MAX + 1];
    char plugin[32], kind[32];
    char title[KT_JOB_TEXT_MAX];
    char who[KT_JOB_TEXT_MAX];      /**< who asked first, "" if nobody said; cut, to be shown */
    char owner[KT_JOB_OWNER_SIZE];  /**< stands for all of who, however long; see kt_job_is_of */
    char phase[KT_JOB_PHASE_MAX];   /**< of a running one, as it says itself: "rows", "packing" … */
    uint64_t done, total;           /**< of the phase, in its own units; total 0: not known */
    uint32_t position;              /**< of a queued one: 1 is next */
    int64_t queued_ms, started_ms, ended_ms; /**< ms since 1970; 0: not yet */
    int64_t expires_ms;             /**< of a ready one: when the result goes, ms since 1970 */
    uint64_t result_bytes;          /**< of the memory file of a ready one */
    char result[KT_JOB_RESULT_MAX]; /**< what the job says of its result: JSON, or "" */
    char reason[KT_JOB_TEXT_MAX];   /**< why it failed, or who cancelled it */
};

/** What one job may use; 0 means the default that [kontor] sets. */
struct kt_job_limits {
    uint64_t memory_bytes;   /**< address space */
    uint64_t output_bytes;   /**< size of the result, and of each temporary file */
    int64_t cpu_ms, time_ms; /**< CPU time, wall time */
    bool needs_network;      /**< else it can't open an Internet socket; Unix sockets it can't open
                                  unless needs_local_sockets */
    bool needs_local_sockets;
};

/** A job to start. Everything is borrowed for the call. */
struct kt_job_start {
    const char *realm, *id, *kind; /**< the kind is one of the calling plugin's */
    const char *title, *who;
    const char *argument;          /**< what the job is to do: text, JSON as a rule; NULL: "" */
    const struct kt_memory_file *input; /**< sealed; what it is to work on, which it has no way to
                                             fetch: kt_job_input; NULL: nothing */
    int64_t retention_ms;          /**< how long its result is kept */
    struct kt_job_limits limits;
};

/**
 * Start a job, or join it: one that is queued, running or ready is the same job. One that failed,
 * was cancelled or expired is started anew.
 * @param ret_job  what is known of it now
 * @return 0 (started), -EEXIST (joined), -EBUSY (the queue is full, of all or of this realm:
 *         job_queue, job_queue_realm), -ENOSPC (the registry is full), -EINVAL (a name, the kind),
 *         -E2BIG (the argument), -EMFILE, -ENOTCONN (this worker has lost the registry, or the
 *         plugin is ended just now), -ETIMEDOUT, -ENOMEM
 * Parks.
 */
KT_PUBLIC int kt_job_start(const struct kt_job_start *start, struct kt_job *ret_job);

/**
 * Look at a job. One that was running when its worker died is told as failed within milliseconds;
 * in between it is -ENOENT.
 * @return 0, -ENOENT, -EINVAL, -ENOTCONN. Does not park.
 */
KT_PUBLIC int kt_job_look(const char *realm, const char *id, struct kt_job *ret_job);

/**
 * Whether this person asked for it first. All of the name counts, also where `who` is cut.
 * @param who  NULL or "": whether nobody said who asked
 */
KT_PUBLIC bool kt_job_is_of(const struct kt_job *job, const char *who);

/**
 * Wait until a job is more than queued or running; when its worker dies meanwhile, it has failed.
 * @return as kt_job_look, and -ETIMEDOUT: ret_job says how far it is
 * Parks.
 */
KT_PUBLIC int kt_job_wait(const char *realm, const char *id, int64_t timeout_ms,
                          struct kt_job *ret_job);

/**
 * Wait until something about a job changes, beyond what is known in known; at most about four times
 * a second for progress.
 * @return as kt_job_look, and -ETIMEDOUT
 * Parks.
 */
KT_PUBLIC int kt_job_follow(const struct kt_job *known, int64_t timeout_ms, struct kt_job *ret_job);

/**
 * Cancel a job that is queued or running. One that runs is asked to end, with SIGTERM, and killed
 * three seconds later; it is cancelled when it has ended.
 * @param who  becomes its reason; may be NULL
 * @return 0, -ENOENT, -EALREADY (it has ended). Parks.
 */
KT_PUBLIC int kt_job_cancel(const char *realm, const char *id, const char *who);

/** Keep the result of a ready one for so long from now. @return 0, -ENOENT, -EALREADY. Parks. */
KT_PUBLIC int kt_job_extend(const char *realm, const char *id, int64_t retention_ms);

/** Forget a job that has ended, with its result. @return 0, -ENOENT, -EBUSY (it runs). Parks. */
KT_PUBLIC int kt_job_delete(const char *realm, const char *id);

/**
 * The result of a ready one; see kt_registry_file. While it is open, its room is not taken for
 * other results: free it when it has been read. @return 0, -ENOENT … Parks.
 */
KT_PUBLIC int kt_job_file(const char *realm, const char *id, struct kt_memory_file **ret_file);

/** Some jobs, in the order of realm and id. */
struct kt_job_page {
    uint32_t count;
    bool has_more;
    struct kt_job *jobs[];
};

/**
 * List jobs.
 * @param realm     NULL: of all realms
 * @param after     list on behind this one; NULL: from the first
 * @param ret_page  owned by the calling process
 * @return 0, -EINVAL, -ENOTCONN, -ETIMEDOUT, -ENOMEM. Parks.
 */
KT_PUBLIC int kt_job_list(const char *realm, const struct kt_job *after,
                          struct kt_job_page **ret_page);

/* ---------------------------------------------------------------- inside of a job */

/** The running job, in kontor-job. There is no runtime there: nothing parks, nothing is shared. */
struct kt_job_run;

/** A kind of job; a plugin's descriptor points to an array of them that ends with a NULL name. */
struct kt_job_kind {
    const char *name;
    /**
     * Do it, in an OS process of its own: blocking calls are fine. Write the result to
     * kt_job_output. SIGTERM asks to end: kt_job_is_cancelled says so, and a system call that waits
     * returns EINTR; who does not end within seconds is killed.
     * @return 0, or a negative errno with the words: the job has failed
     */
    int (*run)(struct kt_job_run *run, struct kt_error *error);
};

/** The argument the job was started with, with a NUL. */
KT_PUBLIC const char *kt_job_argument(const struct kt_job_run *run);
/** The memory file that it was started with, sealed, or -1: read it with pread(2). */
KT_PUBLIC int kt_job_input(const struct kt_job_run *run);
/** Options of the plugin's section of the configuration, as in a worker. */
KT_PUBLIC const struct kt_plugin *kt_job_plugin(const struct kt_job_run *run);
/** The memory file to write the result to: an empty one, which is sealed when run has returned. */
KT_PUBLIC int kt_job_output(const struct kt_job_run *run);
/** A directory in RAM of the job's own for temporary files; it goes with the job. */
KT_PUBLIC const char *kt_job_directory(const struct kt_job_run *run);
/** How far it is. Cheap: call it as often as you like, a few a second are passed on. */
KT_PUBLIC void kt_job_progress(struct kt_job_run *run, const char *phase, uint64_t done,
                               uint64_t total);
/** Say something of the result, as JSON, for struct kt_job. @return 0, -E2BIG, -EINVAL */
KT_PUBLIC int kt_job_result(struct kt_job_run *run, const char *json);
/** Whether somebody has cancelled it, or its time is over. */
KT_PUBLIC bool kt_job_is_cancelled(const struct kt_job_run *run);

#endif
