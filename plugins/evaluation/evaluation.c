/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The endpoints by which platforms are compared: a constant, an echo of JSON, a call that takes
 * 50 ms elsewhere. Each is written as a programmer would write it, sequentially; nothing is tuned.
 */
#include <cjson/cJSON.h>
#include <kontor/kontor.h>

static const char constant[] = "{\"service\":\"kontor\",\"status\":\"ok\"}";

/** GET /now: the smallest possible answer. */
static void now(struct kt_request *request)
{
    kt_respond(request, 200, "application/json", constant, sizeof constant - 1);
}

/** POST /echo: JSON in, parsed, serialised, out. */
static void echo(struct kt_request *request)
{
    cJSON *json;
    int status = kt_request_json(request, &json);
    if (status < 0)
        kt_respond_body_error(request, status);
    else
        kt_respond_json(request, 200, json);
}

/** GET /rpc: wait for something slow; only this process does. */
static void rpc(struct kt_request *request)
{
    kt_sleep(*(const int64_t *)kt_request_context(request));
    now(request);
}

static const struct kt_option options[] = {
    {.name = "rpc_time",
     .type = KT_OPTION_DURATION,
     .default_value = "50ms",
     .minimum = 0,
     .maximum = 60000,
     .help = "how long a request to /rpc waits"},
    {0},
};

static int start(struct kt_plugin *plugin, struct kt_error *error)
{
    static int64_t rpc_time_ms;
    rpc_time_ms = kt_plugin_integer(plugin, "rpc_time");
    int status = kt_plugin_route(plugin, "GET", "/now", now, NULL);
    if (status == 0)
        status = kt_plugin_route(plugin, "POST", "/echo", echo, NULL);
    if (status == 0)
        status = kt_plugin_route(plugin, "GET", "/rpc", rpc, &rpc_time_ms);
    return status < 0 ? kt_error_set(error, status, "the routes can't be registered") : 0;
}

KT_PLUGIN(.name = "evaluation", .version = "0.1.0",
          .summary = "endpoints by which platforms are compared", .options = options,
          .start = start);
