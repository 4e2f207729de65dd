/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Quarantine as the master practises it: a worker's death is laid at a plugin's door, and when the
 * set of those in quarantine changes, the workers are replaced by some that are started without
 * them. Which and how long is decided by quarantine.c.
 */
#include "config.h"

#include "master/control.h"
#include "master/master.h"

#include <errno.h>
#include <string.h>

/** After a failed replacement the next one is tried so much later; and workers that lose the
 * registry again and again are replaced so often. */
#define RENEWAL_PAUSE_MS 10000

struct kt_quarantine_policy kt_quarantine_policy_of(const struct kt_settings *settings)
{
    return (struct kt_quarantine_policy){
        .crashes = settings->quarantine_crashes,
        .period_ms = settings->quarantine_period_ms,
        .time_ms = settings->quarantine_time_ms,
        .time_max_ms = settings->quarantine_time_max_ms,
    };
}

/** The cause of the restarts is gone: nobody waits for the end of a pause any more. */
static void forget_restarts(struct kt_master *master, int64_t now_ms)
{
    for (struct kt_generation *generation = master->generations; generation;
         generation = generation->next) {
        for (uint32_t i = 0; i < generation->count; i++) {
            struct kt_slot *slot = &generation->slots[i];
            kt_restarts_reset(slot->restarts);
            if (slot->restart_ms > now_ms)
                slot->restart_ms = now_ms;
        }
    }
}

static void tell_quarantine(const struct kt_suspect *suspect)
{
    kt_log_error("plugin '%s' is quarantined for %lld s after %u crash%s, the last one: %s%s%s; "
                 "its routes answer 503, everything else goes on",
                 suspect->name, (long long)(suspect->time_ms + 999) / 1000, suspect->crashes,
                 suspect->crashes == 1 ? "" : "es", suspect->text,
                 suspect->backtrace[0] != '\0' ? " at " : "", suspect->backtrace);
}

bool kt_master_judge(struct kt_master *master, struct kt_slot *slot)
{
    const struct kt_generation *generation = slot->generation;
    if (slot->culprit[0] == '\0' || generation->state == KT_GENERATION_RETIRING)
        return false;
    const struct kt_quarantine_policy policy = kt_quarantine_policy_of(generation->settings);
    int64_t now = kt_master_now_ms();
    bool is_new;
    const struct kt_suspect *suspect = kt_quarantine_crash(
        master->quarantine, &policy,
        &(struct kt_plugin_crash){
            .plugin = slot->culprit,
            .text = slot->failure,
            .backtrace = slot->backtrace,
            .unix_ms = slot->failure_unix_ms,
            .now_ms = now,
            .starting_ms = (slot->ready_ms > 0 ? slot->ready_ms : now) - slot->started_ms,
        },
        &is_new);
    if (suspect != NULL && is_new) {
        tell_quarantine(suspect);
        forget_restarts(master, now);
    }
    if (suspect == NULL || policy.crashes == 0)
        return false;
    bool was_left_out = suspect->until_ms != 0 && !is_new &&
                        slot->quarantine_version == master->quarantine->version;
    return !was_left_out; /* else it was something else, which starting again may not mend */
}

int kt_master_release(struct kt_master *master, const char *name, struct kt_error *error)
{
    if (kt_quarantine_release(master->quarantine, name, kt_master_now_ms()) == 0 && name != NULL)
        return kt_error_set(error, -ENOENT, "plugin '%.*s' is not in quarantine",
                            KT_SUSPECT_NAME_MAX, name);
    master->renewal_ms = 0;
    return 0;
}

/** Why a worker is to be replaced. @param ret_ms  from when on @return NULL: it is not to be */
static const char *find_reason(const struct kt_master *master, const struct kt_slot *slot,
                               int64_t *ret_ms)
{
    *ret_ms = 0;
    if (slot->state != KT_SLOT_STARTING && slot->state != KT_SLOT_SERVING)
        return NULL;
    if (slot->life != master->registry->life)
        return "the registry they rely on is gone";
    if (slot->quarantine_version != master->quarantine->version)
        return "other plugins are in quarantine than before";
    if (!slot->is_cut_off)
        return NULL;
    *ret_ms = master->reconnect_ms;
    return "one of them has lost the registry";
}

/** Why the workers are to be replaced. @param ret_ms  from when on @return NULL: they are not */
static const char *find_first_reason(const struct kt_master *master, int64_t *ret_ms)
{
    const struct kt_generation *current = master->current;
    const char *first = NULL;
    *ret_ms = INT64_MAX;
    for (uint32_t i = 0; current != NULL && i < current->count; i++) {
        int64_t from_ms;
        const char *reason = find_reason(master, &current->slots[i], &from_ms);
        if (reason != NULL && from_ms < *ret_ms) {
            first = reason;
            *ret_ms = from_ms;
        }
    }
    return first;
}

bool kt_master_is_stale(const struct kt_master *master)
{
    int64_t from_ms;
    find_first_reason(master, &from_ms);
    return from_ms <= kt_master_now_ms();
}

/** Replace the workers; their configuration stays. */
static void renew(struct kt_master *master, int64_t now_ms)
{
    struct kt_error error;
    int64_t from_ms;
    kt_log_notice("replacing the workers: %s", find_first_reason(master, &from_ms));
    /* should it not get ready, or not keep the registry */
    master->renewal_ms = master->reconnect_ms = now_ms + RENEWAL_PAUSE_MS;
    if (kt_generation_start(master, master->current->config, master->current->settings, &error) <
        0) {
        kt_log_error("the workers cannot be replaced: %s", error.text);
        kt_master_control_settled(master->control, error.text);
    }
}

void kt_master_isolate(struct kt_master *master, int64_t now_ms)
{
    const struct kt_suspect *suspect;
    while ((suspect = kt_quarantine_expire(master->quarantine, now_ms)) != NULL)
        kt_log_notice("plugin '%s' was in quarantine for %lld s and is tried again", suspect->name,
                      (long long)(suspect->time_ms + 999) / 1000);
    if (master->state == KT_MASTER_RUNNING && master->incoming == NULL &&
        !master->is_handing_over && kt_registry_place_is_open(master->registry) &&
        now_ms >= master->renewal_ms && kt_master_is_stale(master))
        renew(master, now_ms);
}

int64_t kt_master_isolate_deadline(const struct kt_master *master)
{
    int64_t deadline = kt_quarantine_deadline(master->quarantine), from_ms;
    if (master->state != KT_MASTER_RUNNING || master->incoming != NULL || master->is_handing_over ||
        !kt_registry_place_is_open(master->registry))
        return deadline;
    find_first_reason(master, &from_ms);
    if (from_ms < master->renewal_ms)
        from_ms = master->renewal_ms;
    return from_ms < deadline ? from_ms : deadline;
}
