/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lightweight processes: cheap, isolated by convention (no shared state), each with a mailbox, as
 * on the Erlang VM. A process runs until it waits; every call that waits is a plain function that
 * returns its result, and only the calling process stops meanwhile ("parks").
 *
 * Semantics are those of Erlang/OTP's `erlang` module unless said otherwise here:
 *  - scheduling is cooperative: a process that computes for long calls kt_yield or kt_work;
 *  - receive is selective-free: messages come in the order of their arrival;
 *  - a mailbox is bounded: a send to a full one fails with -ENOBUFS and the sender knows;
 *  - a process that is inside an uninterruptible call (kt_work, a FastCGI stream) ends when that
 *    call returns, not in the middle of it.
 *
 * Unless a line says "callable from anywhere", call these functions from a process only.
 */
#ifndef KONTOR_PROCESS_H
#define KONTOR_PROCESS_H

#include <kontor/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

/** The identity of a process; never used again after its end (within 2^32 re-uses of its slot). */
typedef uint64_t kt_pid;
#define KT_PID_NONE ((kt_pid)0)

/** How many messages a mailbox holds unless the spawn options say otherwise. */
#define KT_MAILBOX_LIMIT_DEFAULT 10000u
/** The largest payload of one message, in bytes. Larger things travel as kt_send_memory. */
#define KT_MESSAGE_SIZE_MAX (1u << 20)
/** The longest text of an exit reason, with its NUL; longer ones are cut. */
#define KT_EXIT_TEXT_MAX 192

/* ---------------------------------------------------------------- exit reasons */

/** Why a process ended. The first two are orderly; the others count as failures. */
enum kt_exit_kind {
    KT_EXIT_NORMAL,   /**< its function returned, or it said so */
    KT_EXIT_SHUTDOWN, /**< asked to end by its supervisor, or ended on purpose with it */
    KT_EXIT_KILL,     /**< only as a signal: end at once, cannot be trapped */
    KT_EXIT_KILLED,   /**< it was ended by KT_EXIT_KILL */
    KT_EXIT_NOPROC,   /**< there was no such process (links and monitors to the dead) */
    KT_EXIT_ERROR,    /**< it failed; the text says why */
};

/** An exit reason; `text` is never NULL and borrowed: valid as long as what it came in. */
struct kt_exit {
    enum kt_exit_kind kind;
    const char *text;
};

/** The word for an exit kind: "normal", "shutdown", "killed" … Callable from anywhere. */
KT_PUBLIC const char *kt_exit_name(enum kt_exit_kind kind);

/* ---------------------------------------------------------------- messages */

/** Types below are the sender's own; the runtime's begin here. */
#define KT_MESSAGE_SYSTEM 0x80000000u
/** A linked process ended and this one traps exits; data is a struct kt_down. */
#define KT_MESSAGE_EXIT (KT_MESSAGE_SYSTEM + 1)
/** A monitored process ended; data is a struct kt_down. */
#define KT_MESSAGE_DOWN (KT_MESSAGE_SYSTEM + 2)

/**
 * A received message. It and its data are the runtime's and stay valid until the receiving
 * process's next kt_receive (in a server: until the handler returns).
 */
struct kt_message {
    uint32_t type;      /**< the sender's number, or KT_MESSAGE_… */
    uint32_t size;      /**< bytes at data */
    kt_pid from;        /**< the sender, KT_PID_NONE when it was no process */
    uint64_t reference; /**< not 0: a call, whose sender waits for kt_reply */
    const void *data;   /**< NULL when size is 0; aligned for any type */
};

/** Data of KT_MESSAGE_EXIT and KT_MESSAGE_DOWN. */
struct kt_down {
    kt_pid pid;          /**< who ended */
    uint64_t reference;  /**< the monitor, 0 for a link */
    struct kt_exit exit; /**< why; the text lives as long as the message */
};

/** Whom to answer: kept by a server that replies later. */
struct kt_from {
    kt_pid pid;
    uint64_t reference;
};

/**
 * Send a copy of a message.
 * @param to    the receiver; sending to a process that has ended is no error, as in Erlang
 * @param type  a number of your own, below KT_MESSAGE_SYSTEM
 * @param data  payload, may be NULL if size is 0
 * @param size  bytes, at most KT_MESSAGE_SIZE_MAX
 * @return 0, -ENOBUFS when the receiver's mailbox is full (nothing was sent),
 *         -EMSGSIZE, -EINVAL (type in the system range)
 * Does not park. Callable from anywhere on the worker's thread.
 */
KT_PUBLIC int kt_send(kt_pid to, uint32_t type, const void *data, size_t size);

/**
 * Send a talloc chunk without copying it: it and its children become the receiver's.
 * The message's data is the chunk, its size talloc_get_size(). The receiver owns the chunk when it
 * has received the message and may keep it: it stays until freed or until the process ends.
 * @return as kt_send; on an error the chunk still belongs to the caller. If the receiver has ended
 *         the chunk is freed and 0 returned.
 */
KT_PUBLIC int kt_send_memory(kt_pid to, uint32_t type, void *chunk);

