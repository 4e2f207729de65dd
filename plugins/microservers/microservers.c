/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The plugin that counts down a table, one process a row: options, and requests, which any worker
 * passes on to the monitor.
 */
#include "config.h"

#include "microservers.h"

#include "monitor.h"
#include "table.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <kontor/kontor.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** A page that stays open is told so often. */
#define STREAM_STEP_MS 1000
/** When the monitor is not there a stream tries again so often before it ends: a minute. */
#define STREAM_TRIES 60
/** When to try again after 503. */
#define RETRY_AFTER_S "3"
/** The most servers in the store at once: it takes 16,384 calls. */
#define IN_STORE_MAX 16000

static const struct kt_option options[] = {
    {.name = "rows",
     .type = KT_OPTION_INTEGER,
     .default_value = "20000",
     .minimum = 1,
     .maximum = TABLE_ROWS_MAX,
     .help = "rows of the table"},
    {.name = "value",
     .type = KT_OPTION_INTEGER,
     .default_value = "3",
     .minimum = 1,
     .maximum = TABLE_VALUE_MAX,
     .help = "what each row begins with, and is counted down from"},
    {.name = "at_once",
     .type = KT_OPTION_INTEGER,
     .default_value = "10000",
     .minimum = 1,
     .maximum = MICROSERVERS_AT_ONCE_MAX,
     .help = "rows that have a server at the same time"},
    {.name = "interval",
     .type = KT_OPTION_DURATION,
     .default_value = "1s",
     .minimum = 10,
     .maximum = 3600000,
     .help = "a server subtracts one so often"},
    {.name = "tick",
     .type = KT_OPTION_CHOICE,
     .default_value = "spread",
     .choices = "together spread",
     .help = "servers subtract all together, or spread over the interval; the page can change it"},
    {.name = "spread_step",
     .type = KT_OPTION_DURATION,
     .default_value = "5ms",
     .minimum = 1,
     .maximum = 3600000,
     .help = "steps in which they are spread: those of one step share the store's transactions"},
    {.name = "pause",
     .type = KT_OPTION_DURATION,
     .default_value = "2s",
     .minimum = 0,
     .maximum = 86400000,
     .help = "time between the end of a pass and the next"},
    {.name = "in_store",
     .type = KT_OPTION_INTEGER,
     .default_value = "1024",
     .minimum = 1,
     .maximum = IN_STORE_MAX,
     .help = "servers that may wait for the store at once; the others wait without a stack"},
    {.name = "users",
     .type = KT_OPTION_STRING,
     .default_value = "",
     .help = "who may look, by the name that the web server signed in; empty: only this machine"},
    {.name = "operators",
     .type = KT_OPTION_STRING,
     .default_value = "",
     .help = "who may start and stop; empty: whoever may look"},
    {.name = NULL},
};

static struct microservers house;

static void respond_unavailable(struct kt_request *request, int result)
{
    kt_response_header(request, "Retry-After", RETRY_AFTER_S);
    if (result == -ENOENT)
        kt_respond_problem(request, 503, "No worker watches the table now; please try again.");
    else if (result == -EBUSY)
        kt_respond_problem(request, 503,
                           "The table is another machine's, or that of a worker that has just "
                           "ended, or the store can't be reached; please try again.");
    else
        kt_respond_problem(request, 503, "The table can't be used now (%s); please try again.",
                           strerror(-result));
}

/* ---------------------------------------------------------------- who may */

static bool may_look(struct kt_request *request)
{
    return kt_request_admit(request, "users", house.users);
}

/** Whether the request may start and stop: also not one that another site's page sent. */
static bool may_operate(struct kt_request *request)
{
    if (!kt_request_is_same_site(request)) {
        kt_respond_problem(request, 403, "This request came from a page of another site.");
        return false;
    }
    return *house.operators ? kt_request_admit(request, "operators", house.operators)
                            : may_look(request);
}

/* ---------------------------------------------------------------- looking */

static void pass_on(struct kt_request *request, uint32_t type, const void *data, size_t size)
{
    const struct kt_message *reply;
    int result = kt_registry_call(MONITOR_KEY, type, data, size, MONITOR_TIMEOUT_MS, &reply);
    if (result < 0)
        respond_unavailable(request, result);
    else
        kt_respond(request, 200, "application/json", reply->data, reply->size - 1);
}

static void show_status(struct kt_request *request)
{
    if (may_look(request))
        pass_on(request, MONITOR_STATUS, NULL, 0);
}

static void show_history(struct kt_request *request)
{
    if (!may_look(request))
        return;
    const char *text = kt_request_query(request, "after_ms");
    int64_t after_ms = text ? strtoll(text, NULL, 10) : 0;
    pass_on(request, MONITOR_HISTORY, &after_ms, sizeof after_ms);
}

static int write_event(struct kt_request *request, const char *name, const char *data)
{
    int result = kt_response_write(request, "event: ", 7);
    if (result == 0)
        result = kt_response_write(request, name, strlen(name));
    if (result == 0)
        result = kt_response_write(request, "\ndata: ", 7);
    if (result == 0)
        result = kt_response_write(request, data, strlen(data));
    if (result == 0)
        result = kt_response_write(request, "\n\n", 2);
    return result == 0 ? kt_response_flush(request) : result;
}

