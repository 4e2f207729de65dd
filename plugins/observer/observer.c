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
#include "processes.h"
#include "status.h"
#include "stream.h"
#include "views.h"

#include <errno.h>
#include <inttypes.h>
#include <kontor/kontor.h>
#include <stdio.h>
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

/** A process of another worker, as the page names it. */
struct target {
    kt_pid observer; /**< of its worker */
    kt_pid pid;
};

/** @return false: it is answered */
static bool read_target(struct kt_request *request, struct target *ret_target)
{
    cJSON *body;
    int result = kt_request_json(request, &body);
    if (result < 0) {
        kt_respond_body_error(request, result);
        return false;
    }
    const size_t prefix = strlen(INSTANCE_PREFIX);
    const char *key = cJSON_GetStringValue(cJSON_GetObjectItem(body, "observer"));
    const char *pid = cJSON_GetStringValue(cJSON_GetObjectItem(body, "pid"));
    if (key && strncmp(key, INSTANCE_PREFIX, prefix) == 0 &&
        processes_read_pid(key + prefix, &ret_target->observer) && pid &&
        processes_read_pid(pid, &ret_target->pid))
        return true;
    kt_respond_problem(request, 422, "Please say which process: observer and pid.");
    return false;
}

/** Answer, and tell the log in words that are all our own what has become of it. */
static void tell_kill(struct kt_request *request, const struct target *target, int result,
                      const cJSON *answer)
{
    char what[96];
    const char *user = kt_request_user(request);
    const char *label = cJSON_GetStringValue(cJSON_GetObjectItem(answer, "label"));
    snprintf(what, sizeof what, "process %" PRIx64 " of " INSTANCE_PREFIX "%" PRIx64, target->pid,
             target->observer);
    if (result < 0 && result != -ENOENT) {
        kt_log_notice(
            "%s was to be killed by %s: its worker did not answer (%s), it may have ended", what,
            user, strerror(-result));
        kt_response_header(request, "Retry-After", "5");
        kt_respond_problem(
            request, 503,
            "The worker of this process did not answer (%s): look whether it is still "
            "there, and try again.",
            strerror(-result));
    } else if (cJSON_IsTrue(cJSON_GetObjectItem(answer, "killed"))) {
        kt_log_notice("%s killed by %s: %s", what, user, label);
        kt_respond_json(request, 200, answer);
    } else if (cJSON_IsTrue(cJSON_GetObjectItem(answer, "is_self"))) {
        kt_log_notice("%s was to be killed by %s, but is the observer itself", what, user);
        kt_respond_problem(
            request, 409, "This is the observer itself, which would have to end itself: it can't.");
    } else {
        kt_log_notice("%s was to be killed by %s, but is not there", what, user);
        kt_respond_problem(request, 404, "There is no such process any more.");
    }
}

static void kill_process(struct kt_request *request)
{
    struct target target;
    char key[64], pid[24];
    if (!access_may_kill(request) || !read_target(request, &target))
        return;
    cJSON *question = cJSON_CreateObject(), *answer = NULL;
    snprintf(key, sizeof key, INSTANCE_PREFIX "%" PRIx64, target.observer);
    snprintf(pid, sizeof pid, "%" PRIx64, target.pid);
    cJSON_AddStringToObject(question, "pid", pid);
    int result = gather_one(key, INSTANCE_KILL, question, &answer);
    tell_kill(request, &target, result, answer);
}

/* ---------------------------------------------------------------- for programs */

/** What is true now is not to be kept by anybody on the way; PHP-FPM says the same. */
static void forbid_keeping(struct kt_request *request)
{
    kt_response_header(request, "Cache-Control", "no-cache, no-store, must-revalidate");
}

static void show_metrics(struct kt_request *request)
{
    cJSON *workers =
        access_may_look(request) ? views_ask_all(request, INSTANCE_WORKER, NULL) : NULL;
    if (!workers)
        return;
    enum metrics_format format = negotiation_choose(kt_request_header(request, "Accept"));
    const char *text = kt_must(metrics_write(kt_self_memory(), workers, format));
    cJSON_Delete(workers);
    kt_response_header(request, "Vary", "Accept");
    forbid_keeping(request);
    kt_respond(request, 200, metrics_type(format), text, strlen(text));
}

/** The other formats that PHP-FPM has. @return whether one of them is asked for */
static bool asks_for_other_format(struct kt_request *request)
{
    static const char *const formats[] = {"html", "xml", "openmetrics"};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (kt_request_query(request, formats[i]))
            return true;
    return false;
}

static void show_status(struct kt_request *request)
{
    if (!access_may_look(request))
        return;
    if (asks_for_other_format(request)) {
        kt_respond_problem(
            request, 406,
            "The status is there as text, and with ?json as JSON; the page observer/ "
            "shows it, and /metrics has it for Prometheus.");
        return;
    }
    cJSON *workers = views_ask_all(request, INSTANCE_WORKER, NULL);
    if (!workers)
        return;
    forbid_keeping(request);
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
