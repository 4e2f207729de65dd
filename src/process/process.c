/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a process from kt_spawn to its end: what it is made of, how it leaves, what is
 * returned when it has left, and what can be seen of it meanwhile.
 */
#include "process/scheduler.h"

#include "plugin/plugin.h"

#include <assert.h>
#include <errno.h>
#include <kontor/log.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_DEFAULT "process"
/** Bytes of a label made by kt_label, with its NUL. */
#define LABEL_MAX 64

/** For whom this thread of the pool works. */
static __thread const struct kt_process *working __attribute__((tls_model("initial-exec")));

/* ---------------------------------------------------------------- whose it is */

static void belong(struct kt_process *process, struct kt_plugin *plugin)
{
    if (process->plugin)
        process->plugin->processes--;
    process->plugin = plugin;
    if (plugin)
        plugin->processes++;
}

/* ---------------------------------------------------------------- birth */

int kt_spawn_inside(const struct kt_spawn *options, const struct kt_spawn_inside *inside,
                    void (*function)(void *argument), void *argument, kt_pid *ret_pid)
{
    static const struct kt_spawn no_options;
    static const struct kt_spawn_inside no_inside;
    if (!options)
        options = &no_options;
    if (!inside)
        inside = &no_inside;
    if (runtime.is_closing)
        return -EAGAIN;
    struct kt_process *process = kt_process_new();
    if (!process)
        return -EAGAIN;
    struct kt_process *parent = runtime.current;
    process->function = function;
    process->argument = argument;
    process->label = options->label ? options->label : LABEL_DEFAULT;
    process->mailbox_limit =
        options->mailbox_limit ? options->mailbox_limit : KT_MAILBOX_LIMIT_DEFAULT;
    process->traps_exits = options->trap_exit;
    process->memory = inside->memory;
    process->on_exit = inside->on_exit;
    process->parent = parent ? parent->pid : KT_PID_NONE;
    process->server_deadline = -1;
    process->state = KT_STATE_WAITING; /* alive, so that it can be linked */
    int status = 0;
    if (options->link && parent)
        status = kt_relation_add(parent, process, 0);
    if (status == 0 && options->ret_monitor && parent)
        status = kt_relation_add(parent, process, *options->ret_monitor = ++runtime.next_reference);
    if (status < 0) {
        static const struct kt_exit normal = {KT_EXIT_NORMAL, ""};
        process->traps_exits = false;
        kt_relations_end(process, &normal);
        kt_process_free(process);
        return status;
    }
    if (options->give && argument) {
        if (!process->memory)
            process->memory = talloc_named_const(NULL, 0, LABEL_DEFAULT);
        talloc_steal(process->memory, argument);
    }
    belong(process, inside->plugin ? inside->plugin : parent ? parent->plugin : NULL);
    process->watch = inside->watch;
    process->started_s = (uint32_t)(kt_now_ms() / 1000);
    runtime.counts.processes++;
    runtime.counts.spawned++;
    kt_process_start(process);
    if (ret_pid)
        *ret_pid = process->pid;
    return 0;
}

int kt_spawn(const struct kt_spawn *options, void (*function)(void *argument), void *argument,
             kt_pid *ret_pid)
{
    return kt_spawn_inside(options, NULL, function, argument, ret_pid);
}

/* ---------------------------------------------------------------- death */

const char *kt_exit_name(enum kt_exit_kind kind)
{
    static const char *const names[] = {
        [KT_EXIT_NORMAL] = "normal", [KT_EXIT_SHUTDOWN] = "shutdown", [KT_EXIT_KILL] = "kill",
        [KT_EXIT_KILLED] = "killed", [KT_EXIT_NOPROC] = "noproc",     [KT_EXIT_ERROR] = "error",
    };
    return (size_t)kind < sizeof names / sizeof *names ? names[kind] : "unknown";
}

static void abandon(struct kt_work *work);

