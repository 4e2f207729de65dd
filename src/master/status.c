/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The master's status as JSON: itself, and each worker as the master sees it, from the shared
 * pages, without asking the workers.
 */
#include "config.h"

#include "base/word.h"
#include "master/control.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void add_number(cJSON *object, const char *name, uint64_t number)
{
    cJSON_AddNumberToObject(object, name, (double)number);
}

static void add_slot(cJSON *workers, const struct kt_slot *slot, int64_t now_ms)
{
    cJSON *worker = cJSON_CreateObject();
    const struct kt_note *note = slot->note;
    bool is_alive = slot->state != KT_SLOT_EMPTY;
    add_number(worker, "worker", slot->number);
    add_number(worker, "generation", slot->generation->number);
    const char *state = kt_slot_state_name(slot->state);
    if (!is_alive && slot->restart_ms > 0)
        state = slot->restart_count > 0 ? "restarting" : kt_slot_state_name(KT_SLOT_STARTING);
    cJSON_AddStringToObject(worker, "state", state);
    add_number(worker, "pid", (uint64_t)slot->pid);
    add_number(worker, "uptime_ms", is_alive ? (uint64_t)(now_ms - slot->started_ms) : 0);
    add_number(worker, "restarts", slot->restart_count);
    add_number(worker, "requests", is_alive ? atomic_load(&note->requests) : 0);
    add_number(worker, "requests_total",
               slot->requests_before + atomic_load(&note->requests_total));
    add_number(worker, "processes", is_alive ? atomic_load(&note->processes) : 0);
    if (slot->state == KT_SLOT_EMPTY && slot->restart_ms > now_ms)
        add_number(worker, "restart_in_ms", (uint64_t)(slot->restart_ms - now_ms));
    if (slot->failure[0] != '\0') {
        cJSON *failure = cJSON_AddObjectToObject(worker, "last_failure");
        cJSON_AddStringToObject(failure, "text", slot->failure);
        add_number(failure, "unix_ms", (uint64_t)slot->failure_unix_ms);
    }
    cJSON_AddStringToObject(worker, "control", strrchr(slot->control_path, '/') + 1);
    cJSON_AddItemToArray(workers, worker);
}

static void add_crash(cJSON *plugin, const struct kt_suspect *suspect)
{
    cJSON *crash = cJSON_AddObjectToObject(plugin, "last_crash");
    cJSON_AddStringToObject(crash, "text", suspect->text);
    add_number(crash, "unix_ms", (uint64_t)suspect->crash_unix_ms);
    cJSON *backtrace = cJSON_AddArrayToObject(crash, "backtrace");
    const char *cursor = suspect->backtrace, *word;
    size_t length;
    while ((length = kt_word_next(&cursor, &word)) > 0) {
        char frame[KT_NOTE_NAME_MAX + 24];
        snprintf(frame, sizeof(frame), "%.*s", (int)length, word);
        cJSON_AddItemToArray(backtrace, cJSON_CreateString(frame));
    }
}

/** The plugins of the configuration, and what became of those that crashed. */
static void add_plugins(cJSON *document, const struct kt_master *master, int64_t now_ms)
{
    const struct kt_generation *generation = master->current ? master->current : master->incoming;
    cJSON *plugins = cJSON_AddArrayToObject(document, "plugins");
    if (generation == NULL)
        return;
    const struct kt_quarantine_policy policy = kt_quarantine_policy_of(generation->settings);
    const char *cursor = generation->settings->plugins, *word;
    size_t length;
    while ((length = kt_word_next(&cursor, &word)) > 0) {
        char name[KT_SUSPECT_NAME_MAX];
        snprintf(name, sizeof(name), "%.*s", (int)length, word);
        const struct kt_suspect *suspect = kt_quarantine_find(master->quarantine, name);
        cJSON *plugin = cJSON_CreateObject();
        cJSON_AddStringToObject(plugin, "name", name);
        cJSON_AddStringToObject(plugin, "state",
                                suspect ? kt_suspect_state(suspect, &policy, now_ms) : "well");
        add_number(plugin, "crashes_total", suspect ? suspect->crashes_total : 0);
        if (suspect != NULL && suspect->until_ms > now_ms) {
            add_number(plugin, "quarantine_crashes", suspect->crashes);
            add_number(plugin, "quarantine_left_ms", (uint64_t)(suspect->until_ms - now_ms));
        }
        if (suspect != NULL)
            add_crash(plugin, suspect);
        cJSON_AddItemToArray(plugins, plugin);
    }
}

static void add_registry(cJSON *document, const struct kt_registry_place *place, int64_t now_ms)
{
    cJSON *registry = cJSON_AddObjectToObject(document, "registry");
    uint64_t files = 0;
    for (size_t i = 0; i < KT_FILES_MAX; i++)
        files += place->file_fds[i] >= 0;
    cJSON_AddStringToObject(registry, "state", kt_place_state_name(place->state));
    add_number(registry, "pid", (uint64_t)place->pid);
    add_number(registry, "uptime_ms", place->pid != 0 ? (uint64_t)(now_ms - place->started_ms) : 0);
    add_number(registry, "restarts", place->restart_count);
    add_number(registry, "files", files);
    if (place->failure[0] == '\0')
        return;
    cJSON *failure = cJSON_AddObjectToObject(registry, "last_failure");
    add_number(failure, "unix_ms", (uint64_t)place->failure_unix_ms);
    cJSON_AddStringToObject(failure, "text", place->failure);
}

/** What the master listens on; during the first start, what it will. */
static void add_addresses(cJSON *document, const struct kt_master *master)
{
    const struct kt_generation *generation = master->current ? master->current : master->incoming;
    cJSON *addresses = cJSON_AddArrayToObject(document, "listen");
    for (unsigned i = 0; generation != NULL && i < generation->listeners->count; i++)
        cJSON_AddItemToArray(addresses, cJSON_CreateString(generation->listeners->list[i].address));
}

char *kt_master_status(const struct kt_master *master)
{
    int64_t now = kt_master_now_ms();
    cJSON *document = cJSON_CreateObject();
    cJSON_AddStringToObject(document, "version", PACKAGE_VERSION);
    add_number(document, "pid", (uint64_t)getpid());
    cJSON_AddStringToObject(document, "state",
                            (master->incoming != NULL || master->is_handing_over) &&
                                    master->state == KT_MASTER_RUNNING
                                ? "reloading"
                                : kt_master_state_name(master->state));
    add_number(document, "uptime_ms", (uint64_t)(now - master->started_ms));
    add_number(document, "generation", master->current ? master->current->number : 0);
    cJSON_AddStringToObject(document, "config", master->config_path);
    cJSON_AddStringToObject(document, "run_dir", master->run_dir);
    add_addresses(document, master);
    add_registry(document, master->registry, now);
    cJSON *workers = cJSON_AddArrayToObject(document, "workers");
    for (const struct kt_generation *generation = master->generations; generation;
         generation = generation->next)
        for (uint32_t i = 0; i < generation->count; i++)
            if (generation->state != KT_GENERATION_RETIRING ||
                generation->slots[i].state != KT_SLOT_EMPTY)
                add_slot(workers, &generation->slots[i], now);
    add_plugins(document, master, now);
    char *text = cJSON_PrintUnformatted(document);
    cJSON_Delete(document);
    return text;
}
