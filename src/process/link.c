/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Links and monitors, and the exit signals that travel over them. One relation object lies in the
 * lists of both its processes, so ending one of two hundred thousand links costs no search. A
 * supervisor and its child are linked without one: the child by a bit, the supervisor by its map.
 */
#include "process/scheduler.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** Free relations kept for re-use. */
#define FREE_MAX 65536u

static struct {
    struct kt_relation *first; /**< chained by half[0].process */
    uint32_t count;
} free_relations;

/* ---------------------------------------------------------------- relations */

static struct kt_relation *relation_of(struct kt_half *half)
{
    return (struct kt_relation *)((char *)(half - half->side) - offsetof(struct kt_relation, half));
}

static struct kt_half *other(struct kt_half *half)
{
    return half->side ? half - 1 : half + 1;
}

static void attach(struct kt_half *half, struct kt_process *process)
{
    half->process = process;
    half->previous = &process->relations;
    half->next = process->relations;
    if (half->next)
        half->next->previous = &half->next;
    process->relations = half;
}

static void detach(struct kt_half *half)
{
    *half->previous = half->next;
    if (half->next)
        half->next->previous = half->previous;
}

int kt_relation_add(struct kt_process *watcher, struct kt_process *watched, uint64_t reference)
{
    struct kt_relation *relation = free_relations.first;
    if (relation) {
        free_relations.first = (struct kt_relation *)(void *)relation->half[0].process;
        free_relations.count--;
    } else {
        relation = malloc(sizeof *relation);
        if (!relation)
            return -ENOMEM;
    }
    if (reference && kt_map_put(&runtime.monitors, reference, relation) < 0) {
        free(relation);
        return -ENOMEM;
    }
    relation->reference = reference;
    relation->half[0].side = 0;
    relation->half[1].side = 1;
    attach(&relation->half[0], watcher);
    attach(&relation->half[1], watched);
    return 0;
}

static void remove_relation(struct kt_relation *relation)
{
    detach(&relation->half[0]);
    detach(&relation->half[1]);
    if (relation->reference)
        kt_map_take(&runtime.monitors, relation->reference);
    if (free_relations.count >= FREE_MAX) {
        free(relation);
        return;
    }
    relation->half[0].process = (struct kt_process *)(void *)free_relations.first;
    free_relations.first = relation;
    free_relations.count++;
}

void kt_link_close(void)
{
    while (free_relations.first) {
        struct kt_relation *relation = free_relations.first;
        free_relations.first = (struct kt_relation *)(void *)relation->half[0].process;
        free(relation);
    }
    free_relations.count = 0;
}

/** Our half of the link with a peer, or NULL. The peer's list is searched: the one who asks is
 * often a supervisor with many links, the peer rarely has more than a few. */
static struct kt_half *find_link(struct kt_process *process, struct kt_process *peer)
{
    for (struct kt_half *half = peer->relations; half; half = half->next)
        if (!relation_of(half)->reference && other(half)->process == process)
            return other(half);
    return NULL;
}

/** Which of the two is supervised by the other, or NULL. */
static struct kt_process *supervised_of(struct kt_process *process, struct kt_process *peer)
{
    return process->is_supervised && process->parent == peer->pid ? process
           : peer->is_supervised && peer->parent == process->pid  ? peer
                                                                  : NULL;
}

/* ---------------------------------------------------------------- signals */

/** Tell a process of an end, by KT_MESSAGE_EXIT or KT_MESSAGE_DOWN. */
static void notify(struct kt_process *to, uint32_t type, kt_pid from, uint64_t reference,
                   enum kt_exit_kind kind, const char *text)
{
    size_t length = strnlen(text, KT_EXIT_TEXT_MAX - 1);
    struct kt_envelope *envelope = kt_envelope_new(type, sizeof(struct kt_down) + length + 1);
    if (!envelope) { /* to lose a signal would be worse than to lose a process */
        kt_exit_set(to, KT_EXIT_KILL, "out of memory for an exit signal");
        return;
    }
    struct kt_down *down = (struct kt_down *)envelope->payload;
    char *copy = (char *)(down + 1);
    memcpy(copy, text, length);
    copy[length] = '\0';
    *down = (struct kt_down){from, reference, {kind, copy}};
    envelope->message.size = sizeof *down;
    envelope->message.from = from;
    kt_deliver(to, envelope);
}