void kt_exit_set(struct kt_process *process, enum kt_exit_kind kind, const char *text)
{
    if (process->is_exit_pending && !(kind == KT_EXIT_KILL && process->exit_kind != KT_EXIT_KILLED))
        return;
    process->is_exit_pending = true;
    if (process->state == KT_STATE_WAITING && process->wait == KT_WAIT_WORK)
        abandon(process->work);
    process->exit_kind = (uint8_t)(kind == KT_EXIT_KILL ? KT_EXIT_KILLED : kind);
    free(process->exit_text);
    process->exit_text = text && *text ? strndup(text, KT_EXIT_TEXT_MAX - 1) : NULL;
}

void kt_exit(enum kt_exit_kind kind, const char *format, ...)
{
    struct kt_process *process = runtime.current;
    assert(process &&
           (kind == KT_EXIT_NORMAL || kind == KT_EXIT_SHUTDOWN || kind == KT_EXIT_ERROR));
    char text[KT_EXIT_TEXT_MAX] = "";
    if (format) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(text, sizeof text, format, arguments);
        va_end(arguments);
    }
    if (kind == KT_EXIT_ERROR && !process->is_exit_pending)
        kt_log_error("failed: %s", *text ? text : "(no reason given)");
    kt_exit_set(process, kind, text);
    kt_server_terminate(process);
    kt_leave_for_ever();
}

static void forget_messages(struct kt_process *process)
{
    struct kt_envelope *envelope;
    while ((envelope = kt_take(process)))
        kt_envelope_free(envelope);
    kt_envelope_free(process->reply);
}

void kt_process_end(struct kt_process *process)
{
    struct kt_exit exit = {process->exit_kind, process->exit_text ? process->exit_text : ""};
    process->state = KT_STATE_ENDING;
    if (process->stack)
        kt_stack_return(process->stack, false);
    kt_timer_cancel(&process->timer);
    assert(!process->await); /* it lay on the stack */
    if (process->on_exit)
        process->on_exit(process->argument, &exit);
    kt_name_release(process);
    while (process->awaiters)
        kt_wake(process->awaiters->caller, -EOWNERDEAD);
    kt_relations_end(process, &exit);
    forget_messages(process);
    talloc_free(process->memory);
    if (process->owns_label)
        free((char *)(uintptr_t)process->label);
    free(process->exit_text);
    if (exit.kind == KT_EXIT_ERROR || exit.kind == KT_EXIT_KILLED)
        runtime.counts.failed++;
    runtime.counts.processes--;
    belong(process, NULL);
    kt_process_free(process);
}

int kt_join(kt_pid pid, int64_t timeout_ms)
{
    struct kt_process *process = kt_process_find(pid);
    if (!process)
        return 0;
    int status = kt_await(process, ++runtime.next_reference, timeout_ms);
    return status == -EOWNERDEAD ? 0 : status;
}

/* ---------------------------------------------------------------- oneself */

kt_pid kt_self(void)
{
    return kt_is_inside() ? runtime.current->pid : KT_PID_NONE;
}

TALLOC_CTX *kt_self_memory(void)
{
    if (!kt_is_runtime_thread())
        return NULL;
    struct kt_process *process = runtime.current;
    if (!process)
        return runtime.memory;
    if (!process->memory)
        process->memory = kt_must(talloc_named_const(NULL, 0, LABEL_DEFAULT));
    return process->memory;
}

void *kt_must(void *pointer)
{
    if (!pointer)
        kt_fail("out of memory");
    return pointer;
}

bool kt_is_alive(kt_pid pid)
{
    struct kt_process *process = kt_process_find(pid);
    return process && process->state != KT_STATE_ENDING;
}

void kt_label_set(struct kt_process *process, const char *text)
{
    char *label = strndup(text, LABEL_MAX - 1);
    if (!label)
        return;
    const char *old = process->owns_label ? process->label : NULL;
    process->label = label;
    process->owns_label = true;
    free((char *)(uintptr_t)old);
}

