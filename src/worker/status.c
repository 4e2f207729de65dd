/* SPDX-License-Identifier: BSD-2-Clause */
/* From counters; only who wants a list of the processes makes it walk over them. */
#include "config.h"

#include "worker/status.h"

#include "http/service.h"
#include "http/slow.h"
#include "process/runtime.h"
#include "worker/metric.h"

#include <inttypes.h>
#include <kontor/observe.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/** Processes in one answer; the others are counted. */
#define LISTED_MAX 10000u
/** Places of the table that are looked at before others have their turn: a millisecond or so. */
#define OBSERVED_AT_ONCE 4096u

/** The worker of this OS process. */
static struct {
    const struct kt_worker_start *start;
    const struct kt_plugins *plugins;
    int64_t started_ms;
} status;

void kt_status_start(const struct kt_worker_start *start, const struct kt_plugins *plugins)
{
    status.start = start;
    status.plugins = plugins;
    status.started_ms = kt_now_ms();
}

static void add_number(cJSON *object, const char *name, uint64_t number)
{
    cJSON_AddNumberToObject(object, name, (double)number);
}

/** Process identities do not fit a JSON number. */
static void add_pid(cJSON *object, const char *name, kt_pid pid)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRIx64, pid);
    cJSON_AddStringToObject(object, name, text);
}

/** What a walk over the processes collects. */
struct walk {
    cJSON *list;
    uint64_t listed, omitted;
};

static const char *kind_of(const struct kt_process_info *info)
{
    return info->is_supervisor ? "supervisor" : info->is_server ? "server" : "process";
}

static void visit(const struct kt_process_info *info, void *argument)
{
    struct walk *walk = argument;
    if (walk->listed == LISTED_MAX) {
        walk->omitted++;
        return;
    }
    walk->listed++;
    cJSON *entry = cJSON_CreateObject();
    add_pid(entry, "pid", info->pid);
    if (info->parent != KT_PID_NONE)
        add_pid(entry, "parent", info->parent);
    cJSON_AddStringToObject(entry, "label", info->label != NULL ? info->label : "");
    if (info->name != NULL)
        cJSON_AddStringToObject(entry, "name", info->name);
    if (info->plugin != NULL)
        cJSON_AddStringToObject(entry, "plugin", info->plugin->descriptor->name);
    cJSON_AddStringToObject(entry, "kind", kind_of(info));
    cJSON_AddStringToObject(entry, "state", info->state);
    cJSON_AddStringToObject(entry, "waits_for", info->waits_for);
    cJSON_AddBoolToObject(entry, "stack", info->has_stack);
    add_number(entry, "messages", info->messages);
    add_number(entry, "memory_bytes", info->memory_bytes);
    cJSON_AddItemToArray(walk->list, entry);
}

/** How many answers took how long: those up to each bound, the last one without. */
static void add_durations(cJSON *object, const struct kt_service_counts *counts)
{
    cJSON *array = cJSON_AddArrayToObject(object, "durations");
    for (size_t i = 0; i < KT_DURATIONS; i++) {
        cJSON *entry = cJSON_CreateObject();
        if (kt_service_bounds_us[i] > 0)
            cJSON_AddNumberToObject(entry, "up_to_ms", kt_service_bounds_us[i] / 1000.0);
        add_number(entry, "count", counts->durations[i]);
        cJSON_AddItemToArray(array, entry);
    }
    cJSON_AddNumberToObject(object, "duration_ms_total", (double)counts->duration_ns_total / 1e6);
}

static void add_service(cJSON *document)
{
    struct kt_service_counts counts;
    kt_service_counts(&counts);
    cJSON *object = cJSON_AddObjectToObject(document, "service");
    add_number(object, "connections", counts.connections);
    add_number(object, "requests", counts.requests);
    add_number(object, "requests_total", counts.requests_total);
    add_number(object, "refused_total", counts.refused_total);
    add_number(object, "failed_total", counts.failed_total);
    add_number(object, "slow_total", kt_slow_total());
    add_number(object, "bytes_in_total", counts.bytes_in_total);
    add_number(object, "bytes_out_total", counts.bytes_out_total);
    add_durations(object, &counts);
}

static void add_runtime(cJSON *document)
{
    struct kt_runtime_counts counts;
    kt_runtime_counts(&counts);
    cJSON *object = cJSON_AddObjectToObject(document, "runtime");
    add_number(object, "processes", counts.processes);
    add_number(object, "runnable", counts.runnable);
    add_number(object, "spawned_total", counts.spawned);
    add_number(object, "failed_total", counts.failed);
    add_number(object, "messages_total", counts.messages);
    add_number(object, "stacks", counts.stacks);
    add_number(object, "stacks_held", counts.stacks_held);
}

/** What became of a plugin's crashes before this worker started. */
static void add_past(cJSON *entry, const char *name)
{
    const struct kt_worker_start *start = status.start;
    for (size_t i = 0; i < start->past_count; i++) {
        const struct kt_plugin_past *past = &start->past[i];
        if (strcmp(past->name, name) != 0)
            continue;
        add_number(entry, "crashes_total", past->crashes_total);
        cJSON_AddStringToObject(entry, "last_crash", past->text);
        add_number(entry, "last_crash_ms", (uint64_t)past->crash_unix_ms);
        return;
    }
    add_number(entry, "crashes_total", 0);
}

