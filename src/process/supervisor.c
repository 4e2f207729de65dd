/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Supervisors: a server that traps exits. Its children are a list in the order of their start and
 * a map by pid, so that an exit costs the same with ten children and with a hundred thousand.
 * Works by the public calls of kontor/process.h and server.h; of the inside it uses the map, and
 * marks and labels processes for those who look at them.
 */
#include "process/scheduler.h"

#include <errno.h>
#include <kontor/log.h>
#include <kontor/supervisor.h>
#include <string.h>

#define INTENSITY_DEFAULT 1u
#define PERIOD_MS_DEFAULT 5000
#define SHUTDOWN_MS_DEFAULT 5000
/** Calls that may wait for a supervisor at once. */
#define MAILBOX_LIMIT 1000000u

struct child {
    struct child *next, *previous;
    struct kt_child spec;
    kt_pid pid;      /**< KT_PID_NONE: not running */
    uint16_t starts; /**< ever, as far as is counted */
};

struct supervisor {
    enum kt_strategy strategy;
    struct child *first, *last;
    struct kt_map by_pid; /**< running children */
    uint64_t count, restarts;
    uint32_t intensity;
    int64_t period_ms;
    int64_t *history;      /**< times of the last `intensity` restarts, a ring */
    uint32_t history_next; /**< where the oldest is */
};

/** What a supervisor can be asked; types of its calls. */
enum request { ADD, STOP_CHILD, RESTART, FIND, COUNT, STOP };

struct answer {
    int status;
    kt_pid pid;
};

/* ---------------------------------------------------------------- the list of children */

static struct child *find_id(const struct supervisor *supervisor, const char *id)
{
    struct child *child = supervisor->first;
    while (child && (!child->spec.id || strcmp(child->spec.id, id) != 0))
        child = child->next;
    return child;
}

static struct child *append(struct supervisor *supervisor, const struct kt_child *spec)
{
    struct child *child = kt_must(talloc_zero(supervisor, struct child));
    child->spec = *spec;
    if (spec->id)
        child->spec.id = kt_must(talloc_strdup(child, spec->id));
    if (spec->name)
        child->spec.name = kt_must(talloc_strdup(child, spec->name));
    child->previous = supervisor->last;
    if (supervisor->last)
        supervisor->last->next = child;
    else
        supervisor->first = child;
    supervisor->last = child;
    supervisor->count++;
    return child;
}

static void forget(struct supervisor *supervisor, struct child *child)
{
    *(child->previous ? &child->previous->next : &supervisor->first) = child->next;
    *(child->next ? &child->next->previous : &supervisor->last) = child->previous;
    supervisor->count--;
    talloc_free(child);
}

/* ---------------------------------------------------------------- starting and stopping one */

static const char *child_name(const struct child *child)
{
    return child->spec.id       ? child->spec.id
           : child->spec.server ? child->spec.server->label
                                : "child";
}

static int start_process(const struct child *child, kt_pid *ret_pid)
{
    int status = kt_spawn(&(struct kt_spawn){.link = true}, child->spec.function,
                          child->spec.argument, ret_pid);
    if (status == 0)
        kt_label_set(kt_process_find(*ret_pid), child_name(child));
    return status;
}

static int start_child(struct supervisor *supervisor, struct child *child)
{
    int status;
    if (child->spec.server)
        status = kt_server_start(child->spec.server,
                                 &(struct kt_server_start){.name = child->spec.name, .link = true},
                                 child->spec.argument, &child->pid);
    else if (child->spec.supervisor)
        status = kt_supervisor_start(child->spec.supervisor, child->spec.name, &child->pid);
    else
        status = start_process(child, &child->pid);
    if (status < 0) {
        child->pid = KT_PID_NONE;
        return status;
    }
    if (kt_map_put(&supervisor->by_pid, child->pid, child) < 0)
        kt_fail("out of memory"); /* the link takes the child along */
    struct kt_process *process = kt_process_find(child->pid);
    if (process)
        process->restarts = child->starts;
    if (child->starts < UINT16_MAX)
        child->starts++;
    return 0;
}

static int64_t shutdown_ms(const struct child *child)
{
    if (child->spec.shutdown_ms != KT_SHUTDOWN_DEFAULT)
        return child->spec.shutdown_ms;
    return child->spec.supervisor ? KT_SHUTDOWN_INFINITY : SHUTDOWN_MS_DEFAULT;
}

