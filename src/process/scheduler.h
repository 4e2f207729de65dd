/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the rooms of src/process share: the process, its mailbox, its timer, and the runtime's
 * state. Nobody outside of src/process includes this; the house sees runtime.h, plugins see
 * kontor/process.h.
 *
 * Life of a process:  free → runnable ⇄ running → ending → free
 *                               ↑          ↓
 *                               └─ waiting ┘
 * A runnable process is in the run queue exactly once. A running one is runtime.current. What a
 * waiting one waits for is in `wait`. Only the functions of scheduler.c change `state`.
 */
#ifndef KT_SCHEDULER_H
#define KT_SCHEDULER_H

#include "base/map.h"
#include "process/runtime.h"
#include "process/stack.h"
#include "process/timer.h"

#include <kontor/server.h>

enum kt_state {
    KT_STATE_FREE,
    KT_STATE_RUNNABLE,
    KT_STATE_RUNNING,
    KT_STATE_WAITING,
    KT_STATE_ENDING,
};

/** What a waiting process waits for, or has waited for last. */
enum kt_wait {
    KT_WAIT_NOTHING,
    KT_WAIT_MESSAGE, /**< kt_receive, or a server between turns (then it has no stack) */
    KT_WAIT_REPLY,   /**< kt_call, kt_server_start, kt_join: see kt_await */
    KT_WAIT_TICKET,  /**< kt_park */
    KT_WAIT_TIME,    /**< kt_sleep, kt_sleep_until */
    KT_WAIT_WORK,    /**< kt_work: no exit signal wakes it */
};

/** One message in a mailbox; the payload follows, or is a talloc chunk of its own. */
struct kt_envelope {
    struct kt_envelope *next;
    uint32_t size_class;
    bool is_chunk;    /**< message.data is a talloc chunk that goes to the receiver */
    bool is_received; /**< handed out by kt_receive, to be freed by the next one */
    struct kt_message message;
    max_align_t payload[];
};

/** One side of a link or monitor, in the list of its process. */
struct kt_half {
    struct kt_half *next, **previous;
    struct kt_process *process;
    uint32_t side;
};

/** A link (reference 0: both sides alike) or a monitor (side 0 watches side 1). */
struct kt_relation {
    uint64_t reference;
    struct kt_half half[2];
};

/** Who waits for an answer of another, or for its end: on the stack of the caller that waits. */
struct kt_await {
    struct kt_await *next, **previous; /**< among the awaiters of another */
    struct kt_process *caller;
    uint64_t reference; /**< of the answer */
};

struct kt_name;

/**
 * A process. At most 200 bytes, so that with its place in a timer heap it stays within 216. What
 * each switch or message needs comes first; what it needs only while it waits is on its stack.
 */
struct kt_process {
    kt_pid pid;
    struct kt_process *next; /**< in the run queue or the free list */
    uint8_t state;           /**< enum kt_state */
    uint8_t wait;            /**< enum kt_wait */
    uint8_t reason;          /**< what kt_wait_reason said of the present wait, or of the next */
    uint8_t exit_kind;       /**< enum kt_exit_kind of the pending exit */
    uint16_t critical;       /**< depth of kt_critical_enter */
    bool traps_exits : 1;
    bool is_exit_pending : 1;
    bool is_server : 1;
    bool is_supervisor : 1;
    bool is_starting : 1;        /**< a server whose init has not returned */
    bool is_terminating : 1;     /**< inside terminate */
    bool is_timeout_due : 1;     /**< the server's time-out has come, its handler has not run */
    bool is_unparked : 1;        /**< kt_unpark came before kt_park */
    bool owns_label : 1;         /**< the label is malloc'ed */
    bool is_deadline_of_day : 1; /**< server_deadline is one of KT_CLOCK_DAY */
    bool is_supervised : 1;      /**< as if linked with its parent, a supervisor that knows its
                                      children: the pair needs no struct kt_relation */
    uint32_t ticket;             /**< number of the next or present kt_park */
    int32_t result;              /**< of the wait that just ended */
    struct kt_timer timer;       /**< of the present wait */
    struct kt_stack *stack;      /**< borrowed, or NULL */
    struct kt_envelope *last;    /**< the mailbox, a ring: last->next came first */
    uint32_t mailbox_count;      /**< messages not yet received */
    uint32_t mailbox_limit;
    union {
        void (*function)(void *argument);
        const struct kt_server *server; /**< if is_server */
    };
    void *argument; /**< of function; of a server: its state once init has returned */
    struct kt_plugin *plugin;
    struct kt_watch *watch; /**< NULL: nobody wants to know */
    uint32_t turns;
    uint32_t started_s; /**< of the monotonic clock */
    uint64_t run_us : 48, restarts : 16;
    struct kt_envelope *reply;  /**< the last answer to a kt_call */
    union {                     /* what it waits for, on its stack; else NULL */
        struct kt_await *await; /**< in KT_WAIT_REPLY */
        struct kt_work *work;   /**< in KT_WAIT_WORK */
    };
    struct kt_await *awaiters; /**< who waits for this one's answer or end */
    struct kt_half *relations;
    TALLOC_CTX *memory;      /**< made when first needed */
    int64_t server_deadline; /**< -1: none */
    const char *label;
    struct kt_name *name;
    kt_pid parent;
    char *exit_text; /**< of the pending exit; malloc'ed, NULL for none */
    void (*on_exit)(void *argument, const struct kt_exit *exit);
};

