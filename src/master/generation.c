/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Generations: a reload starts a new one beside the current, and the current one retires when the
 * new one is ready, so there is always somebody at the door.
 */
#include "config.h"

#include "master/control.h"
#include "master/master.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/** While there is no registry to connect a worker to, look again so often. */
#define REGISTRY_PAUSE_MS 20

static void set_state(struct kt_generation *generation, enum kt_generation_state state)
{
    kt_log_debug("generation %u: %s → %s", generation->number,
                 kt_generation_state_name(generation->state), kt_generation_state_name(state));
    generation->state = state;
}

/** Let go of what only the master needs. */
static void close_masters(const struct kt_master *master)
{
    close(master->signal_fd);
    close(master->lock_fd);
    if (master->report_fd >= 0)
        close(master->report_fd);
    kt_master_control_close_inherited(master->control);
}

void kt_generations_close_inherited(void *argument)
{
    const struct kt_master *master = argument;
    close_masters(master);
    for (const struct kt_generation *one = master->generations; one; one = one->next) {
        for (uint32_t i = 0; i < one->count; i++) {
            if (one->slots[i].fd >= 0)
                close(one->slots[i].fd);
            close(one->slots[i].control_fd);
        }
    }
    const struct kt_generation *present = master->incoming ? master->incoming : master->current;
    for (unsigned i = 0; present != NULL && i < present->listeners->count; i++)
        close(present->listeners->list[i].fd);
}

/** In a new worker: what is the master's, the registry's or another worker's. */
static void close_inherited(void *argument, const struct kt_slot *slot)
{
    const struct kt_master *master = argument;
    close_masters(master);
    for (const struct kt_generation *other = master->generations; other; other = other->next) {
        for (uint32_t i = 0; i < other->count; i++) {
            const struct kt_slot *neighbour = &other->slots[i];
            if (neighbour->fd >= 0)
                close(neighbour->fd);
            if (neighbour != slot && neighbour->control_fd >= 0)
                close(neighbour->control_fd);
        }
    }
    const struct kt_listeners *own = slot->generation->listeners;
    const struct kt_listeners *present = master->current ? master->current->listeners : NULL;
    for (unsigned i = 0; present != NULL && present != own && i < present->count; i++) {
        bool is_own = false;
        for (unsigned j = 0; j < own->count; j++)
            is_own = is_own || own->list[j].fd == present->list[i].fd;
        if (!is_own)
            close(present->list[i].fd);
    }
}

static bool is_node_taken(void *argument, uint32_t node)
{
    const struct kt_master *master = argument;
    for (const struct kt_generation *one = master->generations; one; one = one->next)
        for (uint32_t i = 0; i < one->count; i++)
            if (one->slots[i].state != KT_SLOT_EMPTY && one->slots[i].node == node)
                return true;
    return false;
}

static void start_slot(struct kt_master *master, struct kt_slot *slot)
{
    struct kt_error error;
    bool is_first;
    if (!kt_registry_place_is_open(master->registry)) {
        slot->restart_ms = kt_master_now_ms() + REGISTRY_PAUSE_MS;
        return;
    }
    const struct kt_fork how = {
        .close_inherited = close_inherited,
        .argument = master,
        .plugin_owner = master->owner,
        .quarantine = master->quarantine,
        .registry = master->registry,
        .is_node_taken = is_node_taken,
    };
    if (kt_slot_start(slot, &how, &error) == 0)
        return;
    kt_log_error("worker %u: %s", slot->number, error.text);
    if (slot->generation == master->incoming) {
        kt_generation_abort(master, error.text);
        return;
    }
    int64_t now = kt_master_now_ms();
    int64_t pause = kt_restarts_pause(slot->restarts, now, 0, &is_first);
    slot->restart_ms = now + (pause > 0 ? pause : KT_RESTART_PAUSE_FIRST_MS);
}

/** A renewal has the configuration of those it replaces, and owns it when they are gone. */
static int share_configuration(struct kt_generation *generation,
                               const struct kt_generation *current)
{
    return talloc_reference(generation, current->config) != NULL &&
                   talloc_reference(generation, current->settings) != NULL
               ? 0
               : -ENOMEM;
}