/** Ask a child to end (or kill it); its exit is no longer an event for the supervisor. */
static void ask_to_end(struct supervisor *supervisor, struct child *child)
{
    kt_map_take(&supervisor->by_pid, child->pid);
    kt_unlink(child->pid);
    bool is_kill = child->spec.shutdown_ms == KT_SHUTDOWN_KILL;
    kt_signal(child->pid, is_kill ? KT_EXIT_KILL : KT_EXIT_SHUTDOWN, "stopped by its supervisor");
}

/** Wait for the end of a child that was asked, and kill it when it takes too long. */
static void await_end(struct child *child, int64_t timeout_ms)
{
    if (kt_join(child->pid, timeout_ms) == -ETIMEDOUT) {
        kt_log_warning("%s did not stop within %lld ms: killed", child_name(child),
                       (long long)shutdown_ms(child));
        kt_signal(child->pid, KT_EXIT_KILL, "did not stop in time");
        kt_join(child->pid, -1);
    }
    child->pid = KT_PID_NONE;
}

static void stop_child(struct supervisor *supervisor, struct child *child)
{
    if (!child->pid)
        return;
    ask_to_end(supervisor, child);
    await_end(child, child->spec.shutdown_ms == KT_SHUTDOWN_KILL ? -1 : shutdown_ms(child));
}

/* ---------------------------------------------------------------- many at once */

/** Start the children from this one to the last, those that are not running. @return the first
 * error; what was started before it runs. */
static int start_from(struct supervisor *supervisor, struct child *first)
{
    for (struct child *child = first; child; child = child->next) {
        int status = child->pid ? 0 : start_child(supervisor, child);
        if (status < 0) {
            kt_log_error("%s can't start: %s", child_name(child), strerror(-status));
            return status;
        }
    }
    return 0;
}

/** Stop the children from the last to this one; the temporary ones are gone then, as in OTP. */
static void stop_down_to(struct supervisor *supervisor, const struct child *first)
{
    for (struct child *child = supervisor->last, *previous; child; child = previous) {
        bool is_last_to_stop = child == first;
        previous = is_last_to_stop ? NULL : child->previous;
        stop_child(supervisor, child);
        if (child->spec.restart == KT_TEMPORARY)
            forget(supervisor, child);
    }
}

/** The children of a dynamic supervisor all end at once. */
static void stop_together(struct supervisor *supervisor)
{
    int64_t start = kt_now_ms();
    for (struct child *child = supervisor->first; child; child = child->next)
        if (child->pid)
            ask_to_end(supervisor, child);
    for (struct child *child = supervisor->first; child; child = child->next) {
        int64_t timeout = shutdown_ms(child);
        if (timeout > 0) {
            int64_t left = start + timeout - kt_now_ms();
            timeout = left > 0 ? left : 0;
        }
        if (child->pid)
            await_end(child, timeout < 0 ? -1 : timeout);
    }
}

static void stop_all(struct supervisor *supervisor)
{
    if (supervisor->strategy == KT_DYNAMIC)
        stop_together(supervisor);
    else
        stop_down_to(supervisor, supervisor->first);
}

/* ---------------------------------------------------------------- restarting */

/** Count a restart. When it is one too many, stop everything and end. */
static void count_restart(struct supervisor *supervisor, const struct child *child)
{
    int64_t now = kt_now_ms();
    supervisor->restarts++;
    if (supervisor->intensity) {
        int64_t *oldest = &supervisor->history[supervisor->history_next];
        bool is_allowed = *oldest < 0 || now - *oldest > supervisor->period_ms;
        *oldest = now;
        supervisor->history_next = (supervisor->history_next + 1) % supervisor->intensity;
        if (is_allowed)
            return;
    }
    kt_log_error("gives up: %s needed more than %u restarts within %lld ms", child_name(child),
                 supervisor->intensity, (long long)supervisor->period_ms);
    kt_exit(KT_EXIT_SHUTDOWN, "restart intensity reached");
}

/** The first of the children that are restarted together with this one; one_for_one: itself. */
static int restart_once(struct supervisor *supervisor, struct child *child)
{
    switch (supervisor->strategy) {
    case KT_ONE_FOR_ALL:
        stop_down_to(supervisor, supervisor->first);
        return start_from(supervisor, supervisor->first);
    case KT_REST_FOR_ONE:
        stop_down_to(supervisor, child);
        return start_from(supervisor, child);
    case KT_ONE_FOR_ONE:
    case KT_DYNAMIC:
        break;
    }
    int status = start_child(supervisor, child);
    if (status < 0)
        kt_log_error("%s can't start again: %s", child_name(child), strerror(-status));
    return status;
}

