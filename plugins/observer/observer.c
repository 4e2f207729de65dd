/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The plugin that shows the runtime: a page, /metrics for Prometheus, /status for people and their
 * scripts. Each worker has an observer of its own (instance.h); whoever is asked asks all of them.
 */
#include "config.h"

#include "observer.h"

#include "access.h"
#include "gather.h"
#include "instance.h"
#include "metrics.h"
#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <kontor/kontor.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** A comment so often keeps proxies from ending a silent stream. */
#define STREAM_STEP_MS 5000
/** Jobs in one answer. */
#define LIST_MAX 500u
/** When to try again after 503. */
#define RETRY_AFTER_S "5"

static const struct kt_option options[] = {
    {.name = "users",
     .type = KT_OPTION_STRING,
     .default_value = "",
     .help = "who may look, by the name that the web server signed in; empty: only this machine"},
    {.name = "killers",
     .type = KT_OPTION_STRING,
     .default_value = "",
     .help = "who may end processes; empty: whoever may look"},
    {.name = NULL},
};

static struct observer observer;

static void respond_unavailable(struct kt_request *request, int result)
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

/** Ask all, or answer with 503. @return NULL: it is answered */
static cJSON *ask_all(struct kt_request *request, uint32_t type, cJSON *question)
{
    cJSON *answers;
    int result = gather(type, question, &answers);
    if (result == 0)
        return answers;
    respond_unavailable(request, result);
    return NULL;
}

static const char *query_or(struct kt_request *request, const char *name, const char *other)
{
    const char *text = kt_request_query(request, name);
    return text ? text : other;
}

/* ---------------------------------------------------------------- JSON for the page */

static void show_workers(struct kt_request *request)
{
    cJSON *workers = access_may_look(request) ? ask_all(request, INSTANCE_WORKER, NULL) : NULL;
    if (!workers)
        return;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddItemToObject(json, "workers", workers);
    kt_respond_json(request, 200, json);
}

static void show_processes(struct kt_request *request)
{
    if (!access_may_look(request))
        return;
    cJSON *question = cJSON_CreateObject();
    cJSON_AddStringToObject(question, "search", query_or(request, "search", ""));
    cJSON_AddStringToObject(question, "sort", query_or(request, "sort", "memory"));
    cJSON_AddNumberToObject(question, "limit", atoi(query_or(request, "limit", "200")));
    cJSON *answers = ask_all(request, INSTANCE_PROCESSES, question);
    if (!answers)
        return;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddItemToObject(json, "workers", answers);
    kt_respond_json(request, 200, json);
}

static void show_history(struct kt_request *request)
{
    if (!access_may_look(request))
        return;
    cJSON *question = cJSON_CreateObject();
    cJSON_AddNumberToObject(question, "after_ms", atof(query_or(request, "after_ms", "0")));
    cJSON *answers = ask_all(request, INSTANCE_HISTORY, question);
    if (!answers)
        return;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddItemToObject(json, "samples", report_add_up(answers));
    cJSON_AddItemToObject(json, "bounds_ms", report_bounds());
    cJSON_Delete(answers);
    kt_respond_json(request, 200, json);
}

/** Keys, without values: those are the plugins' own. */
static void show_registry(struct kt_request *request)
{
    struct kt_registry_page *page;
    if (!access_may_look(request))
        return;
    const char *after = kt_request_query(request, "after");
    int result = kt_registry_select(query_or(request, "prefix", ""), after, 0, &page);
    if (result < 0) {
        respond_unavailable(request, result);
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

static void show_jobs(struct kt_request *request)
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
            respond_unavailable(request, result);
            return;
        }
        for (uint32_t i = 0; i < page->count && count < LIST_MAX; i++, count++)
            cJSON_AddItemToArray(array, make_job(after = page->jobs[i]));
    } while (page->has_more && count < LIST_MAX);
    kt_respond_json(request, 200, json);
}

