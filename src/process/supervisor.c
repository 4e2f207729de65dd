/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Supervisors: a server that traps exits. Its children are a list in the order of their start and
 * a map by pid, so that an exit costs the same with ten children and with a hundred thousand. Of
 * children that are alike only their argument is kept, in the map: a struct child of such a one is
 * made when something happens to it.
 * Works by the public calls of kontor/process.h and server.h, but for one thing: children are not
 * linked with it by a relation. They are marked as supervised, so that their end reaches it, and it
 * tells them of its own end (see release).
 */
#include "process/scheduler.h"

#include <errno.h>
#include <kontor/log.h>
#include <kontor/supervisor.h>
#include <stdlib.h>
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
    const struct kt_process *process; /**< its own */
    enum kt_strategy strategy;
    struct child *first, *last;
    struct kt_map running;   /**< by pid: struct child, or the argument of one of those alike */
    struct kt_child like;    /**< KT_SIMPLE_ONE_FOR_ONE: what all are, but for the argument */
    struct kt_map restarted; /**< of those alike the few that were: how often, by pid */
    uint64_t count, restarts;
    uint32_t intensity;
    int64_t period_ms;
    int64_t *history;      /**< times of the last `intensity` restarts, a ring */
    uint32_t history_next; /**< where the oldest is */
};

/** What a supervisor can be asked; types of its calls. */
enum request { ADD, ADD_LIKE, STOP_CHILD, RESTART, FIND, COUNT, STOP };

struct answer {
    int status;
    kt_pid pid;
};

static bool is_simple(const struct supervisor *supervisor)
{
    return supervisor->strategy == KT_SIMPLE_ONE_FOR_ONE;
}

static bool is_dynamic(const struct supervisor *supervisor)
{
    return is_simple(supervisor) || supervisor->strategy == KT_DYNAMIC;
}

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

/** A child is no more, and does not come back. */
static void forget(struct supervisor *supervisor, struct child *child)
{
    if (is_simple(supervisor))
        return;
    *(child->previous ? &child->previous->next : &supervisor->first) = child->next;
    *(child->next ? &child->next->previous : &supervisor->last) = child->previous;
    supervisor->count--;
    talloc_free(child);
}

/* ---------------------------------------------------------------- those that run */

/** One more of those alike; it does not run yet. */
static struct child make_alike(const struct supervisor *supervisor, void *argument)
{
    struct child child = {.spec = supervisor->like};
    child.spec.argument = argument;
    return child;
}

/** The running child of this pid, or NULL. @param room  where one of those alike is made */
static struct child *find_running(const struct supervisor *supervisor, kt_pid pid,
                                  struct child *room)
{
    const struct kt_map_slot *slot = kt_map_find(&supervisor->running, pid);
    if (!slot || !is_simple(supervisor))
        return slot ? slot->value : NULL;
    uintptr_t restarts = (uintptr_t)kt_map_get(&supervisor->restarted, pid);
    *room = make_alike(supervisor, slot->value);
    room->pid = pid;
    room->starts = (uint16_t)(restarts < UINT16_MAX ? restarts + 1 : UINT16_MAX);
    return room;
}

static int put_running(struct supervisor *supervisor, struct child *child)
{
    if (!is_simple(supervisor))
        return kt_map_put(&supervisor->running, child->pid, child);
    if (child->starts > 0 &&
        kt_map_put(&supervisor->restarted, child->pid, (void *)(uintptr_t)child->starts) < 0)
        return -ENOMEM;
    return kt_map_put(&supervisor->running, child->pid, child->spec.argument);
}

/** What becomes of a child is no longer an event. */
static void take_running(struct supervisor *supervisor, kt_pid pid)
{
    kt_map_take(&supervisor->running, pid);
    kt_map_take(&supervisor->restarted, pid);
}

/* ---------------------------------------------------------------- starting and stopping one */

static const char *child_name(const struct child *child)
{
    return child->spec.id       ? child->spec.id
           : child->spec.server ? child->spec.server->label
                                : "child";
}

static int spawn_process(const struct child *child, struct kt_process **ret_process)
{
    kt_pid pid;
    int status = kt_spawn(&(struct kt_spawn){.label = child->spec.id ? NULL : child_name(child)},
                          child->spec.function, child->spec.argument, &pid);
    if (status < 0)
        return status;
    *ret_process = kt_process_find(pid);
    if (child->spec.id)
        kt_label_set(*ret_process, child->spec.id); /* which may end before the process */
    return 0;
}

static int spawn_supervisor(const struct kt_supervisor *supervisor,
                            const struct kt_server_start *options, struct kt_process **ret_process);