void kt_label(const char *format, ...)
{
    char text[LABEL_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    kt_label_set(runtime.current, text);
}

struct kt_plugin *kt_self_plugin(void)
{
    return kt_is_inside() ? runtime.current->plugin : NULL;
}

void kt_self_belong(struct kt_plugin *plugin)
{
    belong(runtime.current, plugin);
    kt_running(plugin);
}

const char *kt_self_label(void)
{
    return kt_is_inside() ? runtime.current->label : NULL;
}

void kt_culprit(struct kt_culprit *ret_culprit)
{
    const struct kt_process *process = working ? working : kt_is_inside() ? runtime.current : NULL;
    *ret_culprit = (struct kt_culprit){.is_in_pool = working != NULL};
    if (process) {
        ret_culprit->label = process->label;
        ret_culprit->plugin = process->plugin;
    } else if (kt_is_runtime_thread()) {
        ret_culprit->plugin = (const struct kt_plugin *)atomic_load(&runtime.running->process);
    }
}

/* ---------------------------------------------------------------- parking */

struct kt_ticket kt_park_ticket(void)
{
    return (struct kt_ticket){runtime.current->pid, runtime.current->ticket};
}

int kt_park(int64_t timeout_ms)
{
    struct kt_process *process = runtime.current;
    int result = process->is_unparked
                     ? process->result
                     : kt_wait(KT_WAIT_TICKET, KT_CLOCK_MONOTONIC, kt_deadline(timeout_ms));
    process->is_unparked = false;
    process->reason = KT_REASON_WAKE_UP;
    process->ticket++;
    return result;
}

bool kt_unpark(struct kt_ticket ticket, int result)
{
    struct kt_process *process = kt_process_find(ticket.pid);
    if (!process || process->ticket != ticket.number || process->is_unparked)
        return false;
    if (process->state == KT_STATE_WAITING &&
        (process->wait == KT_WAIT_TICKET || process->wait == KT_WAIT_WORK)) {
        kt_wake(process, result);
        return true;
    }
    if (process->state != KT_STATE_RUNNING)
        return false;
    process->is_unparked = true;
    process->result = result;
    return true;
}

void kt_critical_enter(void)
{
    runtime.current->critical++;
}

void kt_critical_leave(void)
{
    struct kt_process *process = runtime.current;
    assert(process->critical > 0);
    if (--process->critical == 0 && process->is_exit_pending)
        kt_leave_for_ever();
}

/* ---------------------------------------------------------------- the thread pool */

struct kt_work {
    uv_work_t request;
    const struct kt_process *process; /**< stays, since it waits for the end */
    void (*function)(void *argument);
    void *argument;
    struct kt_ticket ticket;
    _Atomic bool is_abandoned; /**< an exit signal has come for the process */
};

/** What this thread of the pool does, if it is one. */
static __thread const struct kt_work *doing __attribute__((tls_model("initial-exec")));

/** Nobody waits for the result any more. The work may ask for that; it is the pool's till its end.
 */
static void abandon(struct kt_work *work)
{
    atomic_store_explicit(&work->is_abandoned, true, memory_order_relaxed);
}

bool kt_work_is_wanted(void)
{
    return !doing || !atomic_load_explicit(&doing->is_abandoned, memory_order_relaxed);
}

/** Tell who may want to know for which plugin this thread works. */
static void tell_thread(const struct kt_plugin *plugin)
{
    static _Atomic uint32_t thread_count;
    static __thread uint32_t thread __attribute__((tls_model("initial-exec"))); /* 0: none yet */
    if (thread == 0)
        thread = atomic_fetch_add(&thread_count, 1) + 1;
    if (thread <= KT_RUNNING_THREADS_MAX)
        atomic_store_explicit(&runtime.running->threads[thread - 1], (uintptr_t)plugin,
                              memory_order_relaxed);
}

static void on_work(uv_work_t *request)
{
    struct kt_work *work = request->data;
    working = work->process;
    doing = work;
    tell_thread(work->process->plugin);
    work->function(work->argument);
    tell_thread(NULL);
    doing = NULL;
    working = NULL;
}

static void on_work_done(uv_work_t *request, int status)
{
    struct kt_work *work = request->data;
    kt_unpark(work->ticket, status);
}

int kt_work(void (*function)(void *argument), void *argument)
{
    struct kt_process *process = runtime.current;
    struct kt_work work = {
        .process = process, .function = function, .argument = argument, .ticket = kt_park_ticket()};
    work.request.data = &work;
    atomic_init(&work.is_abandoned, process->is_exit_pending);
    int status = uv_queue_work(&runtime.loop, &work.request, on_work, on_work_done);
    if (status < 0)
        return status;
    process->work = &work;
    process->critical++;
    status = kt_wait(KT_WAIT_WORK, KT_CLOCK_MONOTONIC, -1);
    process->work = NULL;
    process->ticket++;
    kt_critical_leave();
    return status;
}

/* ---------------------------------------------------------------- looking */

static const char *state_name(const struct kt_process *process)
{
    switch ((enum kt_state)process->state) {
    case KT_STATE_RUNNING:
        return "running";
    case KT_STATE_RUNNABLE:
        return "runnable";
    case KT_STATE_WAITING:
        return process->stack ? "parked" : "waiting";
    case KT_STATE_FREE:
    case KT_STATE_ENDING:
        break;
    }
    return "ending";
}

const char *kt_reason_name(enum kt_reason reason)
{
    static const char *const names[KT_REASONS] = {
        [KT_REASON_WAKE_UP] = "wake-up",   [KT_REASON_TURN] = "turn",
        [KT_REASON_MESSAGE] = "message",   [KT_REASON_ANSWER] = "answer",
        [KT_REASON_TIME] = "time",         [KT_REASON_WORK] = "work",
        [KT_REASON_FETCH] = "fetch",       [KT_REASON_STORE] = "store",
        [KT_REASON_REGISTRY] = "registry", [KT_REASON_JOB] = "job",
        [KT_REASON_CLIENT] = "client",     [KT_REASON_DESCRIPTOR] = "descriptor",
    };
    return names[reason];
}

static void look(const struct kt_process *process, bool with_memory,
                 struct kt_process_info *ret_info)
{
    bool is_waiting = process->state == KT_STATE_WAITING;
    *ret_info = (struct kt_process_info){
        .pid = process->pid,
        .parent = process->parent,
        .label = process->label,
        .name = process->name ? kt_name_text(process->name) : NULL,
        .plugin = process->plugin,
        .state = state_name(process),
        .waits_for = is_waiting ? kt_reason_name(kt_reason_of(process)) : "",
        .is_server = process->is_server,
        .is_supervisor = process->is_supervisor,
        .has_stack = process->stack != NULL,
        .messages = process->mailbox_count,
        .memory_bytes = with_memory ? talloc_total_size(process->memory) : 0,
        .age_ms = (kt_now_ms() / 1000 - process->started_s) * 1000,
        .turns = process->turns,
        .run_us = process->run_us,
        .restarts = process->restarts,
    };
}

bool kt_runtime_look(kt_pid pid, struct kt_process_info *ret_info)
{
    const struct kt_process *process = kt_process_find(pid);
    if (process)
        look(process, true, ret_info);
    return process != NULL;
}

bool kt_runtime_each_part(uint32_t *ret_at, uint32_t places, bool with_memory,
                          void (*visit)(const struct kt_process_info *info, void *argument),
                          void *argument)
{
    struct kt_process *process = NULL;
    for (; places > 0 && (process = kt_table_slot(*ret_at)); places--, ++*ret_at) {
        struct kt_process_info info;
        if (process->state == KT_STATE_FREE)
            continue;
        look(process, with_memory, &info);
        visit(&info, argument);
    }
    return process != NULL;
}

void kt_runtime_each(bool with_memory,
                     void (*visit)(const struct kt_process_info *info, void *argument),
                     void *argument)
{
    uint32_t at = 0;
    kt_runtime_each_part(&at, UINT32_MAX, with_memory, visit, argument);
}