static void kill_process(struct kt_request *request)
{
    cJSON *body, *question, *answer;
    if (!access_may_kill(request))
        return;
    int result = kt_request_json(request, &body);
    if (result < 0) {
        kt_respond_body_error(request, result);
        return;
    }
    const char *key = cJSON_GetStringValue(cJSON_GetObjectItem(body, "observer"));
    const char *pid = cJSON_GetStringValue(cJSON_GetObjectItem(body, "pid"));
    if (!key || strncmp(key, INSTANCE_PREFIX, strlen(INSTANCE_PREFIX)) != 0 || !pid) {
        kt_respond_problem(request, 422, "Please say which process: observer and pid.");
        return;
    }
    const char *user = kt_request_user(request);
    question = cJSON_CreateObject();
    cJSON_AddStringToObject(question, "pid", pid);
    result = gather_one(key, INSTANCE_KILL, question, &answer);
    bool is_killed = result == 0 && cJSON_IsTrue(cJSON_GetObjectItem(answer, "killed"));
    kt_log_notice("process %s of %s killed by %s: %s", pid, key, user ? user : "this machine",
                  is_killed ? cJSON_GetStringValue(cJSON_GetObjectItem(answer, "label"))
                            : "it is not there");
    if (result < 0 && result != -ENOENT)
        respond_unavailable(request, result);
    else if (!is_killed)
        kt_respond_problem(request, 404, "There is no such process any more.");
    else
        kt_respond_json(request, 200, answer);
}

/** Every few seconds what has changed, for a page that stays open. */
static void stream(struct kt_request *request)
{
    if (!access_may_look(request))
        return;
    kt_request_deadline(request, -1);
    kt_response_header(request, "X-Accel-Buffering", "no");
    kt_response_header(request, "Cache-Control", "no-store");
    if (kt_response_begin(request, 200, "text/event-stream", -1) < 0)
        return;
    for (int result = 0; result == 0;) {
        cJSON *workers;
        result = gather(INSTANCE_WORKER, NULL, &workers);
        if (result < 0)
            return;
        char *text = cJSON_PrintUnformatted(workers);
        cJSON_Delete(workers);
        result = kt_response_write(request, "event: workers\ndata: ", 21);
        if (result == 0 && text)
            result = kt_response_write(request, text, strlen(text));
        if (result == 0)
            result = kt_response_write(request, "\n\n", 2);
        cJSON_free(text);
        if (result == 0)
            result = kt_response_flush(request);
        if (result == 0)
            kt_sleep(STREAM_STEP_MS);
    }
}

/* ---------------------------------------------------------------- for programs */

static void show_metrics(struct kt_request *request)
{
    cJSON *workers = access_may_look(request) ? ask_all(request, INSTANCE_WORKER, NULL) : NULL;
    if (!workers)
        return;
    const char *text = kt_must(metrics_write(kt_self_memory(), workers));
    cJSON_Delete(workers);
    kt_respond(request, 200, METRICS_TYPE, text, strlen(text));
}

static void show_status(struct kt_request *request)
{
    cJSON *workers = access_may_look(request) ? ask_all(request, INSTANCE_WORKER, NULL) : NULL;
    if (!workers)
        return;
    cJSON *summary = report_sum(workers);
    cJSON_Delete(workers);
    if (kt_request_query(request, "json")) {
        kt_respond_json(request, 200, summary);
        return;
    }
    const char *text = kt_must(report_text(kt_self_memory(), summary));
    cJSON_Delete(summary);
    kt_respond(request, 200, "text/plain; charset=utf-8", text, strlen(text));
}

/* ---------------------------------------------------------------- the plugin */

static int start(struct kt_plugin *plugin, struct kt_error *error)
{
    static const struct {
        const char *method, *pattern;
        void (*handler)(struct kt_request *request);
    } routes[] = {
        {"GET", "/", show_workers},        {"GET", "/processes", show_processes},
        {"GET", "/history", show_history}, {"GET", "/registry", show_registry},
        {"GET", "/jobs", show_jobs},       {"GET", "/events", stream},
        {"POST", "/kill", kill_process},
    };
    static const struct kt_child child = {
        .id = "instance", .restart = KT_PERMANENT, .server = &instance_server};
    observer.users = kt_plugin_string(plugin, "users");
    observer.killers = kt_plugin_string(plugin, "killers");
    int result = kt_plugin_child(plugin, &child, NULL);
    for (size_t i = 0; result == 0 && i < sizeof routes / sizeof *routes; i++)
        result = kt_plugin_route(plugin, routes[i].method, routes[i].pattern, routes[i].handler,
                                 &observer);
    if (result == 0)
        result = kt_plugin_route_root(plugin, "/status", show_status, &observer);
    if (result == 0)
        result = kt_plugin_route_root(plugin, "/metrics", show_metrics, &observer);
    return result < 0 ? kt_error_set(error, result, "it did not start: %s", strerror(-result)) : 0;
}

KT_PLUGIN(.name = "observer", .version = PACKAGE_VERSION,
          .summary = "what the workers do: a page, /status, /metrics", .options = options,
          .start = start);