/** The runtime of this OS process. */
struct kt_runtime {
    struct kt_process *current;
    struct kt_running *running; /**< never NULL */
    struct kt_process *queue_first, *queue_last;
    struct kt_await *elsewhere; /**< who waits for an answer that the loop will give */
    uint64_t next_reference;
    struct kt_map monitors; /**< reference → struct kt_relation */
    struct kt_runtime_counts counts;
    TALLOC_CTX *memory; /**< for what is allocated outside of processes */
    uv_loop_t loop;
    bool is_started, is_stopping, is_closing;
};

extern struct kt_runtime kt_runtime_state __attribute__((visibility("hidden")));
#define runtime kt_runtime_state

/* scheduler.c */
/** Make a waiting process runnable; its wait, for whatever it was, returns this result. */
void kt_wake(struct kt_process *process, int result);
/** Leave the running process until kt_wake; negative time-out: none. @return the result. */
int kt_wait(enum kt_wait wait, enum kt_clock clock, int64_t deadline_ms);
/** Tell who may want to know that this plugin's code runs from now on; NULL: the house's. */
void kt_running(const struct kt_plugin *plugin);
/** Put a new process into the run queue. */
void kt_process_start(struct kt_process *process);
/** End the running process now, with the pending exit set before. */
_Noreturn void kt_leave_for_ever(void);
/** Deadline of the monotonic clock for a time-out from now; -1 for negative ones. */
int64_t kt_deadline(int64_t timeout_ms);
/** Whether a process runs, and on this thread. */
bool kt_is_inside(void);
bool kt_is_runtime_thread(void);

/** What a process waits for, or, when it is runnable, has waited for. */
enum kt_reason kt_reason_of(const struct kt_process *process);

/* table.c */
struct kt_process *kt_process_find(kt_pid pid);
struct kt_process *kt_process_new(void);
void kt_process_free(struct kt_process *process);
int kt_table_start(uint32_t limit, uint32_t node, uint32_t first_generation);
void kt_table_close(void);
/** The n-th slot that was ever used, in any state, or NULL at the end. */
struct kt_process *kt_table_slot(uint32_t index);

/* process.c */
/** Set the pending exit of a process; the first one stays. */
void kt_exit_set(struct kt_process *process, enum kt_exit_kind kind, const char *text);
/** Give a process a label of its own, cut at 63 bytes. */
void kt_label_set(struct kt_process *process, const char *text);
/** The end of a process, outside of any: everything it held goes, everybody who cares knows. */
void kt_process_end(struct kt_process *process);

/* message.c */
struct kt_envelope *kt_envelope_new(uint32_t type, size_t size);
void kt_envelope_free(struct kt_envelope *envelope);
/** Put an envelope in a mailbox, whatever its bound, and wake the process if it waits. */
void kt_deliver(struct kt_process *to, struct kt_envelope *envelope);
/** Take the first envelope out of a mailbox: the one that was received, if it is still there. */
struct kt_envelope *kt_take(struct kt_process *process);
/** Wait among the awaiters of another, or with NULL for the loop, until kt_answer or the callee's
 * end (-EOWNERDEAD). */
int kt_await(struct kt_process *callee, uint64_t reference, int64_t timeout_ms);
/** End the wait of a caller that (still) waits for this reference. */
void kt_answer(const struct kt_from *to, int result);
/** A caller no longer waits: nobody finds its kt_await any more. */
void kt_await_cancel(struct kt_process *caller);
/** Deliver, or forget, the message that a delayed message's timer belongs to. */
void kt_delayed_send(struct kt_timer *timer);
void kt_delayed_drop(struct kt_timer *timer);
void kt_message_close(void);

/* link.c */
int kt_relation_add(struct kt_process *watcher, struct kt_process *watched, uint64_t reference);
/** Tell all that are linked with or monitor an ending process, and forget its relations. */
void kt_relations_end(struct kt_process *process, const struct kt_exit *exit);
void kt_signal_from(struct kt_process *to, kt_pid from, enum kt_exit_kind kind, const char *text,
                    bool is_link);
void kt_link_close(void);

/* server.c */
/** The two halves of kt_server_start: between them the server exists, but does not run. */
int kt_server_spawn(const struct kt_server *server, const struct kt_server_start *options,
                    void *argument, struct kt_process **ret_process);
int kt_server_await_init(struct kt_process *process);
/** Handle what is in a server's mailbox; runs on a stack of its own. @return false: it ended. */
void kt_server_turn(struct kt_process *process);
/** Call terminate if the running process is a server that has one. */
void kt_server_terminate(struct kt_process *process);

/* name.c */
/** @return as kt_register */
int kt_name_give(struct kt_process *process, const char *text);
void kt_name_release(struct kt_process *process);
const char *kt_name_text(const struct kt_name *name);
void kt_name_close(void);

#endif