/** A place keeps its number, and with it how often it needed another worker. */
static void carry_restarts(struct kt_generation *to, const struct kt_generation *from)
{
    for (uint32_t i = 0; from != NULL && i < to->count && i < from->count; i++)
        to->slots[i].restarts_before =
            from->slots[i].restarts_before + from->slots[i].restart_count;
}

int kt_generation_start(struct kt_master *master, struct kt_config *config,
                        struct kt_settings *settings, struct kt_error *error)
{
    struct kt_generation *generation = talloc_zero(NULL, struct kt_generation);
    if (generation == NULL)
        return kt_error_set(error, -ENOMEM, "out of memory");
    struct kt_problems *problems = kt_problems_new(generation);
    int result = problems != NULL ? 0 : -ENOMEM;
    const struct kt_listeners *present = master->current ? master->current->listeners : NULL;
    generation->settings = settings;
    generation->is_renewal = master->current != NULL && config == master->current->config;
    if (result == 0 && generation->is_renewal)
        result = share_configuration(generation, master->current);
    if (result == 0)
        result = kt_listeners_open(generation, settings, present, problems, &generation->listeners);
    if (result < 0) {
        const char *text = problems != NULL ? kt_problems_text(problems, 0) : NULL;
        kt_error_set(error, result, "%s", text != NULL ? text : "out of memory");
        for (size_t i = 1; problems != NULL && kt_problems_text(problems, i) != NULL; i++)
            kt_log_error("%s", kt_problems_text(problems, i));
        goto fail;
    }
    generation->number = master->last_generation + 1;
    generation->count = settings->workers;
    result = kt_slots_open(generation, master->run_dir, error);
    if (result < 0) {
        kt_slots_close(generation);
        kt_listeners_close(generation->listeners, present);
        goto fail;
    }
    carry_restarts(generation, master->current);
    generation->config = config;
    if (!generation->is_renewal) {
        talloc_steal(generation, config);
        talloc_steal(generation, settings);
    }
    master->last_generation = generation->number;
    generation->next = master->generations;
    master->generations = generation;
    master->incoming = generation;
    generation->slots[0].restart_ms = kt_master_now_ms(); /* from the loop, at its next turn */
    return 0;
fail:
    talloc_free(generation);
    return result;
}

static void commit(struct kt_master *master)
{
    struct kt_generation *old = master->current;
    master->current = master->incoming;
    master->incoming = NULL;
    set_state(master->current, KT_GENERATION_SERVING);
    carry_restarts(master->current, old); /* some may have died meanwhile */
    kt_quarantine_forget_others(master->quarantine, master->current->settings->plugins);
    if (old != NULL) {
        kt_listeners_close(old->listeners, master->current->listeners);
        kt_generation_retire(old, true);
    }
    master->is_handing_over = true;
}

/** Settle the current generation when no worker is left that may let a request in. */
static void end_handover(struct kt_master *master)
{
    for (const struct kt_generation *one = master->generations; one; one = one->next)
        for (uint32_t i = 0; i < one->count; i++)
            if (one->slots[i].is_handing_over)
                return;
    master->is_handing_over = false;
    kt_master_settled(master, master->current, NULL);
}

/** Start the workers after the first; commit when all serve. */
static void complete(struct kt_master *master)
{
    struct kt_generation *incoming = master->incoming;
    bool is_complete = true;
    for (uint32_t i = 0; i < incoming->count && master->incoming == incoming; i++) {
        struct kt_slot *slot = &incoming->slots[i];
        if (slot->state == KT_SLOT_EMPTY && slot->restart_ms == 0)
            start_slot(master, slot);
        is_complete = is_complete && slot->state == KT_SLOT_SERVING;
    }
    if (is_complete && master->incoming == incoming)
        commit(master);
}

void kt_generation_advance(struct kt_master *master)
{
    if (master->incoming != NULL && master->incoming->slots[0].ready_ms > 0)
        complete(master);
    if (master->is_handing_over)
        end_handover(master);
}

void kt_generation_retire(struct kt_generation *generation, bool has_heirs)
{
    if (generation->state != KT_GENERATION_RETIRING)
        set_state(generation, KT_GENERATION_RETIRING);
    for (uint32_t i = 0; i < generation->count; i++)
        kt_slot_drain(&generation->slots[i], has_heirs);
}

