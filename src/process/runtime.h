/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The runtime of one worker as the rest of the house sees it: the loop, parking a process until a
 * callback of the loop wakes it, and looking at all processes. Plugins see kontor/process.h only.
 * There is one runtime per OS process; it belongs to the thread that started it.
 */
#ifndef KT_RUNTIME_H
#define KT_RUNTIME_H

#include <kontor/process.h>
#include <uv.h>

struct kt_plugin;

/** Sizes of a runtime; 0 means the default. */
struct kt_runtime_options {
    size_t stack_size_bytes; /**< of a running process, without its guard page; default 256 KiB */
    uint32_t process_limit;  /**< how many may live at once; default 2,000,000 */
};

/**
 * Start the runtime. @return 0 or a negative errno
 */
KT_PUBLIC int kt_runtime_start(const struct kt_runtime_options *options, struct kt_error *error);

/** The loop. Only the runtime runs it. */
KT_PUBLIC uv_loop_t *kt_runtime_loop(void);

/** Run until kt_runtime_stop. */
KT_PUBLIC void kt_runtime_run(void);

/** Make kt_runtime_run return soon. Callable from processes and callbacks. */
KT_PUBLIC void kt_runtime_stop(void);

/** End every process, close what the runtime holds, free all. Handles of others must be closed. */
KT_PUBLIC void kt_runtime_close(void);

/* ---------------------------------------------------------------- parking */

/**
 * One wait of one process. A ticket is good for one wait only: to unpark by an old ticket does
 * nothing, so a late callback can do no harm, even when the process has ended.
 */
struct kt_ticket {
    kt_pid pid;
    uint32_t number;
};

/** The ticket of the calling process's next kt_park. Take it, hand it to the callback, park. */
KT_PUBLIC struct kt_ticket kt_park_ticket(void);

/**
 * Park until kt_unpark with the ticket taken before (also if that has already happened), a time-out
 * or, unless the process is in a critical section, its end.
 * @param timeout_ms  negative: none
 * @return the result given to kt_unpark, -ETIMEDOUT, or -ECANCELED: in a critical section, an exit
 *         signal came; the caller ends its call soon and the process ends at kt_critical_leave
 */
KT_PUBLIC int kt_park(int64_t timeout_ms);

/** Wake the process that holds this ticket. @return whether it was waiting. From the loop. */
KT_PUBLIC bool kt_unpark(struct kt_ticket ticket, int result);

/**
 * Between enter and leave (they nest) an exit signal doesn't end the process but makes kt_park
 * return -ECANCELED, once per signal and at once for later parks; leave then ends the process.
 * For calls whose stack must not be dropped half way: library code, work on the thread pool.
 */
KT_PUBLIC void kt_critical_enter(void);
KT_PUBLIC void kt_critical_leave(void);

/* ---------------------------------------------------------------- spawning for the house */

/** What only the house can ask of a new process. */
struct kt_spawn_inside {
    TALLOC_CTX *memory;       /**< becomes the process's memory; NULL: made when first needed */
    struct kt_plugin *plugin; /**< whose it is; NULL: the caller's */
    /** Called from the scheduler, outside of any process, when it has ended, before its memory is
     * freed. Must not park. NULL: none. */
    void (*on_exit)(void *argument, const struct kt_exit *exit);
};

/** As kt_spawn. */
KT_PUBLIC int kt_spawn_inside(const struct kt_spawn *options, const struct kt_spawn_inside *inside,
                              void (*function)(void *argument), void *argument, kt_pid *ret_pid);

/** The plugin of the running process, NULL outside of one or if it is the house's. */
KT_PUBLIC struct kt_plugin *kt_self_plugin(void);

/** From now on the calling process, and what it spawns, belongs to this plugin. */
KT_PUBLIC void kt_self_belong(struct kt_plugin *plugin);

/** The label of the running process, NULL outside of one. Async-signal-safe. */
KT_PUBLIC const char *kt_self_label(void);

/* ---------------------------------------------------------------- looking */

/** One process, for status pages and kontorctl. Strings are borrowed during the visit. */
struct kt_process_info {
    kt_pid pid;
    kt_pid parent; /**< its supervisor or spawner at the start */
    const char *label;
    const char *name; /**< NULL: none */
    const struct kt_plugin *plugin;
    const char *state; /**< "running", "runnable", "waiting", "parked" */
    bool is_server, is_supervisor, has_stack;
    uint32_t messages;   /**< in the mailbox */
    size_t memory_bytes; /**< its talloc context; 0 unless asked for */
};

/** Visit every process, in no order. The visitor must not spawn, send or park. */
KT_PUBLIC void kt_runtime_each(bool with_memory,
                               void (*visit)(const struct kt_process_info *info, void *argument),
                               void *argument);

/** Counters since the start. */
struct kt_runtime_counts {
    uint64_t processes;   /**< alive now */
    uint64_t spawned;     /**< ever */
    uint64_t failed;      /**< ended by KT_EXIT_ERROR or KT_EXIT_KILLED */
    uint64_t messages;    /**< sent */
    uint64_t stacks;      /**< borrowed now */
    uint64_t stacks_held; /**< in the pool or borrowed */
};

KT_PUBLIC void kt_runtime_counts(struct kt_runtime_counts *ret_counts);

/**
 * What kind of address this is, for the crash report: whether it lies in the guard page of a
 * process's stack. Async-signal-safe.
 */
KT_PUBLIC bool kt_is_stack_guard(const void *address);

#endif