static int spawn_child(const struct child *child, struct kt_process **ret_process)
{
    const struct kt_child *spec = &child->spec;
    const struct kt_server_start options = {.name = spec->name};
    if (spec->server)
        return kt_server_spawn(spec->server, &options, spec->argument, ret_process);
    if (spec->supervisor)
        return spawn_supervisor(spec->supervisor, &options, ret_process);
    return spawn_process(child, ret_process);
}

/** Start a child; from before its first turn on, the end of either is told to the other. */
static int start_child(struct supervisor *supervisor, struct child *child)
{
    struct kt_process *process;
    int status = spawn_child(child, &process);
    if (status < 0)
        return status;
    child->pid = process->pid;
    process->restarts = child->starts;
    status = put_running(supervisor, child);
    process->is_supervised = status == 0;
    if (status < 0)
        kt_signal(child->pid, KT_EXIT_KILL, "out of memory");
    else if (process->is_server)
        status = kt_server_await_init(process);
    if (status < 0) {
        take_running(supervisor, child->pid);
        child->pid = KT_PID_NONE;
    } else if (child->starts < UINT16_MAX) {
        child->starts++;
    }
    return status;
}

static int64_t shutdown_ms(const struct child *child)
{
    if (child->spec.shutdown_ms != KT_SHUTDOWN_DEFAULT)
        return child->spec.shutdown_ms;
    return child->spec.supervisor ? KT_SHUTDOWN_INFINITY : SHUTDOWN_MS_DEFAULT;
}

/** Ask a child to end (or kill it); its exit is no longer told. */
static void ask_to_end(const struct child *child)
{
    kt_unlink(child->pid);
    bool is_kill = child->spec.shutdown_ms == KT_SHUTDOWN_KILL;
    kt_signal(child->pid, is_kill ? KT_EXIT_KILL : KT_EXIT_SHUTDOWN, "stopped by its supervisor");
}

/** Wait for the end of a child that was asked at this time, and kill it when it takes too long. */
static void hurry(const struct child *child, int64_t asked_ms)
{
    if (shutdown_ms(child) < 0)
        return; /* it has all the time in the world, or is being killed already */
    int64_t left_ms = asked_ms + shutdown_ms(child) - kt_now_ms();
    bool is_late =
        left_ms > 0 ? kt_join(child->pid, left_ms) == -ETIMEDOUT : kt_is_alive(child->pid);
    if (!is_late)
        return;
    kt_log_warning("%s did not stop within %lld ms: killed", child_name(child),
                   (long long)shutdown_ms(child));
    kt_signal(child->pid, KT_EXIT_KILL, "did not stop in time");
}

static void await_end(struct child *child)
{
    kt_join(child->pid, -1);
    child->pid = KT_PID_NONE;
}

static void stop_child(struct supervisor *supervisor, struct child *child)
{
    if (!child->pid)
        return;
    take_running(supervisor, child->pid);
    ask_to_end(child);
    hurry(child, kt_now_ms());
    await_end(child);
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

static int compare_places(const void *left, const void *right)
{
    const kt_pid *one = left, *other = right;
    uint32_t place = (uint32_t)*one, other_place = (uint32_t)*other;
    return (place > other_place) - (place < other_place);
}

/** All that run, in the order in which processes lie in memory: that is several times faster to go
 * through than the map's order. */
static kt_pid *list_running(const struct supervisor *supervisor)
{
    kt_pid *pids =
        kt_must(talloc_array(supervisor, kt_pid, (unsigned)supervisor->running.count + 1));
    const struct kt_map_slot *slot;
    size_t count = 0;
    for (size_t place = 0; (slot = kt_map_next(&supervisor->running, &place));)
        pids[count++] = slot->key;
    pids[count] = KT_PID_NONE;
    qsort(pids, count, sizeof *pids, compare_places);
    return pids;
}

/** The children of a dynamic supervisor all end at once. */
static void stop_together(struct supervisor *supervisor)
{
    int64_t start = kt_now_ms();
    kt_pid *pids = list_running(supervisor);
    struct child room;
    for (const kt_pid *pid = pids; *pid; pid++)
        ask_to_end(find_running(supervisor, *pid, &room));
    for (const kt_pid *pid = pids; *pid; pid++)
        hurry(find_running(supervisor, *pid, &room), start);
    for (const kt_pid *pid = pids; *pid; pid++)
        await_end(find_running(supervisor, *pid, &room));
    kt_map_clear(&supervisor->running);
    kt_map_clear(&supervisor->restarted);
    talloc_free(pids);
}

static void stop_all(struct supervisor *supervisor)
{
    if (is_dynamic(supervisor))
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
    case KT_SIMPLE_ONE_FOR_ONE:
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
        if (child->spec.restart == KT_TEMPORARY || is_dynamic(supervisor))
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
    struct child room, *child = find_running(supervisor, down->pid, &room);
    take_running(supervisor, down->pid);
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
    if (is_simple(supervisor) || count_kinds(&spec) != 1 || (!spec.id && !is_dynamic(supervisor)))
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

static struct answer add_like(struct supervisor *supervisor, void *argument)
{
    if (!is_simple(supervisor))
        return (struct answer){-EINVAL, KT_PID_NONE};
    struct child child = make_alike(supervisor, argument);
    int status = start_child(supervisor, &child);
    return (struct answer){status, child.pid};
}

static struct answer stop_one(struct supervisor *supervisor, kt_pid pid)
{
    struct child room, *child = find_running(supervisor, pid, &room);
    if (!child)
        return (struct answer){-ENOENT, KT_PID_NONE};
    stop_child(supervisor, child);
    if (child->spec.restart == KT_TEMPORARY || is_dynamic(supervisor))
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
    case ADD_LIKE:
        answer = add_like(supervisor, *(void *const *)call->data);
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
        uint64_t running = supervisor->running.count;
        struct kt_supervisor_count count = {is_simple(supervisor) ? running : supervisor->count,
                                            running, supervisor->restarts};
        kt_reply(&from, 0, &count, sizeof count);
        return;
    }
    case STOP:
        kt_exit(KT_EXIT_NORMAL, NULL); /* the caller waits for the end */
    }
    kt_reply(&from, 0, &answer, sizeof answer);
}

