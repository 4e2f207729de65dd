/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The runtime of one worker as the rest of the house sees it: the loop, parking a process until a
 * callback of the loop wakes it, and looking at all processes. Plugins see kontor/process.h only.
 * There is one runtime per OS process; it belongs to the thread that started it.
 */
#ifndef KT_RUNTIME_H
#define KT_RUNTIME_H

#include <kontor/process.h>
#include <stdatomic.h>
#include <uv.h>

struct kt_plugin;

/** A pid has 22 bits for the place of a process in its worker, and 10 for the worker's number. */
#define KT_NODE_SHIFT 22
#define KT_NODE_MAX 1023u
/** More processes than this can't be in one worker. */
#define KT_PROCESSES_MAX ((1u << KT_NODE_SHIFT) - 1)

/** The number of the worker that a process lives, or lived, in. */
static inline uint32_t kt_pid_node(kt_pid pid)
{
    return (uint32_t)pid >> KT_NODE_SHIFT;
}

/** Threads of the pool whose work is told; libuv has four unless UV_THREADPOOL_SIZE says more. */
#define KT_RUNNING_THREADS_MAX 16u

/**
 * Whose code runs: addresses of plugins, 0: the house's or none. In shared memory it tells whoever
 * outlives this OS process what it died of.
 */
struct kt_running {
    _Atomic uintptr_t process;                         /**< stored at each switch */
    _Atomic uintptr_t threads[KT_RUNNING_THREADS_MAX]; /**< stored around each kt_work */
};

/** Sizes of a runtime; 0 means the default. */
struct kt_runtime_options {
    size_t stack_size_bytes; /**< of a running process, without its guard page; default 256 KiB */
    uint32_t process_limit;  /**< how many may live at once; default 2,000,000 */
    uint32_t node;           /**< which worker this is, for its pids; 0 to KT_NODE_MAX; 0: alone */
    struct kt_running *running; /**< kept up to date; NULL: nobody wants to know */
};

/**
 * Start the runtime. @return 0 or a negative errno
 */
KT_PUBLIC int kt_runtime_start(const struct kt_runtime_options *options, struct kt_error *error);

/** The loop. Only the runtime runs it. */
KT_PUBLIC uv_loop_t *kt_runtime_loop(void);

/** Run until kt_runtime_stop. */
KT_PUBLIC void kt_runtime_run(void);

/**
 * Run what is runnable for a slice of time. For callbacks of the loop that have made many processes
 * runnable, and would make more before these had their turn: what they use is still at hand now.
 */
KT_PUBLIC void kt_runtime_slice(void);

/** Make kt_runtime_run return soon. Callable from processes and callbacks. */
KT_PUBLIC void kt_runtime_stop(void);

/** End every process, close what the runtime holds, free all. Handles of others must be closed. */
KT_PUBLIC void kt_runtime_close(void);

/* ---------------------------------------------------------------- parking */

/** What a process waits for, in a word, for those who look. */
enum kt_reason {
    KT_REASON_WAKE_UP, /**< something that has no name of its own */
    KT_REASON_TURN,    /**< its turn to run */
    KT_REASON_MESSAGE,
    KT_REASON_ANSWER, /**< of a process, or the end of one */
    KT_REASON_TIME,
    KT_REASON_WORK, /**< on the thread pool */
    KT_REASON_FETCH,
    KT_REASON_STORE,
    KT_REASON_REGISTRY,
    KT_REASON_JOB,
    KT_REASON_DESCRIPTOR,
    KT_REASON_CLIENT, /**< the body of a request, or room for its answer */
    KT_REASONS,
};

/** "fetch", "store" … */
KT_PUBLIC const char *kt_reason_name(enum kt_reason reason);

/** Say what the calling process's next wait is for. Without it the kind of the wait tells. */
KT_PUBLIC void kt_wait_reason(enum kt_reason reason);

/** Where the time of one process goes. Whoever spawns it says where this is. */
struct kt_watch {
    uint64_t since_ns;              /**< when it began to wait; at first, when it came into being */
    uint64_t waited_ns[KT_REASONS]; /**< KT_REASON_TURN: before it first ran, and in kt_yield */
};

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

/* ---------------------------------------------------------------- calls answered from the loop */

