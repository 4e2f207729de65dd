/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Servers: a turn takes a stack, runs init or handles what is in the mailbox, and returns; then
 * the scheduler takes the stack back until the next message or the time-out.
 */
#include "process/scheduler.h"

#include <errno.h>
#include <kontor/log.h>
#include <stdlib.h>

/** Tell the process that waits in kt_server_start for this one's init, if it still does. */
static void tell_starter(const struct kt_process *process, int status)
{
    const struct kt_await *await = process->awaiters;
    while (await && await->caller->pid != process->parent)
        await = await->next;
    if (await)
        kt_wake(await->caller, status);
}

static void initialise(struct kt_process *process)
{
    void *state = NULL;
    int status = process->server->init ? process->server->init(process->argument, &state) : 0;
    process->argument = state;
    if (status < 0) {
        tell_starter(process, status);
        kt_exit_set(process, KT_EXIT_NORMAL, NULL);
        kt_leave_for_ever();
    }
    process->is_starting = false;
    tell_starter(process, 0);
}

void kt_server_terminate(struct kt_process *process)
{
    if (!process->is_server || process->is_starting || process->is_terminating ||
        !process->server->terminate)
        return;
    process->is_terminating = true;
    /* While it cleans up it is an ordinary process that may park, or be killed: the exit is not
     * pending yet, and its text the process's. */
    const char *text = talloc_strdup(kt_self_memory(), process->exit_text);
    struct kt_exit exit = {process->exit_kind, text ? text : ""};
    process->is_exit_pending = false;
    process->server->terminate(process->argument, &exit);
    kt_exit_set(process, exit.kind, exit.text);
}

/** An exit message: the parent's ends the server, others are the handler's. */
static bool is_parents_exit(const struct kt_process *process, const struct kt_message *message)
{
    return message->type == KT_MESSAGE_EXIT &&
           ((const struct kt_down *)message->data)->pid == process->parent;
}

static void end_with(struct kt_process *process, const struct kt_exit *exit)
{
    kt_exit_set(process, exit->kind, exit->text);
    kt_server_terminate(process);
    kt_leave_for_ever();
}

static void handle(struct kt_process *process, const struct kt_message *message)
{
    const struct kt_server *server = process->server;
    if (is_parents_exit(process, message))
        end_with(process, &((const struct kt_down *)message->data)->exit);
    if (message->reference) {
        if (!server->handle_call)
            kt_fail("got a call (type %u) but handles none", message->type);
        server->handle_call(process->argument, message);
    } else if (server->handle_message) {
        server->handle_message(process->argument, message);
    } else {
        kt_log_warning("dropped a message of type %u: it handles none", message->type);
    }
}

void kt_server_turn(struct kt_process *process)
{
    if (process->is_starting)
        initialise(process);
    const struct kt_message *message;
    for (;;) {
        if (process->is_timeout_due) {
            process->is_timeout_due = false;
            if (process->server->handle_timeout)
                process->server->handle_timeout(process->argument);
        }
        if (kt_receive(0, &message) < 0)
            return;
        handle(process, message);
    }
}

int kt_server_spawn(const struct kt_server *server, const struct kt_server_start *options,
                    void *argument, struct kt_process **ret_process)
{
    static const struct kt_server_start no_options;
    if (!options)
        options = &no_options;
    kt_pid pid;
    int status = kt_spawn(&(struct kt_spawn){.label = server->label,
                                             .mailbox_limit = server->mailbox_limit,
                                             .link = options->link,
                                             .trap_exit = server->trap_exit},
                          NULL, argument, &pid);
    if (status < 0)
        return status;
    struct kt_process *process = kt_process_find(pid);
    process->is_server = true;
    process->server = server;
    process->is_starting = true;
    if (options->name && (status = kt_name_give(process, options->name)) < 0) {
        kt_unlink(pid);
        kt_signal(pid, KT_EXIT_KILL, "its name is taken");
        return status;
    }
    if (options->give && argument) {
        process->memory = talloc_named_const(NULL, 0, "server");
        talloc_steal(process->memory, argument);
    }
    *ret_process = process;
    return 0;
}

int kt_server_await_init(struct kt_process *process)
{
    return kt_await(process, ++runtime.next_reference, -1);
}

int kt_server_start(const struct kt_server *server, const struct kt_server_start *options,
                    void *argument, kt_pid *ret_pid)
{
    struct kt_process *process;
    int status = kt_server_spawn(server, options, argument, &process);
    if (status < 0)
        return status;
    kt_pid pid = process->pid;
    status = kt_server_await_init(process);
    if (ret_pid)
        *ret_pid = status == 0 ? pid : KT_PID_NONE;
    return status;
}

/* ---------------------------------------------------------------- time-outs */

static void set_timeout(enum kt_clock clock, int64_t deadline)
{
    struct kt_process *process = runtime.current;
    if (process->timer.index && process->timer.is_servers)
        kt_timer_cancel(&process->timer);
    process->is_timeout_due = false;
    process->server_deadline = deadline;
    process->is_deadline_of_day = clock == KT_CLOCK_DAY;
}

void kt_server_timeout(int64_t timeout_ms)
{
    set_timeout(KT_CLOCK_MONOTONIC, kt_deadline(timeout_ms));
}

void kt_server_timeout_at(int64_t unix_ms)
{
    set_timeout(KT_CLOCK_DAY, unix_ms > 0 ? unix_ms : 0);
}
