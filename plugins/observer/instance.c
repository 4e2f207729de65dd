/* SPDX-License-Identifier: BSD-2-Clause */
/* A server that sleeps between samples. */
#include "instance.h"

#include "history.h"
#include "past.h"
#include "processes.h"

#include <errno.h>
#include <inttypes.h>
#include <kontor/log.h>
#include <kontor/observe.h>
#include <kontor/registry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/** A plugin that has not said by then how it is has other troubles; well below INSTANCE_TIMEOUT_MS.
 */
#define CONTROL_TIMEOUT_MS 500

struct instance {
    struct history *history;
    struct past *past;
};

static uint64_t cpu_ms(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

/** What is in RAM now; 0 when the kernel doesn't tell. */
static uint64_t memory_bytes(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    if (fscanf(file, "%*s %lu", &pages) != 1)
        pages = 0;
    fclose(file);
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static cJSON *make_worker(void)
{
    cJSON *worker = kt_observe_worker();
    cJSON_AddNumberToObject(worker, "cpu_ms", (double)cpu_ms());
    cJSON_AddNumberToObject(worker, "memory_bytes", (double)memory_bytes());
    return worker;
}

/* ---------------------------------------------------------------- questions */

static const char *text_of(const cJSON *question, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(question, name));
    return text ? text : "";
}

/** @return 0 when it is not there, less than 0, or nothing that is counted */
static int64_t number_of(const cJSON *question, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(question, name);
    double value = cJSON_IsNumber(item) ? item->valuedouble : 0;
    return value > 0 && value < 9e15 ? (int64_t)value : 0; /* so far a double knows each integer */
}

static cJSON *kill_process(const cJSON *question)
{
    struct kt_observed_process process;
    kt_pid pid;
    cJSON *json = cJSON_CreateObject();
    bool is_there = processes_read_pid(text_of(question, "pid"), &pid) && pid != KT_PID_NONE &&
                    kt_observe_process(pid, &process);
    bool is_killed = is_there && pid != kt_self();
    cJSON_AddStringToObject(json, "label", is_there ? process.label : "");
    cJSON_AddBoolToObject(json, "killed", is_killed);
    cJSON_AddBoolToObject(json, "is_self", is_there && !is_killed);
    if (is_killed)
        kt_signal(pid, KT_EXIT_KILL, "an operator ended it");
    return json;
}

/** @return json, with the number of this worker */
static cJSON *add_worker(cJSON *json)
{
    cJSON *worker = kt_observe_worker();
    cJSON_AddItemToObject(json, "worker", cJSON_DetachItemFromObject(worker, "worker"));
    cJSON_Delete(worker);
    return json;
}

static cJSON *list_slow(void)
{
    cJSON *json = add_worker(cJSON_CreateObject());
    cJSON_AddItemToObject(json, "requests", kt_observe_slow());
    return json;
}

/** What the plugin mailer of this worker would tell kontorctl. */
static cJSON *ask_mailer(void)
{
    static const char control[] = "mailer" KT_PLUGIN_CONTROL_SUFFIX, words[] = "status";
    const struct kt_message *reply;
    cJSON *json = add_worker(cJSON_CreateObject());
    cJSON_AddNumberToObject(json, "now_ms", (double)kt_unix_ms());
    int result = kt_call(kt_whereis(control), KT_PLUGIN_CONTROL, words, strlen(words),
                         CONTROL_TIMEOUT_MS, &reply);
    cJSON *mailer = result == 0 ? cJSON_ParseWithLength(reply->data, reply->size) : NULL;
    if (mailer)
        cJSON_AddItemToObject(json, "mailer", mailer);
    else if (result != -ESRCH) /* else it isn't loaded */
        kt_log_warning("the mailer does not say how it is: %s",
                       result == 0 ? "no JSON" : strerror(-result));
    return json;
}

static cJSON *answer(struct instance *instance, uint32_t type, const cJSON *question)
{
    cJSON *json;
    switch (type) {
    case INSTANCE_WORKER:
        return make_worker();
    case INSTANCE_PROCESSES:
        return processes_list(question);
    case INSTANCE_KILL:
        return kill_process(question);
    case INSTANCE_HISTORY:
        json = cJSON_CreateObject();
        cJSON_AddItemToObject(json, "samples",
                              history_since(instance->history, number_of(question, "after_ms")));
        return json;
    case INSTANCE_SLOW:
        return list_slow();
    case INSTANCE_CONNECTIONS:
        return add_worker(kt_observe_connections());
    case INSTANCE_MAILER:
        return ask_mailer();
    default:
        return cJSON_CreateObject();
    }
}

static void on_call(void *state, const struct kt_message *call)
{
    struct kt_from from = kt_message_from(call);
    cJSON *question = cJSON_ParseWithLength(call->data, call->size);
    cJSON *json = answer(state, call->type, question);
    char *text = cJSON_PrintUnformatted(json);
    if (text)
        kt_reply(&from, call->type, text, strlen(text) + 1);
    cJSON_free(text);
    cJSON_Delete(json);
    cJSON_Delete(question);
}

/* ---------------------------------------------------------------- life */

/** All workers take their samples at the same multiples of the step. */
static void wait_for_step(void)
{
    kt_server_timeout_at((kt_unix_ms() / HISTORY_STEP_MS + 1) * HISTORY_STEP_MS);
}

static void on_timeout(void *state)
{
    struct instance *instance = state;
    cJSON *worker = make_worker();
    history_add(instance->history, kt_unix_ms() / HISTORY_STEP_MS * HISTORY_STEP_MS, worker);
    cJSON_Delete(worker);
    past_keep(instance->past);
    wait_for_step();
}

static int init(void *argument, void **ret_state)
{
    char key[64], value[128];
    struct instance *instance = talloc_zero(kt_self_memory(), struct instance);
    (void)argument;
    if (!instance || !(instance->history = history_new(instance)) ||
        !(instance->past = past_new(instance, instance->history)))
        return -ENOMEM;
    cJSON *worker = kt_observe_worker();
    snprintf(key, sizeof key, INSTANCE_PREFIX "%" PRIx64, kt_self());
    int size = snprintf(value, sizeof value, INSTANCE_VALUE,
                        cJSON_GetNumberValue(cJSON_GetObjectItem(worker, "worker")),
                        cJSON_GetNumberValue(cJSON_GetObjectItem(worker, "generation")),
                        cJSON_GetNumberValue(cJSON_GetObjectItem(worker, "pid")));
    cJSON_Delete(worker);
    const struct kt_registration what = {.key = key, .value = value, .value_bytes = (size_t)size};
    int result = kt_registry_register(&what, NULL);
    *ret_state = instance;
    on_timeout(instance);
    return result == -ENOTCONN ? 0 : result; /* then this worker is about to be replaced */
}

const struct kt_server instance_server = {
    .label = "observer of this worker",
    .init = init,
    .handle_call = on_call,
    .handle_timeout = on_timeout,
};
