/* SPDX-License-Identifier: BSD-2-Clause */
/* From counters, and one walk over the processes. */
#include "config.h"

#include "worker/status.h"

#include "http/service.h"
#include "process/runtime.h"

#include <inttypes.h>
#include <kontor/observe.h>
#include <stdio.h>
#include <unistd.h>

/** Processes in one answer; the others are counted. */
#define LISTED_MAX 10000u

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
    uint64_t per_plugin[KT_PLUGINS_MAX + 1]; /**< 0: the house */
    cJSON *list;                             /**< NULL: only count */
    uint64_t listed, omitted;
};

static const char *kind_of(const struct kt_process_info *info)
{
    return info->is_supervisor ? "supervisor" : info->is_server ? "server" : "process";
}

static void visit(const struct kt_process_info *info, void *argument)
{
    struct walk *walk = argument;
    uint32_t number = info->plugin != NULL ? info->plugin->number : 0;
    walk->per_plugin[number <= KT_PLUGINS_MAX ? number : 0]++;
    if (walk->list == NULL)
        return;
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
    add_number(object, "spawned_total", counts.spawned);
    add_number(object, "failed_total", counts.failed);
    add_number(object, "messages_total", counts.messages);
    add_number(object, "stacks", counts.stacks);
    add_number(object, "stacks_held", counts.stacks_held);
}

static void add_plugins(cJSON *document, const struct kt_plugins *plugins, const struct walk *walk)
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
        add_number(entry, "processes", walk->per_plugin[plugin->number]);
        cJSON_AddItemToArray(array, entry);
    }
}

cJSON *kt_status_make(bool with_processes)
{
    struct walk walk = {0};
    cJSON *document = cJSON_CreateObject();
    add_number(document, "worker", status.start->number);
    add_number(document, "generation", status.start->generation);
    add_number(document, "node", status.start->node);
    add_number(document, "pid", (uint64_t)getpid());
    cJSON_AddStringToObject(document, "state", kt_worker_state());
    add_number(document, "uptime_ms", (uint64_t)(kt_now_ms() - status.started_ms));
    if (with_processes)
        walk.list = cJSON_CreateArray();
    kt_runtime_each(with_processes, visit, &walk);
    add_service(document);
    add_runtime(document);
    add_plugins(document, status.plugins, &walk);
    if (with_processes) {
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

/** A visit of kt_observe_processes. */
struct observation {
    void (*visit)(const struct kt_observed_process *process, void *argument);
    void *argument;
};

static void observe(const struct kt_process_info *info, void *argument)
{
    const struct observation *observation = argument;
    const struct kt_observed_process process = {
        .pid = info->pid,
        .parent = info->parent,
        .label = info->label != NULL ? info->label : "",
        .name = info->name,
        .plugin = info->plugin != NULL ? info->plugin->descriptor->name : NULL,
        .kind = kind_of(info),
        .state = info->state,
        .has_stack = info->has_stack,
        .messages = info->messages,
        .memory_bytes = info->memory_bytes,
    };
    observation->visit(&process, observation->argument);
}

void kt_observe_processes(bool with_memory,
                          void (*visit_it)(const struct kt_observed_process *process,
                                           void *argument),
                          void *argument)
{
    struct observation observation = {visit_it, argument};
    kt_runtime_each(with_memory, observe, &observation);
}