/* ---------------------------------------------------------------- the supervisor's own life */

/** It has ended, whatever of: so do those of its children that it has not stopped. */
static int release(struct supervisor *supervisor)
{
    const struct kt_process *self = supervisor->process;
    const struct kt_map_slot *slot;
    for (size_t place = 0; (slot = kt_map_next(&supervisor->running, &place));) {
        struct kt_process *child = kt_process_find(slot->key);
        if (child && child->is_supervised)
            kt_signal_from(child, self->pid, self->exit_kind,
                           self->exit_text ? self->exit_text : "", true);
    }
    kt_map_clear(&supervisor->running);
    kt_map_clear(&supervisor->restarted);
    return 0;
}

/** The only child of a specification is what all will be like. */
static int take_like(struct supervisor *supervisor, const struct kt_child *children)
{
    if (!children || count_kinds(&children[0]) != 1 || count_kinds(&children[1]) != 0 ||
        children[0].id || children[0].name)
        return -EINVAL;
    supervisor->like = children[0];
    return 0;
}

static int start_first(struct supervisor *supervisor, const struct kt_child *children)
{
    for (const struct kt_child *child = children; child && count_kinds(child); child++) {
        if (count_kinds(child) != 1 || !child->id || find_id(supervisor, child->id))
            return -EINVAL;
        append(supervisor, child);
    }
    int status = start_from(supervisor, supervisor->first);
    if (status < 0)
        stop_all(supervisor);
    return status;
}

static int init(void *argument, void **ret_state)
{
    const struct kt_supervisor *spec = argument;
    runtime.current->is_supervisor = true;
    struct supervisor *supervisor = kt_must(talloc_zero(kt_self_memory(), struct supervisor));
    talloc_set_destructor(supervisor, release);
    *ret_state = supervisor;
    supervisor->process = runtime.current;
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
    return is_simple(supervisor) ? take_like(supervisor, spec->children)
                                 : start_first(supervisor, spec->children);
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

static int spawn_supervisor(const struct kt_supervisor *supervisor,
                            const struct kt_server_start *options, struct kt_process **ret_process)
{
    int status = kt_server_spawn(&server, options, (void *)(uintptr_t)supervisor, ret_process);
    if (status == 0 && supervisor->label)
        kt_label_set(*ret_process, supervisor->label);
    return status;
}

int kt_supervisor_start(const struct kt_supervisor *supervisor, const char *name, kt_pid *ret_pid)
{
    struct kt_process *process;
    kt_pid pid = KT_PID_NONE;
    int status = spawn_supervisor(supervisor, &(struct kt_server_start){.name = name, .link = true},
                                  &process);
    if (status == 0) {
        pid = process->pid;
        status = kt_server_await_init(process);
    }
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

int kt_supervisor_add_like(kt_pid supervisor, void *argument, kt_pid *ret_pid)
{
    return ask(supervisor, ADD_LIKE, &argument, sizeof argument, ret_pid);
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