static bool needs_restart(const struct child *child, const struct kt_exit *exit)
{
    bool is_orderly = exit->kind == KT_EXIT_NORMAL || exit->kind == KT_EXIT_SHUTDOWN;
    return child->spec.restart == KT_PERMANENT ||
           (child->spec.restart == KT_TRANSIENT && !is_orderly);
}

static void child_ended(struct supervisor *supervisor, struct child *child,
                        const struct kt_exit *exit)
{
    child->pid = KT_PID_NONE;
    if (!needs_restart(child, exit)) {
        if (child->spec.restart == KT_TEMPORARY || supervisor->strategy == KT_DYNAMIC)
            forget(supervisor, child);
        return;
    }
    kt_log_info("%s ended (%s%s%s), restarting", child_name(child), kt_exit_name(exit->kind),
                *exit->text ? ": " : "", exit->text);
    do
        count_restart(supervisor, child);
    while (restart_once(supervisor, child) < 0);
}

static void handle_message(void *state, const struct kt_message *message)
{
    struct supervisor *supervisor = state;
    if (message->type != KT_MESSAGE_EXIT)
        return;
    const struct kt_down *down = message->data;
    struct child *child = kt_map_take(&supervisor->by_pid, down->pid);
    if (child)
        child_ended(supervisor, child, &down->exit);
}

/* ---------------------------------------------------------------- requests */

static int count_kinds(const struct kt_child *spec)
{
    return (spec->server != NULL) + (spec->function != NULL) + (spec->supervisor != NULL);
}

/** The payload of ADD is the specification, then the text of its id and of its name. */
static struct answer add(struct supervisor *supervisor, const struct kt_message *call)
{
    struct kt_child spec = *(const struct kt_child *)call->data;
    const char *text = (const char *)call->data + sizeof spec;
    if (spec.id) {
        spec.id = text;
        text += strlen(text) + 1;
    }
    if (spec.name)
        spec.name = text;
    if (count_kinds(&spec) != 1 || (!spec.id && supervisor->strategy != KT_DYNAMIC))
        return (struct answer){-EINVAL, KT_PID_NONE};
    if (supervisor->strategy != KT_DYNAMIC && find_id(supervisor, spec.id))
        return (struct answer){-EEXIST, KT_PID_NONE};
    struct child *child = append(supervisor, &spec);
    int status = start_child(supervisor, child);
    kt_pid pid = child->pid;
    if (status < 0)
        forget(supervisor, child);
    return (struct answer){status, pid};
}

static struct answer stop_one(struct supervisor *supervisor, kt_pid pid)
{
    struct child *child = kt_map_get(&supervisor->by_pid, pid);
    if (!child)
        return (struct answer){-ENOENT, KT_PID_NONE};
    stop_child(supervisor, child);
    if (child->spec.restart == KT_TEMPORARY || supervisor->strategy == KT_DYNAMIC)
        forget(supervisor, child);
    return (struct answer){0, KT_PID_NONE};
}

static struct answer restart_one(struct supervisor *supervisor, const char *id)
{
    struct child *child = find_id(supervisor, id);
    if (!child || child->pid)
        return (struct answer){child ? -EBUSY : -ENOENT, KT_PID_NONE};
    int status = start_child(supervisor, child);
    return (struct answer){status, child->pid};
}

static struct answer find_one(const struct supervisor *supervisor, const char *id)
{
    const struct child *child = find_id(supervisor, id);
    return (struct answer){child ? 0 : -ENOENT, child ? child->pid : KT_PID_NONE};
}

static void handle_call(void *state, const struct kt_message *call)
{
    struct supervisor *supervisor = state;
    struct kt_from from = kt_message_from(call);
    struct answer answer = {-EINVAL, KT_PID_NONE};
    switch ((enum request)call->type) {
    case ADD:
        answer = add(supervisor, call);
        break;
    case STOP_CHILD:
        answer = stop_one(supervisor, *(const kt_pid *)call->data);
        break;
    case RESTART:
        answer = restart_one(supervisor, call->data);
        break;
    case FIND:
        answer = find_one(supervisor, call->data);
        break;
    case COUNT: {
        struct kt_supervisor_count count = {supervisor->count, supervisor->by_pid.count,
                                            supervisor->restarts};
        kt_reply(&from, 0, &count, sizeof count);
        return;
    }
    case STOP:
        kt_exit(KT_EXIT_NORMAL, NULL); /* the caller waits for the end */
    }
    kt_reply(&from, 0, &answer, sizeof answer);
}

/* ---------------------------------------------------------------- the supervisor's own life */

static int release(struct supervisor *supervisor)
{
    kt_map_clear(&supervisor->by_pid);
    return 0;
}

