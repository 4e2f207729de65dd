/* SPDX-License-Identifier: BSD-2-Clause */
/* From the monitor's words to JSON. */
#include "status.h"

#include <unistd.h>

static cJSON *last_json(const struct pass_summary *last, uint64_t pass)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "pass", (double)pass);
    cJSON_AddNumberToObject(json, "duration_ms", (double)last->duration_ms);
    latency_add_json(json, &last->latency);
    cJSON_AddNumberToObject(json, "cpu_percent", last->cpu_percent);
    cJSON_AddNumberToObject(json, "memory_bytes", (double)last->memory_bytes);
    cJSON_AddBoolToObject(json, "is_whole", last->is_whole);
    return json;
}

cJSON *status_json(const struct status *status)
{
    const struct record *record = status->record;
    const struct microservers *house = status->house;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "state", status->state);
    cJSON_AddBoolToObject(json, "running", record->is_running);
    cJSON_AddStringToObject(json, "tick", record->is_spread ? "spread" : "together");
    cJSON_AddNumberToObject(json, "pass", (double)record->pass);
    cJSON_AddNumberToObject(json, "rows", house->rows);
    cJSON_AddNumberToObject(json, "value", house->value);
    cJSON_AddNumberToObject(json, "at_once", house->at_once);
    cJSON_AddNumberToObject(json, "interval_ms", (double)house->interval_ms);
    cJSON_AddNumberToObject(json, "worker_pid", getpid());
    cJSON_AddNumberToObject(json, "servers", status->servers);
    cJSON_AddNumberToObject(json, "rows_done", status->rows_done);
    cJSON_AddItemToObject(json, "now", status->now ? sample_json(status->now) : cJSON_CreateNull());
    cJSON_AddItemToObject(json, "last_pass",
                          status->last ? last_json(status->last, status->last_pass)
                                       : cJSON_CreateNull());
    return json;
}
