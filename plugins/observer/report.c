/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers are added up by their names; a list of numbers, number by number. */
#include "report.h"

#include <kontor/observe.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double number(const cJSON *object, const char *name)
{
    double value = cJSON_GetNumberValue(cJSON_GetObjectItem(object, name));
    return isnan(value) ? 0 : value;
}

/** Add one sample to another of the same time. */
static void add_sample(cJSON *to, const cJSON *from)
{
    cJSON *field;
    cJSON_ArrayForEach(field, to)
    {
        const cJSON *other = cJSON_GetObjectItem(from, field->string);
        if (strcmp(field->string, "time_ms") == 0 || !other)
            continue;
        if (cJSON_IsNumber(field))
            cJSON_SetNumberValue(field, field->valuedouble + other->valuedouble);
        cJSON *one = field->child;
        for (const cJSON *more = other->child; one && more; one = one->next, more = more->next)
            cJSON_SetNumberValue(one, one->valuedouble + more->valuedouble);
    }
}

static int compare_time(const void *left, const void *right)
{
    double a = number(*(const cJSON *const *)left, "time_ms");
    double b = number(*(const cJSON *const *)right, "time_ms");
    return (a > b) - (a < b);
}

cJSON *report_add_up(const cJSON *answers)
{
    const cJSON *answer, *sample;
    size_t count = 0, used = 0;
    cJSON *sum = cJSON_CreateArray();
    cJSON_ArrayForEach(answer, answers) count +=
        (size_t)cJSON_GetArraySize(cJSON_GetObjectItem(answer, "samples"));
    const cJSON **all = calloc(count + 1, sizeof *all);
    if (!all)
        return sum;
    cJSON_ArrayForEach(answer, answers)
    {
        cJSON_ArrayForEach(sample, cJSON_GetObjectItem(answer, "samples")) all[used++] = sample;
    }
    qsort(all, used, sizeof *all, compare_time);
    cJSON *last = NULL;
    for (size_t i = 0; i < used; i++) {
        if (last && number(last, "time_ms") == number(all[i], "time_ms")) {
            add_sample(last, all[i]);
            continue;
        }
        last = cJSON_Duplicate(all[i], true);
        cJSON_AddItemToArray(sum, last);
    }
    free(all);
    return sum;
}

cJSON *report_bounds(void)
{
    cJSON *worker = kt_observe_worker(), *array = cJSON_CreateArray();
    const cJSON *entry;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItem(cJSON_GetObjectItem(worker, "service"),
                                                  "durations"))
    {
        const cJSON *bound = cJSON_GetObjectItem(entry, "up_to_ms");
        cJSON_AddItemToArray(array,
                             bound ? cJSON_CreateNumber(bound->valuedouble) : cJSON_CreateNull());
    }
    cJSON_Delete(worker);
    return array;
}

/** A line of /status, and where its number is. */
static const struct {
    const char *name, *group, *field;
} lines[] = {
    {"connections", "service", "connections"},
    {"requests running", "service", "requests"},
    {"requests", "service", "requests_total"},
    {"requests refused", "service", "refused_total"},
    {"requests failed", "service", "failed_total"},
    {"bytes received", "service", "bytes_in_total"},
    {"bytes sent", "service", "bytes_out_total"},
    {"processes", "runtime", "processes"},
    {"processes spawned", "runtime", "spawned_total"},
    {"processes failed", "runtime", "failed_total"},
    {"messages", "runtime", "messages_total"},
    {"cpu ms", NULL, "cpu_ms"},
    {"memory bytes", NULL, "memory_bytes"},
};

cJSON *report_sum(const cJSON *workers)
{
    const cJSON *worker;
    double uptime_ms = 0;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "workers", cJSON_GetArraySize(workers));
    cJSON_ArrayForEach(worker, workers)
    {
        if (number(worker, "uptime_ms") > uptime_ms)
            uptime_ms = number(worker, "uptime_ms");
    }
    cJSON_AddNumberToObject(json, "uptime s", floor(uptime_ms / 1000));
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        double sum = 0;
        cJSON_ArrayForEach(worker, workers)
        {
            const cJSON *from =
                lines[i].group ? cJSON_GetObjectItem(worker, lines[i].group) : worker;
            sum += number(from, lines[i].field);
        }
        cJSON_AddNumberToObject(json, lines[i].name, sum);
    }
    return json;
}

char *report_text(TALLOC_CTX *context, const cJSON *summary)
{
    const cJSON *field;
    char *text = talloc_strdup(context, "");
    cJSON_ArrayForEach(field, summary)
    {
        if (text)
            text = talloc_asprintf_append_buffer(text, "%s:%*s%.0f\n", field->string,
                                                 (int)(20 - strlen(field->string)), "",
                                                 field->valuedouble);
    }
    return text;
}
