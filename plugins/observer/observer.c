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
#include "status.h"
#include "stream.h"
#include "views.h"

#include <errno.h>
#include <kontor/kontor.h>
#include <string.h>

static const struct kt_option options[] = {
    {.name = "users",
     .type = KT_OPTION_STRING,
     .default_value = "",
     .help = "who may look, by the name that the web server signed in; empty: only this machine"},
    {.name = "killers",
     .type = KT_OPTION_STRING,
     .default_value = "",
     .help = "who may end processes, of those who may look; empty: nobody"},
    {.name = "streams_max",
     .type = KT_OPTION_INTEGER,
     .default_value = "32",
     .minimum = 1,
     .maximum = 10000,
     .help = "open pages that one worker keeps up to date; more are told to come later"},
    {.name = NULL},
};

static struct observer observer;

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
    kt_log_notice("process %s of %s killed by %s: %s", pid, key, user,
                  is_killed ? cJSON_GetStringValue(cJSON_GetObjectItem(answer, "label"))
                            : "it is not there");
    if (result < 0 && result != -ENOENT)
        views_unavailable(request, result);
    else if (!is_killed)
        kt_respond_problem(request, 404, "There is no such process any more.");
    else
        kt_respond_json(request, 200, answer);
}

/* ---------------------------------------------------------------- for programs */

static void show_metrics(struct kt_request *request)
{
    cJSON *workers =
        access_may_look(request) ? views_ask_all(request, INSTANCE_WORKER, NULL) : NULL;
    if (!workers)
        return;
    const char *text = kt_must(metrics_write(kt_self_memory(), workers));
    cJSON_Delete(workers);
    kt_respond(request, 200, METRICS_TYPE, text, strlen(text));
}

static void show_status(struct kt_request *request)
{
    cJSON *workers =
        access_may_look(request) ? views_ask_all(request, INSTANCE_WORKER, NULL) : NULL;
    if (!workers)
        return;
    cJSON *summary = status_sum(workers, kt_request_query(request, "full") != NULL, kt_unix_ms());
    cJSON_Delete(workers);
    if (kt_request_query(request, "json")) {
        kt_respond_json(request, 200, summary);
        return;
    }
    const char *text = kt_must(status_text(kt_self_memory(), summary));
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
        {"GET", "/", views_workers},
        {"GET", "/processes", views_processes},
        {"GET", "/history", views_history},
        {"GET", "/registry", views_registry},
        {"GET", "/jobs", views_jobs},
        {"GET", "/slow", views_slow},
        {"GET", "/connections", views_connections},
        {"GET", "/mailers", views_mailers},
        {"GET", "/events", stream_serve},
        {"POST", "/kill", kill_process},
    };
    static const struct kt_child child = {
        .id = "instance", .restart = KT_PERMANENT, .server = &instance_server};
    observer.users = kt_plugin_string(plugin, "users");
    observer.killers = kt_plugin_string(plugin, "killers");
    observer.streams_max = (uint32_t)kt_plugin_integer(plugin, "streams_max");
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
