/* SPDX-License-Identifier: BSD-2-Clause */
/* Differences of counters; the first sample has nothing to differ from. */
#include "history.h"

#include <math.h>
#include <string.h>

/** Kinds of durations that are counted; more are not kept. */
#define DURATIONS_MAX 24u

struct sample {
    int64_t time_ms;
    uint64_t requests, failed, refused, cpu_ms, processes, connections, running, runnable,
        memory_bytes;
    uint32_t durations[DURATIONS_MAX];
};

/** The place of a sample follows from its time, so that two histories can be added. */
struct history {
    int64_t last_ms; /**< of the last sample that was taken here; 0: none yet */
    size_t durations;
    struct sample before; /**< the counters at the last sample */
    uint64_t durations_before[DURATIONS_MAX];
    struct sample samples[HISTORY_SAMPLES]; /**< time_ms 0: none */
};

/** What is packed: this, and behind it samples as they are in memory. */
struct package {
    uint32_t layout, sample_bytes, durations, count;
};

/** Another number with each change of struct sample. */
#define PACKAGE_LAYOUT 0x6b6f6801u

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

static struct sample *place_of(struct history *history, int64_t time_ms)
{
    return &history->samples[(uint64_t)(time_ms / HISTORY_STEP_MS) % HISTORY_SAMPLES];
}

/** Whether it is there, and of the hour that ends with the last one. */
static bool is_recent(const struct history *history, const struct sample *sample)
{
    return sample->time_ms > history->last_ms - HISTORY_SAMPLES * HISTORY_STEP_MS &&
           sample->time_ms <= history->last_ms;
}

static void forget_from(struct history *history, int64_t time_ms)
{
    for (size_t i = 0; i < HISTORY_SAMPLES; i++)
        if (history->samples[i].time_ms >= time_ms)
            history->samples[i] = (struct sample){0};
}

/** Two workers' samples of one time are added up; of two times in one place the later one stays. */
static void merge(struct sample *to, const struct sample *from)
{
    if (from->time_ms > to->time_ms)
        *to = *from;
    else if (from->time_ms == to->time_ms) {
        to->requests += from->requests;
        to->failed += from->failed;
        to->refused += from->refused;
        to->cpu_ms += from->cpu_ms;
        to->processes += from->processes;
        to->connections += from->connections;
        to->running += from->running;
        to->runnable += from->runnable;
        to->memory_bytes += from->memory_bytes;
        for (size_t i = 0; i < DURATIONS_MAX; i++)
            to->durations[i] += from->durations[i];
    }
}

void history_add(struct history *history, int64_t time_ms, const cJSON *worker)
{
    if (time_ms == history->last_ms)
        return;
    if (time_ms < history->last_ms)
        forget_from(history, time_ms);
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
    struct sample sample = now;
    const struct sample *before = &history->before;
    sample.requests = since(now.requests, before->requests);
    sample.failed = since(now.failed, before->failed);
    sample.refused = since(now.refused, before->refused);
    sample.cpu_ms = since(now.cpu_ms, before->cpu_ms);
    add_durations(history, &sample, worker);
    history->before = now;
    if (history->last_ms > 0)
        merge(place_of(history, time_ms), &sample);
    history->last_ms = time_ms;
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

/** Visit what is there of the last hour, oldest first. @return the next one, or NULL; *at begins at
 * 1 */
static const struct sample *next_sample(const struct history *history, size_t *at)
{
    uint64_t newest = (uint64_t)(history->last_ms / HISTORY_STEP_MS);
    while (*at <= HISTORY_SAMPLES) {
        const struct sample *sample = &history->samples[(newest + (*at)++) % HISTORY_SAMPLES];
        if (is_recent(history, sample))
            return sample;
    }
    return NULL;
}

cJSON *history_since(const struct history *history, int64_t after_ms)
{
    const struct sample *sample;
    size_t at = 1;
    cJSON *array = cJSON_CreateArray();
    while ((sample = next_sample(history, &at)))
        if (sample->time_ms > after_ms)
            cJSON_AddItemToArray(array, make_sample(history, sample));
    return array;
}

/* ---------------------------------------------------------------- handing it over */

void *history_pack(TALLOC_CTX *context, const struct history *history, size_t *ret_size)
{
    const struct sample *sample;
    size_t at = 1;
    struct package head = {.layout = PACKAGE_LAYOUT,
                           .sample_bytes = sizeof *sample,
                           .durations = (uint32_t)history->durations};
    char *data = talloc_size(context, sizeof head + sizeof history->samples);
    if (!data)
        return NULL;
    for (; (sample = next_sample(history, &at)); head.count++)
        memcpy(data + sizeof head + head.count * sizeof *sample, sample, sizeof *sample);
    memcpy(data, &head, sizeof head);
    *ret_size = sizeof head + head.count * sizeof *sample;
    return data;
}

bool history_unpack(struct history *history, const void *data, size_t size)
{
    struct package head;
    struct sample sample;
    if (size < sizeof head)
        return false;
    memcpy(&head, data, sizeof head);
    if (head.layout != PACKAGE_LAYOUT || head.sample_bytes != sizeof sample ||
        head.durations != history->durations || head.count > HISTORY_SAMPLES ||
        size != sizeof head + head.count * sizeof sample)
        return false;
    for (uint32_t i = 0; i < head.count; i++) {
        memcpy(&sample, (const char *)data + sizeof head + i * sizeof sample, sizeof sample);
        if (is_recent(history, &sample) && sample.time_ms % HISTORY_STEP_MS == 0)
            merge(place_of(history, sample.time_ms), &sample);
    }
    return true;
}
