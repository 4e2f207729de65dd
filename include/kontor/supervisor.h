/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Supervisors: processes that start, watch, restart and stop others, as OTP's supervisor and
 * DynamicSupervisor. Children start in order and stop in reverse; when more than `intensity`
 * restarts fall into `period_ms`, the supervisor stops all children and itself, and its own
 * supervisor decides ("escalation").
 *
 * Where this differs from OTP: a child is a function or a server, not a module; the ids of a
 * static supervisor's children are strings; a dynamic supervisor's children need no id.
 *
 * A supervisor and its children are linked: each hears of the other's end, by whatever cause.
 */
#ifndef KONTOR_SUPERVISOR_H
#define KONTOR_SUPERVISOR_H

#include <kontor/server.h>

enum kt_strategy {
    KT_ONE_FOR_ONE,  /**< restart the child that ended */
    KT_ONE_FOR_ALL,  /**< stop and restart all */
    KT_REST_FOR_ONE, /**< stop and restart it and those started after it */
    KT_DYNAMIC,      /**< one_for_one, children added at run time, any number, stopped at once */
    /** As KT_DYNAMIC, and all children are alike but for their argument, which is all that is kept
     * of one (in 24 to 48 bytes): for hundreds of thousands. Added by kt_supervisor_add_like. */
    KT_SIMPLE_ONE_FOR_ONE,
};

enum kt_restart {
    KT_PERMANENT, /**< always restarted */
    KT_TRANSIENT, /**< restarted unless it ended normally or by shutdown */
    KT_TEMPORARY, /**< never restarted; its specification goes with it */
};

/** shutdown_ms: 5,000 ms for processes and servers, as in OTP; for ever for supervisors. */
#define KT_SHUTDOWN_DEFAULT 0
/** shutdown_ms: wait for ever. */
#define KT_SHUTDOWN_INFINITY (-1)
/** shutdown_ms: do not ask, kill at once (OTP's brutal_kill). */
#define KT_SHUTDOWN_KILL (-2)
/** intensity: no restart is allowed, the first one needed escalates. */
#define KT_INTENSITY_NONE UINT32_MAX
/** intensity at most. */
#define KT_INTENSITY_MAX 1000000u

/** How to start, stop and restart one child. Copied; what it points to is borrowed (static). */
struct kt_child {
    const char *id; /**< unique among its siblings; NULL in dynamic and simple ones; copied */
    enum kt_restart restart;
    int64_t shutdown_ms;                    /**< after KT_EXIT_SHUTDOWN, wait so long, then kill; or
                                                 KT_SHUTDOWN_… */
    const struct kt_server *server;         /**< a server, */
    void (*function)(void *argument);       /**< or a plain process, */
    const struct kt_supervisor *supervisor; /**< or a supervisor: exactly one of the three */
    void *argument;                         /**< given to init or function at every start; borrowed,
                                                 must outlive the child */
    const char *name;                       /**< registered name of a server, or NULL; copied; NULL
                                                 in simple ones */
};

/** A supervisor's specification; zero intensity means 1 in 5,000 ms, as in OTP. */
struct kt_supervisor {
    const char *label;
    enum kt_strategy strategy;
    uint32_t intensity;              /**< restarts … */
    int64_t period_ms;               /**< … within this time are allowed */
    const struct kt_child *children; /**< the first ones; ends with a zeroed one; NULL: none;
                                          KT_SIMPLE_ONE_FOR_ONE: exactly one, which is not started:
                                          what all are like, its argument doesn't count */
};

/**
 * Start a supervisor with its first children, linked with the caller.
 * @param name  registered name, or NULL
 * @return 0, or the error of the child that did not start (those before it are stopped again)
 * Parks.
 */
KT_PUBLIC int kt_supervisor_start(const struct kt_supervisor *supervisor, const char *name,
                                  kt_pid *ret_pid);

/**
 * Add a child and start it; not to one of KT_SIMPLE_ONE_FOR_ONE.
 * @return 0, -EEXIST (the id is taken), -EINVAL, or the start's error (then it is not added),
 *         -ESRCH, -EOWNERDEAD (the supervisor is gone)
 * Parks.
 */
KT_PUBLIC int kt_supervisor_add(kt_pid supervisor, const struct kt_child *child, kt_pid *ret_pid);

/**
 * Add a child that is like all others, and start it; to one of KT_SIMPLE_ONE_FOR_ONE only.
 * @param argument  as in struct kt_child: must stay until the child has ended for good, which is
 *                  when kt_supervisor_stop_child has returned 0, the supervisor has ended, or it
 *                  ended itself in a way after which it isn't restarted; may be NULL
 * @return as kt_supervisor_add
 * Parks.
 */
KT_PUBLIC int kt_supervisor_add_like(kt_pid supervisor, void *argument, kt_pid *ret_pid);

/**
 * Stop a child: static ones keep their specification, so that kt_supervisor_restart can start it
 * again; dynamic and temporary ones lose it.
 * @param child  its pid
 * @return 0, -ENOENT, -ESRCH. Parks.
 */
KT_PUBLIC int kt_supervisor_stop_child(kt_pid supervisor, kt_pid child);

/** Start a stopped child again. @return 0, -ENOENT, -EBUSY (it runs), the start's error. Parks. */
KT_PUBLIC int kt_supervisor_restart(kt_pid supervisor, const char *id, kt_pid *ret_pid);

/** The child of this id. @return 0, -ENOENT, -ESRCH; pid KT_PID_NONE if it is not running. */
KT_PUBLIC int kt_supervisor_child(kt_pid supervisor, const char *id, kt_pid *ret_pid);

/** What a supervisor counts. */
struct kt_supervisor_count {
    uint64_t children; /**< specifications */
    uint64_t running;
    uint64_t restarts; /**< since the supervisor's start */
};

/** @return 0, -ESRCH … as kt_call. Parks. */
KT_PUBLIC int kt_supervisor_count(kt_pid supervisor, struct kt_supervisor_count *ret_count);

/**
 * Stop a supervisor and all below it, in reverse order, and wait for the end.
 * @return 0, -ETIMEDOUT. Parks.
 */
KT_PUBLIC int kt_supervisor_stop(kt_pid supervisor, int64_t timeout_ms);

#endif