/**
 * Begin a call whose answer does not come from a process of this worker. Between this and
 * kt_call_wait the caller must not wait for anything else.
 * @return whom to answer: kt_reply from the loop, or kt_call_fail
 */
KT_PUBLIC struct kt_from kt_call_begin(void);

/** Wait for the answer, as kt_call does. @return 0, -ETIMEDOUT, what kt_call_fail said. Parks. */
KT_PUBLIC int kt_call_wait(const struct kt_from *from, int64_t timeout_ms,
                           const struct kt_message **ret_reply);

/** End a call without a reply. @param result  a negative errno. From the loop. */
KT_PUBLIC void kt_call_fail(const struct kt_from *from, int result);

/** End all such calls of this worker without a reply. From the loop. */
KT_PUBLIC void kt_call_fail_all(int result);

/** The memory of the process that waits for this answer, NULL when nobody does. From the loop. */
KT_PUBLIC TALLOC_CTX *kt_call_memory(const struct kt_from *from);

/** Send one of the runtime's own messages. @return as kt_send. From the loop. */
KT_PUBLIC int kt_send_system(kt_pid to, uint32_t type, const void *data, size_t size);

/* ---------------------------------------------------------------- spawning for the house */

/** What only the house can ask of a new process. */
struct kt_spawn_inside {
    TALLOC_CTX *memory;       /**< becomes the process's memory; NULL: made when first needed */
    struct kt_plugin *plugin; /**< whose it is; NULL: the caller's */
    struct kt_watch *watch;   /**< kept up to date until the end; NULL: nobody wants to know */
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

/** Who runs on the calling thread. */
struct kt_culprit {
    const char *label; /**< of the process; NULL: outside of any */
    /** Its plugin, NULL: the house. Outside of any process: that of the process that has just ended
     * and whose memory is being freed. */
    const struct kt_plugin *plugin;
    bool is_in_pool; /**< a thread of the pool, which works for the process */
};

/** See who runs, for the crash report. Async-signal-safe, from any thread. */
KT_PUBLIC void kt_culprit(struct kt_culprit *ret_culprit);

/* ---------------------------------------------------------------- looking */

/** One process, for status pages and kontorctl. Strings are borrowed during the visit. */
struct kt_process_info {
    kt_pid pid;
    kt_pid parent; /**< its supervisor or spawner at the start */
    const char *label;
    const char *name; /**< NULL: none */
    const struct kt_plugin *plugin;
    const char *state;     /**< "running", "runnable", "waiting", "parked" */
    const char *waits_for; /**< the name of a reason, "" when it does not wait */
    bool is_server, is_supervisor, has_stack;
    uint32_t messages;   /**< in the mailbox */
    size_t memory_bytes; /**< its talloc context; 0 unless asked for */
    int64_t age_ms;      /**< in whole seconds */
    uint64_t turns;      /**< how often it ran; from 4 milliards on it begins again */
    uint64_t run_us;     /**< estimated: one of KT_RUN_SAMPLE turns is timed */
    uint32_t restarts;   /**< how often a supervisor has started it again */
};

/**
 * Of so many turns of processes one is timed: reading the clock costs as much as a switch. A prime,
 * so that of processes that run by turns it is not always the same one.
 */
#define KT_RUN_SAMPLE 31u

/** One process. @return false when there is none with this pid */
KT_PUBLIC bool kt_runtime_look(kt_pid pid, struct kt_process_info *ret_info);

/**
 * Visit the processes in some places of the table. The visitor must not spawn, send or park.
 * @param ret_at  the first place, 0 to begin with; becomes the next one
 * @return whether there are more
 */
KT_PUBLIC bool kt_runtime_each_part(uint32_t *ret_at, uint32_t places, bool with_memory,
                                    void (*visit)(const struct kt_process_info *info,
                                                  void *argument),
                                    void *argument);

/** Visit every process, in no order. The visitor must not spawn, send or park. */
KT_PUBLIC void kt_runtime_each(bool with_memory,
                               void (*visit)(const struct kt_process_info *info, void *argument),
                               void *argument);

/** Counters since the start. */
struct kt_runtime_counts {
    uint64_t processes;   /**< alive now */
    uint64_t runnable;    /**< of these, those that want their turn */
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
