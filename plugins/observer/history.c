/* SPDX-License-Identifier: BSD-2-Clause */
/* Differences of counters; the first sample has nothing to differ from. */
#include "history.h"

#include <math.h>
#include <stdbool.h>

/** Kinds of durations that are counted; more are not kept. */
#define DURATIONS_MAX 24u

struct sample {
    int64_t time_ms;
    uint64_t requests, failed, refused, cpu_ms, processes, connections, running, runnable,
        memory_bytes;
    uint32_t durations[DURATIONS_MAX];
};

struct history {
    uint64_t count; /**< samples ever; the last HISTORY_SAMPLES are there */
    size_t durations;
    bool has_before;
    struct sample before; /**< the counters at the last sample */
    uint64_t durations_before[DURATIONS_MAX];
    struct sample samples[HISTORY_SAMPLES];
};

struct history *history_new(TALLOC_CTX *context)
{
    return talloc_zero(context, struct history);
}

static uint64_t number(const cJSON *object, const char *group, const char *name)
{
    const cJSON *from = group ? cJSON_GetObjectItem(object, group) : object;
    double value = cJSON_GetNumberValue(cJSON_GetObjectItem(from, name));
    return isnan(value) || value < 0 ? 0 : (uint64_t)value;
}

static uint64_t since(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

static void add_durations(struct history *history, struct sample *sample, const cJSON *worker)
{
    const cJSON *entry;
    size_t i = 0;
    const cJSON *service = cJSON_GetObjectItem(worker, "service");
    cJSON_ArrayForEach(entry, cJSON_GetObjectItem(service, "durations"))
    {
        if (i == DURATIONS_MAX)
            break;
        uint64_t count = number(entry, NULL, "count");
        sample->durations[i] = (uint32_t)since(count, history->durations_before[i]);
        history->durations_before[i++] = count;
    }
    history->durations = i;
}

void history_add(struct history *history, int64_t time_ms, const cJSON *worker)
{
    const struct sample now = {
        .time_ms = time_ms,
        .requests = number(worker, "service", "requests_total"),
        .failed = number(worker, "service", "failed_total"),
        .refused = number(worker, "service", "refused_total"),
        .cpu_ms = number(worker, NULL, "cpu_ms"),
        .processes = number(worker, "runtime", "processes"),
        .connections = number(worker, "service", "connections"),
        .running = number(worker, "service", "requests"),
        .runnable = number(worker, "runtime", "runnable"),
        .memory_bytes = number(worker, NULL, "memory_bytes"),
    };
    struct sample *sample = &history->samples[history->count % HISTORY_SAMPLES];
    const struct sample *before = &history->before;
    *sample = now;
    sample->requests = since(now.requests, before->requests);
    sample->failed = since(now.failed, before->failed);
    sample->refused = since(now.refused, before->refused);
    sample->cpu_ms = since(now.cpu_ms, before->cpu_ms);
    add_durations(history, sample, worker);
    history->before = now;
    if (history->has_before)
        history->count++;
    history->has_before = true;
}

static cJSON *make_sample(const struct history *history, const struct sample *sample)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "time_ms", (double)sample->time_ms);
    cJSON_AddNumberToObject(json, "requests", (double)sample->requests);
    cJSON_AddNumberToObject(json, "failed", (double)sample->failed);
    cJSON_AddNumberToObject(json, "refused", (double)sample->refused);
    cJSON_AddNumberToObject(json, "cpu_ms", (double)sample->cpu_ms);
    cJSON *durations = cJSON_AddArrayToObject(json, "durations");
    for (size_t i = 0; i < history->durations; i++)
        cJSON_AddItemToArray(durations, cJSON_CreateNumber(sample->durations[i]));
    cJSON_AddNumberToObject(json, "processes", (double)sample->processes);
    cJSON_AddNumberToObject(json, "connections", (double)sample->connections);
    cJSON_AddNumberToObject(json, "running", (double)sample->running);
    cJSON_AddNumberToObject(json, "runnable", (double)sample->runnable);
    cJSON_AddNumberToObject(json, "memory_bytes", (double)sample->memory_bytes);
    return json;
}

cJSON *history_since(const struct history *history, int64_t after_ms)
{
    cJSON *array = cJSON_CreateArray();
    uint64_t first = history->count > HISTORY_SAMPLES ? history->count - HISTORY_SAMPLES : 0;
    for (uint64_t i = first; i < history->count; i++) {
        const struct sample *sample = &history->samples[i % HISTORY_SAMPLES];
        if (sample->time_ms > after_ms)
            cJSON_AddItemToArray(array, make_sample(history, sample));
    }
    return array;
}
