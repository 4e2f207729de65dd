/* SPDX-License-Identifier: BSD-2-Clause */
/* A ring of samples. */
#include "history.h"

struct history {
    uint32_t count, next;
    struct sample samples[HISTORY_SAMPLES];
};

struct history *history_new(TALLOC_CTX *context)
{
    return talloc_zero(context, struct history);
}

void history_add(struct history *history, const struct sample *sample)
{
    history->samples[history->next] = *sample;
    history->next = (history->next + 1) % HISTORY_SAMPLES;
    history->count += history->count < HISTORY_SAMPLES;
}

const struct sample *history_last(const struct history *history)
{
    return history->count > 0
               ? &history->samples[(history->next + HISTORY_SAMPLES - 1) % HISTORY_SAMPLES]
               : NULL;
}

struct latency latency_of(const struct meter *meter)
{
    return (struct latency){.updates = meter->count,
                            .mean_us = meter_mean_us(meter),
                            .half_us = meter_quantile_us(meter, 500),
                            .p99_us = meter_quantile_us(meter, 990),
                            .longest_us = meter->longest_us};
}

void latency_add_json(cJSON *json, const struct latency *latency)
{
    cJSON_AddNumberToObject(json, "updates", (double)latency->updates);
    cJSON_AddNumberToObject(json, "mean_us", (double)latency->mean_us);
    cJSON_AddNumberToObject(json, "half_us", (double)latency->half_us);
    cJSON_AddNumberToObject(json, "p99_us", (double)latency->p99_us);
    cJSON_AddNumberToObject(json, "longest_us", (double)latency->longest_us);
}

cJSON *sample_json(const struct sample *sample)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "time_ms", (double)sample->time_ms);
    cJSON_AddNumberToObject(json, "servers", sample->servers);
    cJSON_AddNumberToObject(json, "rows_done", sample->rows_done);
    latency_add_json(json, &sample->latency);
    cJSON_AddNumberToObject(json, "failed", (double)sample->failed);
    cJSON_AddNumberToObject(json, "cpu_percent", sample->cpu_percent);
    cJSON_AddNumberToObject(json, "memory_bytes", (double)sample->memory_bytes);
    return json;
}

cJSON *history_since(const struct history *history, int64_t after_ms)
{
    cJSON *array = cJSON_CreateArray();
    for (uint32_t i = 0; i < history->count; i++) {
        uint32_t at = (history->next + HISTORY_SAMPLES - history->count + i) % HISTORY_SAMPLES;
        if (history->samples[at].time_ms > after_ms)
            cJSON_AddItemToArray(array, sample_json(&history->samples[at]));
    }
    return array;
}