static int init(void *argument, void **ret_state)
{
    const struct kt_supervisor *spec = argument;
    runtime.current->is_supervisor = true;
    struct supervisor *supervisor = kt_must(talloc_zero(kt_self_memory(), struct supervisor));
    talloc_set_destructor(supervisor, release);
    *ret_state = supervisor;
    supervisor->strategy = spec->strategy;
    supervisor->period_ms = spec->period_ms > 0 ? spec->period_ms : PERIOD_MS_DEFAULT;
    supervisor->intensity = spec->intensity == KT_INTENSITY_NONE ? 0
                            : spec->intensity                    ? spec->intensity
                                                                 : INTENSITY_DEFAULT;
    if (supervisor->intensity > KT_INTENSITY_MAX)
        return -EINVAL;
    supervisor->history = kt_must(talloc_array(supervisor, int64_t, supervisor->intensity + 1));
    for (uint32_t i = 0; i < supervisor->intensity; i++)
        supervisor->history[i] = -1;
    for (const struct kt_child *child = spec->children; child && count_kinds(child); child++) {
        if (count_kinds(child) != 1 || !child->id || find_id(supervisor, child->id))
            return -EINVAL;
        append(supervisor, child);
    }
    int status = start_from(supervisor, supervisor->first);
    if (status < 0)
        stop_all(supervisor);
    return status;
}

static void terminate(void *state, const struct kt_exit *exit)
{
    (void)exit;
    stop_all(state);
}

static const struct kt_server server = {
    .label = "supervisor",
    .init = init,
    .handle_call = handle_call,
    .handle_message = handle_message,
    .terminate = terminate,
    .mailbox_limit = MAILBOX_LIMIT,
    .trap_exit = true,
};

int kt_supervisor_start(const struct kt_supervisor *supervisor, const char *name, kt_pid *ret_pid)
{
    kt_pid pid;
    int status = kt_server_start(&server, &(struct kt_server_start){.name = name, .link = true},
                                 (void *)(uintptr_t)supervisor, &pid);
    struct kt_process *process = status == 0 ? kt_process_find(pid) : NULL;
    if (process && supervisor->label)
        kt_label_set(process, supervisor->label);
    if (ret_pid)
        *ret_pid = status == 0 ? pid : KT_PID_NONE;
    return status;
}

/* ---------------------------------------------------------------- asking one */

static int ask(kt_pid supervisor, enum request request, const void *data, size_t size,
               kt_pid *ret_pid)
{
    const struct kt_message *reply;
    int status = kt_call(supervisor, request, data, size, -1, &reply);
    if (status < 0)
        return status;
    const struct answer *answer = reply->data;
    if (ret_pid)
        *ret_pid = answer->pid;
    return answer->status;
}

int kt_supervisor_add(kt_pid supervisor, const struct kt_child *child, kt_pid *ret_pid)
{
    size_t id_size = child->id ? strlen(child->id) + 1 : 0;
    size_t name_size = child->name ? strlen(child->name) + 1 : 0;
    struct {
        struct kt_child spec;
        char text[256];
    } payload = {.spec = *child};
    if (id_size + name_size > sizeof payload.text)
        return -EINVAL;
    if (id_size)
        memcpy(payload.text, child->id, id_size);
    if (name_size)
        memcpy(payload.text + id_size, child->name, name_size);
    return ask(supervisor, ADD, &payload, sizeof payload.spec + id_size + name_size, ret_pid);
}

int kt_supervisor_stop_child(kt_pid supervisor, kt_pid child)
{
    return ask(supervisor, STOP_CHILD, &child, sizeof child, NULL);
}

int kt_supervisor_restart(kt_pid supervisor, const char *id, kt_pid *ret_pid)
{
    return ask(supervisor, RESTART, id, strlen(id) + 1, ret_pid);
}

int kt_supervisor_child(kt_pid supervisor, const char *id, kt_pid *ret_pid)
{
    return ask(supervisor, FIND, id, strlen(id) + 1, ret_pid);
}

int kt_supervisor_count(kt_pid supervisor, struct kt_supervisor_count *ret_count)
{
    const struct kt_message *reply;
    int status = kt_call(supervisor, COUNT, NULL, 0, -1, &reply);
    if (status == 0)
        memcpy(ret_count, reply->data, sizeof *ret_count);
    return status;
}

int kt_supervisor_stop(kt_pid supervisor, int64_t timeout_ms)
{
    int status = kt_call(supervisor, STOP, NULL, 0, timeout_ms, NULL);
    return status == -EOWNERDEAD || status == -ESRCH ? 0 : status;
}