/** Send a message after a delay. @return as kt_send; errors at delivery are dropped. */
KT_PUBLIC int kt_send_after(kt_pid to, int64_t delay_ms, uint32_t type, const void *data,
                            size_t size);

/**
 * Wait for the next message.
 * @param timeout_ms   milliseconds to wait; 0 polls, negative waits for ever
 * @param ret_message  the message; see struct kt_message for how long it is valid
 * @return 0 or -ETIMEDOUT
 * Parks.
 */
KT_PUBLIC int kt_receive(int64_t timeout_ms, const struct kt_message **ret_message);

/**
 * Call a server and wait for its answer. The callee is watched meanwhile; an answer that comes
 * after the time-out is dropped by the runtime and never shows up in the mailbox.
 * @param timeout_ms  milliseconds; negative waits for ever
 * @param ret_reply   the answer, valid until this process's next kt_call; may be NULL
 * @return 0, -ETIMEDOUT, -ESRCH (no such process), -EOWNERDEAD (it ended before it answered),
 *         -ENOBUFS (its mailbox is full), -EDEADLK (a call to oneself), -EMSGSIZE, -EINVAL
 * Parks.
 */
KT_PUBLIC int kt_call(kt_pid server, uint32_t type, const void *data, size_t size,
                      int64_t timeout_ms, const struct kt_message **ret_reply);

/**
 * Answer a call. To a caller that no longer waits it does nothing.
 * @return 0 or -EMSGSIZE
 * Does not park.
 */
KT_PUBLIC int kt_reply(const struct kt_from *to, uint32_t type, const void *data, size_t size);

/**
 * Answer a call with a talloc chunk, without copying it: it and its children become the caller's,
 * as with kt_send_memory, also what is larger than a message or no bytes at all, such as a memory
 * file. The caller may keep it: it stays until freed or until the process ends. If nobody waits any
 * more the chunk is freed.
 * @return 0; -ENOMEM, -EMSGSIZE: the chunk still belongs to whoever answers
 * Does not park.
 */
KT_PUBLIC int kt_reply_memory(const struct kt_from *to, uint32_t type, void *chunk);

/** Whom to answer for this message, or {KT_PID_NONE, 0} when it is no call. */
static inline struct kt_from kt_message_from(const struct kt_message *message)
{
    return message->reference ? (struct kt_from){message->from, message->reference}
                              : (struct kt_from){KT_PID_NONE, 0};
}

/* ---------------------------------------------------------------- life */

/** How to spawn; zero means the default everywhere. */
struct kt_spawn {
    const char *label;      /**< for people, e.g. "week of Ada"; borrowed, must outlive the process
                                 (a string literal); default "process" */
    uint32_t mailbox_limit; /**< messages; default KT_MAILBOX_LIMIT_DEFAULT */
    bool link;              /**< link it with the caller */
    bool trap_exit;         /**< it starts with kt_trap_exit(true) */
    uint64_t *ret_monitor;  /**< not NULL: monitor it and store the reference here */
    bool give;              /**< the argument is a talloc chunk that becomes the new process's */
};

/**
 * Spawn a process that runs function(argument) and ends normally when that returns. It is put at
 * the end of the run queue; the caller goes on first. It belongs to the caller's plugin.
 * @param options   NULL for the defaults
 * @param argument  passed as it is; see kt_spawn.give for ownership
 * @param ret_pid   the new process; may be NULL
 * @return 0, -EAGAIN (too many processes in this worker), -ENOMEM
 * Does not park. Callable from anywhere on the worker's thread.
 */
KT_PUBLIC int kt_spawn(const struct kt_spawn *options, void (*function)(void *argument),
                       void *argument, kt_pid *ret_pid);

/**
 * End the calling process at once. Links, monitors and supervisors see the reason. In a server,
 * terminate runs first. What the process held is returned; C frames on its stack are not unwound.
 * @param kind    KT_EXIT_NORMAL, KT_EXIT_SHUTDOWN or KT_EXIT_ERROR
 * @param format  why, in words; NULL for none
 */
KT_PUBLIC _Noreturn void kt_exit(enum kt_exit_kind kind, const char *format, ...) KT_PRINTF(2, 3);

/** End the calling process with KT_EXIT_ERROR: "let it crash". */
#define kt_fail(...) kt_exit(KT_EXIT_ERROR, __VA_ARGS__)

/** @return pointer, or end the process with "out of memory" when it is NULL. */
KT_PUBLIC void *kt_must(void *pointer) __attribute__((returns_nonnull));

/**
 * Send an exit signal, as Erlang's exit/2: KT_EXIT_NORMAL is ignored, KT_EXIT_KILL cannot be
 * trapped, the others become a KT_MESSAGE_EXIT where exits are trapped and end the process where
 * not. Callable from anywhere on the worker's thread.
 */
KT_PUBLIC void kt_signal(kt_pid pid, enum kt_exit_kind kind, const char *text);

/**
 * Wait until a process has ended, without a message in the mailbox.
 * @return 0 (also when there is no such process), -ETIMEDOUT, -EDEADLK (itself)
 * Parks.
 */
KT_PUBLIC int kt_join(kt_pid pid, int64_t timeout_ms);

