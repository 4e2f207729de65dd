/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON for the page: whoever is asked asks all workers. */
#include "views.h"

#include "access.h"
#include "gather.h"
#include "history.h"
#include "instance.h"
#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <kontor/kontor.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Jobs in one answer. */
#define LIST_MAX 500u
/** When to try again after 503. */
#define RETRY_AFTER_S "5"

void views_unavailable(struct kt_request *request, int result)
{
    if (result == -EINVAL) {
        kt_respond_problem(request, 422, "A key of the registry has at most %u bytes.",
                           KT_REGISTRY_KEY_MAX);
        return;
    }
    kt_response_header(request, "Retry-After", RETRY_AFTER_S);
    kt_respond_problem(request, 503, "The workers can't be asked now (%s); please try again.",
                       strerror(-result));
}

cJSON *views_ask_all(struct kt_request *request, uint32_t type, cJSON *question)
{
    cJSON *answers;
    int result = gather(type, question, &answers);
    if (result == 0)
        return answers;
    views_unavailable(request, result);
    return NULL;
}

static const char *query_or(struct kt_request *request, const char *name, const char *other)
{
    const char *text = kt_request_query(request, name);
    return text ? text : other;
}

/** Answer with what all say, as "workers". */
static void respond_all(struct kt_request *request, uint32_t type, cJSON *question)
{
    cJSON *answers = views_ask_all(request, type, question);
    if (!answers)
        return;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddItemToObject(json, "workers", answers);
    cJSON_AddBoolToObject(json, "may_kill", access_is_killer(request));
    kt_respond_json(request, 200, json);
}

void views_workers(struct kt_request *request)
{
    if (access_may_look(request))
        respond_all(request, INSTANCE_WORKER, NULL);
}

void views_slow(struct kt_request *request)
{
    if (access_may_look(request))
        respond_all(request, INSTANCE_SLOW, NULL);
}

void views_connections(struct kt_request *request)
{
    if (access_may_look(request))
        respond_all(request, INSTANCE_CONNECTIONS, NULL);
}

void views_mailers(struct kt_request *request)
{
    if (access_may_look(request))
        respond_all(request, INSTANCE_MAILER, NULL);
}

void views_processes(struct kt_request *request)
{
    if (!access_may_look(request))
        return;
    cJSON *question = cJSON_CreateObject();
    cJSON_AddStringToObject(question, "search", query_or(request, "search", ""));
    cJSON_AddStringToObject(question, "parents", query_or(request, "parents", ""));
    cJSON_AddStringToObject(question, "sort", query_or(request, "sort", "label"));
    cJSON_AddNumberToObject(question, "limit", atoi(query_or(request, "limit", "200")));
    respond_all(request, INSTANCE_PROCESSES, question);
}

void views_history(struct kt_request *request)
{
    if (!access_may_look(request))
        return;
    cJSON *question = cJSON_CreateObject();
    cJSON_AddNumberToObject(question, "after_ms", atof(query_or(request, "after_ms", "0")));
    cJSON *answers = views_ask_all(request, INSTANCE_HISTORY, question);
    if (!answers)
        return;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddItemToObject(json, "samples", report_add_up(answers, kt_unix_ms() - HISTORY_LATE_MS));
    cJSON_AddItemToObject(json, "bounds_ms", report_bounds());
    cJSON_Delete(answers);
    kt_respond_json(request, 200, json);
}

/** Keys, without values: those are the plugins' own. */
void views_registry(struct kt_request *request)
{
    struct kt_registry_page *page;
    if (!access_may_look(request))
        return;
    const char *after = kt_request_query(request, "after");
    int result = kt_registry_select(query_or(request, "prefix", ""), after, 0, &page);
    if (result < 0) {
        views_unavailable(request, result);
        return;
    }
    cJSON *json = cJSON_CreateObject(), *array = cJSON_AddArrayToObject(json, "entries");
    for (uint32_t i = 0; i < page->count; i++) {
        char owner[24];
        const struct kt_registry_entry *entry = page->entries[i];
        cJSON *item = cJSON_CreateObject();
        snprintf(owner, sizeof owner, "%" PRIx64, entry->owner);
        cJSON_AddStringToObject(item, "key", entry->key);
        cJSON_AddStringToObject(item, "owner", entry->owner == KT_PID_NONE ? "" : owner);
        cJSON_AddNumberToObject(item, "registered_ms", (double)entry->registered_ms);
        cJSON_AddNumberToObject(item, "keep_until_ms", (double)entry->keep_until_ms);
        cJSON_AddNumberToObject(item, "value_bytes", entry->value_bytes);
        cJSON_AddNumberToObject(item, "file_bytes", (double)entry->file_bytes);
        cJSON_AddItemToArray(array, item);
    }
    cJSON_AddBoolToObject(json, "has_more", page->has_more);
    kt_respond_json(request, 200, json);
}

static cJSON *make_job(const struct kt_job *job)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "realm", job->realm);
    cJSON_AddStringToObject(json, "id", job->id);
    cJSON_AddStringToObject(json, "plugin", job->plugin);
    cJSON_AddStringToObject(json, "title", job->title);
    cJSON_AddStringToObject(json, "who", job->who);
    cJSON_AddStringToObject(json, "state", kt_job_state_name(job->state));
    cJSON_AddStringToObject(json, "phase", job->phase);
    cJSON_AddStringToObject(json, "reason", job->reason);
    cJSON_AddNumberToObject(json, "done", (double)job->done);
    cJSON_AddNumberToObject(json, "total", (double)job->total);
    cJSON_AddNumberToObject(json, "position", job->position);
    cJSON_AddNumberToObject(json, "queued_ms", (double)job->queued_ms);
    cJSON_AddNumberToObject(json, "expires_ms", (double)job->expires_ms);
    cJSON_AddNumberToObject(json, "result_bytes", (double)job->result_bytes);
    return json;
}

void views_jobs(struct kt_request *request)
{
    struct kt_job_page *page;
    const struct kt_job *after = NULL;
    unsigned count = 0;
    if (!access_may_look(request))
        return;
    cJSON *json = cJSON_CreateObject(), *array = cJSON_AddArrayToObject(json, "jobs");
    do {
        int result = kt_job_list(NULL, after, &page);
        if (result < 0) {
            cJSON_Delete(json);
            views_unavailable(request, result);
            return;
        }
        for (uint32_t i = 0; i < page->count && count < LIST_MAX; i++, count++)
            cJSON_AddItemToArray(array, make_job(after = page->jobs[i]));
    } while (page->has_more && count < LIST_MAX);
    kt_respond_json(request, 200, json);
}