/** Each second how it stands; while nobody watches the table, that. */
static void stream(struct kt_request *request)
{
    if (!may_look(request))
        return;
    kt_request_deadline(request, -1);
    kt_response_header(request, "X-Accel-Buffering", "no");
    kt_response_header(request, "Cache-Control", "no-store");
    if (kt_response_begin(request, 200, "text/event-stream", -1) < 0)
        return;
    for (int tries = 0; tries < STREAM_TRIES; tries++) {
        const struct kt_message *reply;
        int result =
            kt_registry_call(MONITOR_KEY, MONITOR_STATUS, NULL, 0, MONITOR_TIMEOUT_MS, &reply);
        if (result == 0)
            tries = 0;
        if (write_event(request, result == 0 ? "status" : "nobody",
                        result == 0 ? reply->data : "{}") < 0)
            return;
        kt_sleep(STREAM_STEP_MS);
    }
}

/* ---------------------------------------------------------------- starting and stopping */

static void command(struct kt_request *request, uint32_t type, const char *tick)
{
    const struct kt_message *reply;
    const char *user = kt_request_user(request);
    int answer = -EBADMSG;
    int result = kt_registry_call(MONITOR_KEY, type, tick, 1, MONITOR_TIMEOUT_MS, &reply);
    if (result == 0 && reply->size == sizeof answer)
        memcpy(&answer, reply->data, sizeof answer);
    if (result == 0)
        result = answer;
    kt_log_notice("microservers: %s by %s: %s", type == MONITOR_START ? "started" : "stopped",
                  user ? user : "this machine", result < 0 ? strerror(-result) : "done");
    if (result < 0)
        respond_unavailable(request, result);
    else
        pass_on(request, MONITOR_STATUS, NULL, 0);
}

/** {"tick": "together" or "spread"}, or nothing. @return false: it is answered */
static bool read_tick(struct kt_request *request, char *ret_tick)
{
    cJSON *body;
    int result = kt_request_json(request, &body);
    *ret_tick = '-';
    if (result == -ENOTSUP || result == -EBADMSG) {
        const char *data;
        size_t size;
        if (kt_request_body(request, &data, &size) == 0 && size == 0)
            return true;
    }
    if (result < 0) {
        kt_respond_body_error(request, result);
        return false;
    }
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(body, "tick");
    const char *tick = cJSON_GetStringValue(item);
    if (cJSON_IsObject(body) && !item)
        return true;
    if (!tick || (strcmp(tick, "together") != 0 && strcmp(tick, "spread") != 0)) {
        kt_respond_problem(request, 422,
                           "The body is {\"tick\": \"together\"}, {\"tick\": \"spread\"}, {} or "
                           "empty.");
        return false;
    }
    *ret_tick = *tick;
    return true;
}

static void start_it(struct kt_request *request)
{
    char tick;
    if (may_operate(request) && read_tick(request, &tick))
        command(request, MONITOR_START, &tick);
}

static void stop_it(struct kt_request *request)
{
    if (may_operate(request))
        command(request, MONITOR_STOP, "-");
}

/* ---------------------------------------------------------------- the plugin */

static void read_options(const struct kt_plugin *plugin)
{
    house = (struct microservers){
        .users = kt_plugin_string(plugin, "users"),
        .operators = kt_plugin_string(plugin, "operators"),
        .rows = (uint32_t)kt_plugin_integer(plugin, "rows"),
        .value = (uint32_t)kt_plugin_integer(plugin, "value"),
        .at_once = (uint32_t)kt_plugin_integer(plugin, "at_once"),
        .interval_ms = kt_plugin_integer(plugin, "interval"),
        .step_ms = kt_plugin_integer(plugin, "spread_step"),
        .pause_ms = kt_plugin_integer(plugin, "pause"),
        .is_spread = strcmp(kt_plugin_string(plugin, "tick"), "spread") == 0,
        .gate = {.limit = (uint32_t)kt_plugin_integer(plugin, "in_store")},
    };
}

static void make_metrics(struct kt_plugin *plugin)
{
    house.metrics.updates = kt_metric_counter(plugin, "updates", "Times one was subtracted.");
    house.metrics.failed =
        kt_metric_counter(plugin, "updates_failed", "Updates that the store did not confirm.");
    house.metrics.servers = kt_metric_gauge(plugin, "servers", "Servers of rows.");
    house.metrics.passes = kt_metric_counter(plugin, "passes", "Passes that came to their end.");
}

static int start(struct kt_plugin *plugin, struct kt_error *error)
{
    static const struct {
        const char *method, *pattern;
        void (*handler)(struct kt_request *request);
    } routes[] = {
        {"GET", "/", show_status},    {"GET", "/history", show_history}, {"GET", "/events", stream},
        {"POST", "/start", start_it}, {"POST", "/stop", stop_it},
    };
    static const struct kt_child child = {
        .id = "monitor", .restart = KT_PERMANENT, .server = &monitor_server, .argument = &house};
    read_options(plugin);
    make_metrics(plugin);
    int result = kt_plugin_child(plugin, &child, NULL);
    for (size_t i = 0; result == 0 && i < sizeof routes / sizeof *routes; i++)
        result =
            kt_plugin_route(plugin, routes[i].method, routes[i].pattern, routes[i].handler, &house);
    return result < 0 ? kt_error_set(error, result, "it did not start: %s", strerror(-result)) : 0;
}

KT_PLUGIN(.name = "microservers", .version = PACKAGE_VERSION,
          .summary = "a table that is counted down, one process a row", .options = options,
          .start = start);