/** A process has a pending exit: bring it to where the scheduler can end it. */
static void interrupt(struct kt_process *process)
{
    if (process->state != KT_STATE_WAITING || process->wait == KT_WAIT_WORK)
        return;
    kt_wake(process, -ECANCELED);
}

void kt_signal_from(struct kt_process *to, kt_pid from, enum kt_exit_kind kind, const char *text,
                    bool is_link)
{
    if (to->state == KT_STATE_ENDING)
        return;
    bool is_kill = kind == KT_EXIT_KILL && !is_link;
    if (to->traps_exits && !is_kill) {
        notify(to, KT_MESSAGE_EXIT, from, 0, kind, text);
        return;
    }
    if (kind == KT_EXIT_NORMAL)
        return;
    kt_exit_set(to, kind, text);
    if (to == runtime.current) {
        if (!to->critical)
            kt_leave_for_ever();
        return;
    }
    interrupt(to);
}

void kt_signal(kt_pid pid, enum kt_exit_kind kind, const char *text)
{
    struct kt_process *process = kt_process_find(pid);
    if (process)
        kt_signal_from(process, kt_self(), kind, text ? text : "", false);
}

static void tell_supervisor(const struct kt_process *process, const struct kt_exit *exit)
{
    struct kt_process *supervisor = kt_process_find(process->parent);
    if (supervisor)
        kt_signal_from(supervisor, process->pid, exit->kind, exit->text, true);
}

void kt_relations_end(struct kt_process *process, const struct kt_exit *exit)
{
    /* A server whose init failed was never there for its parent: the start says so. */
    if (process->is_supervised && !process->is_starting)
        tell_supervisor(process, exit);
    while (process->relations) {
        struct kt_half *half = process->relations;
        struct kt_relation *relation = relation_of(half);
        struct kt_process *peer = other(half)->process;
        uint64_t reference = relation->reference;
        bool is_watched = half->side == 1;
        remove_relation(relation);
        if (reference && is_watched)
            notify(peer, KT_MESSAGE_DOWN, process->pid, reference, exit->kind, exit->text);
        else if (!reference && !(process->is_starting && peer->pid == process->parent))
            kt_signal_from(peer, process->pid, exit->kind, exit->text, true);
    }
}

/* ---------------------------------------------------------------- the public calls */

void kt_trap_exit(bool on)
{
    runtime.current->traps_exits = on;
}

int kt_link(kt_pid pid)
{
    struct kt_process *process = runtime.current, *peer = kt_process_find(pid);
    if (peer == process)
        return 0;
    if (!peer || peer->state == KT_STATE_ENDING) {
        kt_signal_from(process, pid, KT_EXIT_NOPROC, "no such process", true);
        return 0;
    }
    if (supervised_of(process, peer) || find_link(process, peer))
        return 0;
    return kt_relation_add(process, peer, 0);
}

void kt_unlink(kt_pid pid)
{
    struct kt_process *peer = kt_process_find(pid);
    struct kt_process *child = peer ? supervised_of(runtime.current, peer) : NULL;
    if (child) {
        child->is_supervised = false;
        return;
    }
    struct kt_half *half = peer ? find_link(runtime.current, peer) : NULL;
    if (half)
        remove_relation(relation_of(half));
}

int kt_monitor(kt_pid pid, uint64_t *ret_reference)
{
    struct kt_process *peer = kt_process_find(pid);
    *ret_reference = ++runtime.next_reference;
    if (peer && peer->state != KT_STATE_ENDING)
        return kt_relation_add(runtime.current, peer, *ret_reference);
    notify(runtime.current, KT_MESSAGE_DOWN, pid, *ret_reference, KT_EXIT_NOPROC,
           "no such process");
    return 0;
}

void kt_demonitor(uint64_t reference)
{
    struct kt_relation *relation = kt_map_get(&runtime.monitors, reference);
    if (relation && relation->half[0].process == runtime.current)
        remove_relation(relation);
}