/** The calling process, or KT_PID_NONE outside of one. Callable from anywhere. */
KT_PUBLIC kt_pid kt_self(void);

/**
 * The talloc context of the calling process: what is allocated on it is returned when the process
 * ends. Outside of a process: a context of the worker's that lives as long as the worker.
 */
KT_PUBLIC TALLOC_CTX *kt_self_memory(void);

/** Whether a process lives. Callable from anywhere on the worker's thread. */
KT_PUBLIC bool kt_is_alive(kt_pid pid);

/** Change the calling process's label; the text is copied, cut at 63 bytes. */
KT_PUBLIC void kt_label(const char *format, ...) KT_PRINTF(1, 2);

/* ---------------------------------------------------------------- links, monitors */

/** Trap exits: exit signals become KT_MESSAGE_EXIT. Default off. */
KT_PUBLIC void kt_trap_exit(bool on);

/**
 * Link the calling process with another, both ways; once only. Linking with the dead sends an exit
 * signal KT_EXIT_NOPROC to the caller.
 * @return 0, -ENOMEM
 */
KT_PUBLIC int kt_link(kt_pid pid);

/** Undo a link; afterwards no exit signal comes from it. */
KT_PUBLIC void kt_unlink(kt_pid pid);

/**
 * Monitor a process: when it ends, the caller gets one KT_MESSAGE_DOWN. Monitoring the dead sends
 * it at once, with KT_EXIT_NOPROC.
 * @return 0, -ENOMEM
 */
KT_PUBLIC int kt_monitor(kt_pid pid, uint64_t *ret_reference);

/** Undo a monitor. A DOWN that is already in the mailbox stays there. */
KT_PUBLIC void kt_demonitor(uint64_t reference);

/* ---------------------------------------------------------------- time */

/** Park for a duration, measured by the monotonic clock. */
KT_PUBLIC void kt_sleep(int64_t duration_ms);

/**
 * Park until a wall-clock time. Clock jumps and suspends are honoured: the process wakes when the
 * clock of the day says so, not after a computed duration.
 * @param unix_ms  milliseconds since 1970-01-01 00:00 UTC; the past returns at once
 */
KT_PUBLIC void kt_sleep_until(int64_t unix_ms);

/** Let the other processes run; returns when it is this one's turn again. */
KT_PUBLIC void kt_yield(void);

/** Milliseconds of the monotonic clock, as of this turn of the loop. Callable from anywhere. */
KT_PUBLIC int64_t kt_now_ms(void);

/** Milliseconds since 1970-01-01 00:00 UTC, read now. Callable from anywhere. */
KT_PUBLIC int64_t kt_unix_ms(void);

/* ---------------------------------------------------------------- work that would block */

/**
 * Run a function on the thread pool and wait for it. It must not call anything of kontor's (but
 * kt_work_is_wanted) nor use memory that another thread may use meanwhile (talloc contexts are not
 * for sharing: give it a talloc_new(NULL) tree of its own, steal it afterwards). Uninterruptible: an
 * exit signal takes effect when the function has returned.
 * @return 0 or a negative errno when the pool refused it
 * Parks.
 */
KT_PUBLIC int kt_work(void (*function)(void *argument), void *argument);

/**
 * Whether anybody still wants what the calling work does: an exit signal for the process that waits
 * (its client is gone, its time is over, the worker stops) makes it false. Work that may take long
 * asks now and then, and ends early. Outside of kt_work: true. Callable from anywhere.
 */
KT_PUBLIC bool kt_work_is_wanted(void);

/* ---------------------------------------------------------------- descriptors of others */

/** What kt_wait_fd can wait for; bits. */
enum kt_fd_events {
    KT_READABLE = 1, /**< there is something to read, or the other side has closed */
    KT_WRITABLE = 2, /**< there is room to write, or an error to be seen by trying */
};

/**
 * Wait until a descriptor can be used: for libraries that bring sockets of their own and don't
 * block. One process at a time may wait for a descriptor, and nobody may close it meanwhile. The
 * descriptor becomes a non-blocking one.
 * @param fd          a socket, pipe, eventfd, epoll …; not a regular file
 * @param events      of enum kt_fd_events
 * @param timeout_ms  negative: none
 * @return what it is ready for, of these events; -ETIMEDOUT; -EEXIST: somebody waits for it;
 *         -EPERM: such a descriptor can't be waited for; -EINVAL: for no event; -EBADF; -ENOMEM
 * Parks.
 */
KT_PUBLIC int kt_wait_fd(int fd, int events, int64_t timeout_ms);

/* ---------------------------------------------------------------- names */

/**
 * Give the calling process a name within this worker. A process has at most one; it goes with it.
 * @param name  1 to 63 bytes; copied
 * @return 0, -EEXIST (another has it), -EALREADY (this process has one), -EINVAL, -ENOMEM
 */
KT_PUBLIC int kt_register(const char *name);

/** Give up one's name. */
KT_PUBLIC void kt_unregister(void);

/** Who has this name in this worker, or KT_PID_NONE. Callable from anywhere on the thread. */
KT_PUBLIC kt_pid kt_whereis(const char *name);

#endif