void kt_generation_abort(struct kt_master *master, const char *why)
{
    struct kt_generation *incoming = master->incoming;
    master->incoming = NULL;
    kt_listeners_close(incoming->listeners, master->current ? master->current->listeners : NULL);
    kt_generation_retire(incoming, false);
    kt_master_settled(master, incoming, why);
}

static bool is_empty(const struct kt_generation *generation)
{
    for (uint32_t i = 0; i < generation->count; i++)
        if (generation->slots[i].state != KT_SLOT_EMPTY)
            return false;
    return true;
}

void kt_generations_sweep(struct kt_master *master)
{
    struct kt_generation **link = &master->generations;
    while (*link != NULL) {
        struct kt_generation *generation = *link;
        if (generation->state != KT_GENERATION_RETIRING || !is_empty(generation)) {
            link = &generation->next;
            continue;
        }
        *link = generation->next;
        kt_log_debug("generation %u is gone", generation->number);
        if (master->current == generation) {
            kt_listeners_close(generation->listeners, NULL);
            master->current = NULL;
        }
        kt_slots_close(generation);
        talloc_free(generation);
    }
}

void kt_generations_tick(struct kt_master *master, int64_t now_ms)
{
    for (struct kt_generation *generation = master->generations; generation;
         generation = generation->next) {
        for (uint32_t i = 0; i < generation->count; i++) {
            struct kt_slot *slot = &generation->slots[i];
            bool is_timed = slot->state == KT_SLOT_STARTING || slot->state == KT_SLOT_DRAINING;
            if (is_timed && now_ms >= slot->deadline_ms)
                kt_slot_expire(slot);
            else if (slot->state == KT_SLOT_SERVING)
                kt_slot_look(slot, now_ms);
            else if (slot->state == KT_SLOT_EMPTY && slot->restart_ms > 0 &&
                     now_ms >= slot->restart_ms)
                start_slot(master, slot);
        }
    }
}

/** Hand a retiring worker's connection to the next worker in turn; without one it is closed. */
static void pass_on(void *argument, int fd)
{
    struct kt_master *master = argument;
    struct kt_generation *heirs = master->current;
    int result = -ENOTCONN;
    for (uint32_t i = 0; heirs != NULL && i < heirs->count && result < 0; i++)
        result = kt_slot_give(&heirs->slots[heirs->heir++ % heirs->count], fd);
    if (result < 0)
        kt_log_debug("an idle connection is closed: no worker takes it");
    close(fd);
}

void kt_generations_reap(struct kt_master *master)
{
    for (struct kt_generation *generation = master->generations; generation;
         generation = generation->next) {
        for (uint32_t i = 0; i < generation->count; i++) {
            struct kt_slot *slot = &generation->slots[i];
            enum kt_slot_end end = kt_slot_reap(slot, pass_on, master);
            bool is_failure = end == KT_SLOT_FAILED || end == KT_SLOT_CRASHED;
            bool is_dealt_with = is_failure && kt_master_judge(master, slot);
            if (end != KT_SLOT_FAILED || generation != master->incoming)
                continue;
            if (is_dealt_with)
                slot->restart_ms = kt_master_now_ms();
            else
                kt_generation_abort(master, slot->failure);
        }
    }
}

void kt_generations_read(struct kt_master *master)
{
    for (struct kt_generation *generation = master->generations; generation;
         generation = generation->next) {
        for (uint32_t i = 0; i < generation->count; i++) {
            struct kt_slot *slot = &generation->slots[i];
            if (slot->fd >= 0 && kt_slot_read(slot, pass_on, master))
                kt_log_info("worker %u (process %d) is ready", slot->number, (int)slot->pid);
        }
    }
}

int64_t kt_generations_deadline(const struct kt_master *master)
{
    int64_t deadline = INT64_MAX;
    for (const struct kt_generation *generation = master->generations; generation;
         generation = generation->next) {
        for (uint32_t i = 0; i < generation->count; i++) {
            const struct kt_slot *slot = &generation->slots[i];
            bool is_timed = slot->state == KT_SLOT_STARTING || slot->state == KT_SLOT_DRAINING;
            int64_t time = is_timed                         ? slot->deadline_ms
                           : slot->state == KT_SLOT_SERVING ? slot->watchdog.look_ms
                           : slot->state == KT_SLOT_EMPTY   ? slot->restart_ms
                                                            : 0;
            if (time > 0 && time < deadline)
                deadline = time;
        }
    }
    return deadline;
}
