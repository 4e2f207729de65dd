/* SPDX-License-Identifier: BSD-2-Clause */
/* Everything that the page shows, from what is known here; nothing is escaped, cJSON does that. */
#include "view.h"

#include "access.h"
#include "order.h"

#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- reports */

static const char *parameter_type_name(enum parameter_type type)
{
    static const char *const names[] = {
        [PARAMETER_DATE] = "date",       [PARAMETER_DATETIME] = "datetime",
        [PARAMETER_INTEGER] = "integer", [PARAMETER_NUMBER] = "number",
        [PARAMETER_TEXT] = "text",       [PARAMETER_CHOICE] = "choice",
        [PARAMETER_CHOICES] = "choices",
    };
    return names[type];
}

static const char *total_name(enum report_total total)
{
    static const char *const names[] = {
        [REPORT_NO_TOTAL] = "",       [REPORT_SUM] = "sum",         [REPORT_AVERAGE] = "average",
        [REPORT_MINIMUM] = "minimum", [REPORT_MAXIMUM] = "maximum", [REPORT_COUNT] = "count",
    };
    return names[total];
}

static const char *chart_name(enum report_chart chart)
{
    static const char *const names[] = {
        [REPORT_NO_CHART] = "",           [REPORT_LINE] = "line", [REPORT_BAR] = "bar",
        [REPORT_STACKED_BAR] = "stacked", [REPORT_PIE] = "pie",
    };
    return names[chart];
}

static void add_choice(cJSON *array, const char *value, const char *label)
{
    cJSON *one = cJSON_CreateObject();
    cJSON_AddStringToObject(one, "value", value);
    cJSON_AddStringToObject(one, "label", label);
    cJSON_AddItemToArray(array, one);
}

static cJSON *view_parameter(const struct parameter *parameter, char *const *choices,
                             int64_t now_ms)
{
    cJSON *json = cJSON_CreateObject();
    const char *value = parameter_default(NULL, parameter, now_ms);
    cJSON_AddStringToObject(json, "name", parameter->name);
    cJSON_AddStringToObject(json, "label", parameter->label);
    cJSON_AddStringToObject(json, "type", parameter_type_name(parameter->type));
    cJSON_AddBoolToObject(json, "required", parameter->is_required);
    if (value)
        cJSON_AddStringToObject(json, "default", value);
    else
        cJSON_AddNullToObject(json, "default");
    talloc_free((void *)(uintptr_t)value);
    if (!choices && !parameter->choices)
        return json;
    cJSON *array = cJSON_AddArrayToObject(json, "choices");
    for (const char *const *one = parameter->choices; !choices && *one; one++)
        add_choice(array, *one, *one);
    for (char *const *one = choices; choices && one[0]; one += 2)
        add_choice(array, one[0], one[1]);
    return json;
}

static void add_columns(cJSON *json, const struct definition *definition)
{
    cJSON *array = cJSON_AddArrayToObject(json, "columns");
    for (size_t i = 0; i < definition->column_count; i++) {
        const struct report_column *column = &definition->columns[i];
        cJSON *one = cJSON_CreateObject();
        cJSON_AddStringToObject(one, "name", column->name);
        cJSON_AddStringToObject(one, "title", column->title);
        cJSON_AddStringToObject(one, "type", report_type_name(column->type));
        if (column->format)
            cJSON_AddStringToObject(one, "format", column->format);
        if (column->total != REPORT_NO_TOTAL)
            cJSON_AddStringToObject(one, "total", total_name(column->total));
        cJSON_AddItemToArray(array, one);
    }
}

cJSON *view_report(const struct definition *definition, char *const *const *choices, int64_t now_ms)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "name", definition->name);
    cJSON_AddStringToObject(json, "title", definition->title);
    cJSON_AddStringToObject(json, "summary", definition->summary ? definition->summary : "");
    cJSON_AddStringToObject(json, "source", definition->source);
    cJSON_AddNumberToObject(json, "retention_ms", (double)definition->retention_ms);
    cJSON_AddNumberToObject(json, "timeout_ms", (double)definition->timeout_ms);
    cJSON *parameters = cJSON_AddArrayToObject(json, "parameters");
    for (size_t i = 0; i < definition->parameter_count; i++)
        cJSON_AddItemToArray(parameters, view_parameter(&definition->parameters[i],
                                                        choices ? choices[i] : NULL, now_ms));
    add_columns(json, definition);
    if (!definition->chart) {
        cJSON_AddNullToObject(json, "chart");
        return json;
    }
    cJSON *chart = cJSON_AddObjectToObject(json, "chart");
    cJSON_AddStringToObject(chart, "kind", chart_name(definition->chart));
    cJSON_AddStringToObject(chart, "x", definition->chart_x);
    cJSON *series = cJSON_AddArrayToObject(chart, "y");
    for (const char *const *y = definition->chart_y; y && *y; y++)
        cJSON_AddItemToArray(series, cJSON_CreateString(*y));
    return json;
}

/* ---------------------------------------------------------------- jobs */

/** The format in a job's id: "report.format.sum". */
static void add_format(cJSON *json, const char *id)
{
    char format[8];
    const char *dot = strchr(id, '.');
    size_t length = dot ? strcspn(dot + 1, ".") : 0;
    snprintf(format, sizeof format, "%.*s", (int)length, dot ? dot + 1 : "");
    cJSON_AddStringToObject(json, "format", format);
}

cJSON *view_job(const struct kt_job *job, const struct definition *definition, const char *user)
{
    char url[2 * KT_JOB_NAME_MAX + 16];
    struct outcome outcome = {0};
    bool has_ended = job->state != KT_JOB_QUEUED && job->state != KT_JOB_RUNNING;
    bool is_theirs = access_is_theirs(job, user);
    cJSON *json = cJSON_CreateObject();
    if (job->state == KT_JOB_READY)
        outcome_read(job->result, &outcome);
    snprintf(url, sizeof url, "jobs/%s/%s", job->realm, job->id);
    cJSON_AddStringToObject(json, "realm", job->realm);
    cJSON_AddStringToObject(json, "id", job->id);
    cJSON_AddStringToObject(json, "url", url);
    cJSON_AddStringToObject(json, "report", definition ? definition->name : "");
    cJSON_AddStringToObject(json, "title", job->title);
    add_format(json, job->id);
    cJSON_AddStringToObject(json, "who", job->who);
    cJSON_AddBoolToObject(json, "is_mine", is_theirs);
    cJSON_AddStringToObject(json, "state", kt_job_state_name(job->state));
    cJSON_AddStringToObject(json, "phase", job->phase);
    cJSON_AddNumberToObject(json, "done", (double)job->done);
    cJSON_AddNumberToObject(json, "total", (double)job->total);
    cJSON_AddNumberToObject(json, "position", job->position);
    cJSON_AddNumberToObject(json, "queued_ms", (double)job->queued_ms);
    cJSON_AddNumberToObject(json, "started_ms", (double)job->started_ms);
    cJSON_AddNumberToObject(json, "ended_ms", (double)job->ended_ms);
    cJSON_AddNumberToObject(json, "expires_ms", (double)job->expires_ms);
    cJSON_AddNumberToObject(json, "rows", (double)outcome.rows);
    cJSON_AddNumberToObject(json, "bytes", (double)outcome.file_bytes);
    cJSON_AddStringToObject(json, "reason", job->reason);
    /* others wait for it, too: only who asked first may stop it */
    cJSON_AddBoolToObject(json, "can_cancel", !has_ended && is_theirs);
    cJSON_AddBoolToObject(json, "can_delete", has_ended && is_theirs);
    return json;
}
