/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Servers: processes written as callbacks, OTP's gen_server. A server that waits for its next
 * message or time-out holds no stack, so a million of them are cheap. Handlers are ordinary
 * process code: they may park, and the next message waits until they return.
 *
 * Where this differs from gen_server: state is a pointer that init returns (allocate it on
 * kt_self_memory()); a time-out set with kt_server_timeout stays until it fires, is set anew or
 * cancelled (in OTP any message cancels it); a server stops by kt_exit; a server ends with its
 * parent's exit signal unless it traps exits, as any process.
 */
#ifndef KONTOR_SERVER_H
#define KONTOR_SERVER_H

#include <kontor/process.h>

/** What a server does. init may be NULL, as any other; the struct is borrowed: make it static. */
struct kt_server {
    /** For people and for the log. */
    const char *label;
    /**
     * Set up. @param argument as given to kt_server_start (valid until init returns, unless given)
     * @param ret_state what the other callbacks get; allocate on kt_self_memory()
     * @return 0, or a negative errno: the start fails with it and the process ends
     */
    int (*init)(void *argument, void **ret_state);
    /** A call came: answer with kt_reply, now or later. NULL: every call fails the server. */
    void (*handle_call)(void *state, const struct kt_message *call);
    /** A message came that is no call. NULL: it is logged and dropped. */
    void (*handle_message)(void *state, const struct kt_message *message);
    /** The time set by kt_server_timeout… has come. */
    void (*handle_timeout)(void *state);
    /**
     * The server ends: by kt_exit, or by an exit signal from its parent while it traps exits.
     * Not called when it is killed or ends by an untrapped signal (as gen_server).
     */
    void (*terminate)(void *state, const struct kt_exit *exit);
    uint32_t mailbox_limit; /**< messages; 0: KT_MAILBOX_LIMIT_DEFAULT */
    bool trap_exit;         /**< exit signals of others become messages; the parent's end it */
};

/** Start options; zero everywhere is a plain start. */
struct kt_server_start {
    const char *name; /**< register under this name before init; NULL for none */
    bool link;        /**< link with the caller, which becomes its parent */
    bool give;        /**< argument is a talloc chunk that becomes the server's */
};

/**
 * Start a server and wait until its init has returned.
 * @return 0, what init returned, -EEXIST (the name is taken), -EOWNERDEAD (init crashed),
 *         -EAGAIN, -ENOMEM
 * Parks. With link, an init that fails does not send an exit signal to the caller.
 */
KT_PUBLIC int kt_server_start(const struct kt_server *server, const struct kt_server_start *options,
                              void *argument, kt_pid *ret_pid);

/** From a handler: call handle_timeout after so many milliseconds; negative cancels. */
KT_PUBLIC void kt_server_timeout(int64_t timeout_ms);

/** From a handler: call handle_timeout at a wall-clock time (see kt_sleep_until). */
KT_PUBLIC void kt_server_timeout_at(int64_t unix_ms);

#endif