/** Plugins in quarantine: nothing of them is loaded. */
static void add_left_out(cJSON *array)
{
    for (size_t i = 0; i < status.start->left_out_count; i++) {
        const struct kt_left_out *plugin = &status.start->left_out[i];
        int64_t left_ms = plugin->until_ms - kt_now_ms();
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddStringToObject(entry, "name", plugin->name);
        cJSON_AddStringToObject(entry, "state", "quarantined");
        add_number(entry, "quarantine_left_ms", left_ms > 0 ? (uint64_t)left_ms : 0);
        add_number(entry, "processes", 0);
        add_past(entry, plugin->name);
        cJSON_AddItemToArray(array, entry);
    }
}

static void add_plugins(cJSON *document, const struct kt_plugins *plugins)
{
    cJSON *array = cJSON_AddArrayToObject(document, "plugins");
    for (size_t i = 0; i < plugins->count; i++) {
        const struct kt_plugin *plugin = plugins->list[i];
        const struct kt_plugin_descriptor *descriptor = plugin->descriptor;
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddStringToObject(entry, "name", descriptor->name);
        cJSON_AddStringToObject(entry, "version",
                                descriptor->version != NULL ? descriptor->version : "");
        cJSON_AddStringToObject(entry, "summary",
                                descriptor->summary != NULL ? descriptor->summary : "");
        cJSON_AddStringToObject(entry, "path", plugin->path);
        cJSON_AddStringToObject(entry, "state",
                                plugin->supervisor != KT_PID_NONE ? "running" : "stopped");
        add_number(entry, "processes", plugin->processes);
        add_past(entry, descriptor->name);
        cJSON_AddItemToArray(array, entry);
    }
    add_left_out(array);
}

cJSON *kt_status_make(bool with_processes)
{
    cJSON *document = cJSON_CreateObject();
    add_number(document, "worker", status.start->number);
    add_number(document, "generation", status.start->generation);
    add_number(document, "node", status.start->node);
    add_number(document, "pid", (uint64_t)getpid());
    cJSON_AddStringToObject(document, "state", kt_worker_state());
    add_number(document, "uptime_ms", (uint64_t)(kt_now_ms() - status.started_ms));
    add_number(document, "restarts_total", status.start->restarts_total);
    add_service(document);
    add_runtime(document);
    add_plugins(document, status.plugins);
    cJSON_AddItemToObject(document, "metrics", kt_metrics_list());
    if (with_processes) {
        struct walk walk = {.list = cJSON_CreateArray()};
        kt_runtime_each(true, visit, &walk);
        cJSON_AddItemToObject(document, "processes", walk.list);
        add_number(document, "processes_omitted", walk.omitted);
    }
    return document;
}

/* ---------------------------------------------------------------- for plugins */

cJSON *kt_observe_worker(void)
{
    return kt_status_make(false);
}

_Static_assert(KT_OBSERVED_DURATIONS == KT_DURATIONS, "plugins see all of them");

void kt_observe_bounds(double ret_bounds_ms[KT_OBSERVED_DURATIONS])
{
    for (size_t i = 0; i < KT_DURATIONS; i++)
        ret_bounds_ms[i] = kt_service_bounds_us[i] / 1000.0;
}

cJSON *kt_observe_slow(void)
{
    return kt_slow_list();
}

cJSON *kt_observe_connections(void)
{
    return kt_service_connections();
}

/** A visit of kt_observe_processes. */
struct observation {
    void (*visit)(const struct kt_observed_process *process, void *argument);
    void *argument;
};

static struct kt_observed_process observed(const struct kt_process_info *info)
{
    return (struct kt_observed_process){
        .pid = info->pid,
        .parent = info->parent,
        .label = info->label != NULL ? info->label : "",
        .name = info->name,
        .plugin = info->plugin != NULL ? info->plugin->descriptor->name : NULL,
        .kind = kind_of(info),
        .state = info->state,
        .waits_for = info->waits_for,
        .has_stack = info->has_stack,
        .messages = info->messages,
        .memory_bytes = info->memory_bytes,
        .age_ms = info->age_ms,
        .turns = info->turns,
        .run_us = info->run_us,
        .restarts = info->restarts,
    };
}

static void observe(const struct kt_process_info *info, void *argument)
{
    const struct observation *observation = argument;
    const struct kt_observed_process process = observed(info);
    observation->visit(&process, observation->argument);
}

bool kt_observe_process(kt_pid pid, struct kt_observed_process *ret_process)
{
    struct kt_process_info info;
    if (!kt_runtime_look(pid, &info))
        return false;
    *ret_process = observed(&info);
    return true;
}

void kt_observe_processes(bool with_memory,
                          void (*visit_it)(const struct kt_observed_process *process,
                                           void *argument),
                          void *argument)
{
    struct observation observation = {visit_it, argument};
    uint32_t at = 0;
    while (kt_runtime_each_part(&at, OBSERVED_AT_ONCE, with_memory, observe, &observation))
        kt_yield();
}
