/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A worker is what PHP-FPM calls a process; it is active while it has a request. What the kernel
 * keeps in the listen queue is not known here, so those lines are not there.
 */
#include "status.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/** Where the value of a line begins, as in PHP-FPM's text. */
#define COLUMN 22

static double number(const cJSON *object, const char *group, const char *name)
{
    const cJSON *from = group ? cJSON_GetObjectItem(object, group) : object;
    double value = cJSON_GetNumberValue(cJSON_GetObjectItem(from, name));
    return isnan(value) ? 0 : value;
}

static bool is_silent(const cJSON *worker)
{
    return cJSON_IsTrue(cJSON_GetObjectItem(worker, "is_silent"));
}

static double sum(const cJSON *workers, const char *group, const char *name)
{
    const cJSON *worker;
    double total = 0;
    cJSON_ArrayForEach(worker, workers) total += number(worker, group, name);
    return total;
}

/** Lines that only add up, and where their number is. */
static const struct {
    const char *name, *group, *field;
} lines[] = {
    {"connections", "service", "connections"},
    {"requests running", "service", "requests"},
    {"requests", "service", "requests_total"},
    {"requests failed", "service", "failed_total"},
    {"bytes received", "service", "bytes_in_total"},
    {"bytes sent", "service", "bytes_out_total"},
    {"processes alive", "runtime", "processes"},
    {"processes spawned", "runtime", "spawned_total"},
    {"processes failed", "runtime", "failed_total"},
    {"messages", "runtime", "messages_total"},
    {"cpu ms", NULL, "cpu_ms"},
    {"memory bytes", NULL, "memory_bytes"},
};

static void add_start(cJSON *json, double uptime_ms, int64_t now_ms)
{
    cJSON_AddNumberToObject(json, "start time", floor(((double)now_ms - uptime_ms) / 1000));
    cJSON_AddNumberToObject(json, "start since", floor(uptime_ms / 1000));
}

static cJSON *make_process(const cJSON *worker, int64_t now_ms)
{
    cJSON *json = cJSON_CreateObject();
    double running = number(worker, "service", "requests");
    cJSON_AddNumberToObject(json, "pid", number(worker, NULL, "pid"));
    cJSON_AddStringToObject(json, "state",
                            is_silent(worker) ? "Silent"
                            : running > 0     ? "Running"
                                              : "Idle");
    if (is_silent(worker))
        return json;
    add_start(json, number(worker, NULL, "uptime_ms"), now_ms);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        cJSON_AddNumberToObject(json, lines[i].name,
                                number(worker, lines[i].group, lines[i].field));
    return json;
}

cJSON *status_sum(const cJSON *workers, bool is_full, int64_t now_ms)
{
    const cJSON *worker;
    double uptime_ms = 0, active = 0, silent = 0, total = cJSON_GetArraySize(workers);
    cJSON *json = cJSON_CreateObject();
    cJSON_ArrayForEach(worker, workers)
    {
        uptime_ms = fmax(uptime_ms, number(worker, NULL, "uptime_ms"));
        active += number(worker, "service", "requests") > 0;
        silent += is_silent(worker);
    }
    cJSON_AddStringToObject(json, "pool", "kontor");
    cJSON_AddStringToObject(json, "process manager", "static");
    add_start(json, uptime_ms, now_ms);
    cJSON_AddNumberToObject(json, "accepted conn", sum(workers, "service", "requests_total"));
    cJSON_AddNumberToObject(json, "idle processes", total - active - silent);
    cJSON_AddNumberToObject(json, "active processes", active);
    cJSON_AddNumberToObject(json, "total processes", total);
    cJSON_AddNumberToObject(json, "max children reached", sum(workers, "service", "refused_total"));
    cJSON_AddNumberToObject(json, "slow requests", sum(workers, "service", "slow_total"));
    cJSON_AddNumberToObject(json, "silent processes", silent);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        cJSON_AddNumberToObject(json, lines[i].name, sum(workers, lines[i].group, lines[i].field));
    if (!is_full)
        return json;
    cJSON *processes = cJSON_AddArrayToObject(json, "processes");
    cJSON_ArrayForEach(worker, workers)
        cJSON_AddItemToArray(processes, make_process(worker, now_ms));
    return json;
}

static char *put_line(char *text, const cJSON *field)
{
    char value[64];
    int space = COLUMN - 1 - (int)strlen(field->string);
    if (!text || cJSON_IsArray(field))
        return text;
    if (strcmp(field->string, "start time") == 0) {
        time_t seconds = (time_t)field->valuedouble;
        struct tm day;
        strftime(value, sizeof value, "%d/%b/%Y:%H:%M:%S +0000", gmtime_r(&seconds, &day));
    } else if (cJSON_IsString(field)) {
        snprintf(value, sizeof value, "%s", field->valuestring);
    } else {
        snprintf(value, sizeof value, "%.0f", field->valuedouble);
    }
    return talloc_asprintf_append_buffer(text, "%s:%*s%s\n", field->string, space > 1 ? space : 1,
                                         "", value);
}

char *status_text(TALLOC_CTX *context, const cJSON *status)
{
    const cJSON *field, *process;
    char *text = talloc_strdup(context, "");
    cJSON_ArrayForEach(field, status) text = put_line(text, field);
    cJSON_ArrayForEach(process, cJSON_GetObjectItem(status, "processes"))
    {
        if (text)
            text = talloc_asprintf_append_buffer(text, "\n************************\n");
        cJSON_ArrayForEach(field, process) text = put_line(text, field);
    }
    return text;
}
