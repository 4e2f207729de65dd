/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The endpoints by which platforms are compared: a constant, an echo of JSON, a call that takes
 * 50 ms elsewhere, the answer of a slow server, and documents in the store (kvs.c). Each is
 * written as a programmer would write it, sequentially; nothing is tuned.
 */
#include "kvs.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <kontor/kontor.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

static const char not_kept[] =
    "this JSON can't be written again as it is: a string has a NUL, or a number is beyond 1.8e308";
static const char constant[] = "{\"service\":\"kontor\",\"status\":\"ok\"}";

/** GET /now: the smallest possible answer. */
static void now(struct kt_request *request)
{
    kt_respond(request, 200, "application/json", constant, sizeof constant - 1);
}

static bool has_finite_numbers(const cJSON *json)
{
    if (cJSON_IsNumber(json) && !isfinite(json->valuedouble))
        return false;
    const cJSON *child;
    cJSON_ArrayForEach(child, json)
    {
        if (!has_finite_numbers(child))
            return false;
    }
    return true;
}

/** Whether no string of a JSON text has a NUL. A backslash is there in strings only. */
static bool has_whole_strings(const char *text, size_t size)
{
    static const char nul[] = "u0000";
    const char *end = text + size;
    for (const char *at = text; (at = memchr(at, '\\', (size_t)(end - at))); at += 2)
        if ((size_t)(end - at) >= sizeof nul && memcmp(at + 1, nul, sizeof nul - 1) == 0)
            return false;
    return !memchr(text, '\0', size);
}

/**
 * Whether JSON can be written again as it came: cJSON's strings end at a NUL, and its numbers are
 * doubles, so that 1e999 would become null.
 */
static bool is_kept(const char *text, size_t size, const cJSON *json)
{
    return has_whole_strings(text, size) && has_finite_numbers(json);
}

/** POST /echo: JSON in, parsed, serialised, out. */
static void echo(struct kt_request *request)
{
    cJSON *json;
    const char *body;
    size_t size;
    int status = kt_request_json(request, &json);
    if (status == 0)
        status = kt_request_body(request, &body, &size);
    if (status < 0)
        kt_respond_body_error(request, status);
    else if (!is_kept(body, size, json))
        kt_respond_problem(request, 422, "%s", not_kept);
    else
        kt_respond_json(request, 200, json);
}

/** GET /rpc: wait for something slow; only this process does. */
static void rpc(struct kt_request *request)
{
    kt_sleep(*(const int64_t *)kt_request_context(request));
    now(request);
}

/** What /slow asks. */
struct upstream {
    const char *url; /**< NULL: not configured */
    int64_t timeout_ms;
};

/** GET /slow: ask the upstream, and pass its JSON on: parsed and serialised. */
static void slow(struct kt_request *request)
{
    const struct upstream *upstream = kt_request_context(request);
    struct kt_http_answer *answer;
    struct kt_error error;
    if (!upstream->url) {
        kt_respond_problem(request, 503, "no upstream is configured: set upstream in [evaluation]");
        return;
    }
    const struct kt_http_fetch fetch = {
        .url = upstream->url, .timeout_ms = upstream->timeout_ms, .is_trusted = true};
    int status = kt_http_fetch(&fetch, &answer, &error);
    if (status < 0) {
        kt_respond_problem(request, status == -ETIMEDOUT ? 504 : 502, "%s", error.text);
        return;
    }
    cJSON *json = answer->status == 200 ? cJSON_ParseWithLength(answer->body, answer->size) : NULL;
    if (answer->status != 200)
        kt_respond_problem(request, 502, "the upstream answered with status %d", answer->status);
    else if (!json)
        kt_respond_problem(request, 502, "the upstream's answer is not JSON");
    else if (!is_kept(answer->body, answer->size, json))
        kt_respond_problem(request, 502, "the upstream: %s", not_kept);
    else
        kt_respond_json(request, 200, json);
}

static const struct kt_option options[] = {
    {.name = "rpc_time",
     .type = KT_OPTION_DURATION,
     .default_value = "50ms",
     .minimum = 0,
     .maximum = 60000,
     .help = "how long a request to /rpc waits"},
    {.name = "upstream",
     .type = KT_OPTION_STRING,
     .is_secret = true,
     .help = "the address whose JSON /slow passes on, such as http://127.0.0.1:9001/slow; unset: "
             "/slow answers 503"},
    {.name = "upstream_timeout",
     .type = KT_OPTION_DURATION,
     .default_value = "10s",
     .minimum = 1,
     .maximum = 60000,
     .help = "an upstream that takes longer is given up: 504"},
    {0},
};

static int start(struct kt_plugin *plugin, struct kt_error *error)
{
    static int64_t rpc_time_ms;
    static struct upstream upstream;
    rpc_time_ms = kt_plugin_integer(plugin, "rpc_time");
    upstream.url = kt_plugin_string(plugin, "upstream");
    upstream.timeout_ms = kt_plugin_integer(plugin, "upstream_timeout");
    int status = kt_plugin_route(plugin, "GET", "/now", now, NULL);
    if (status == 0)
        status = kt_plugin_route(plugin, "POST", "/echo", echo, NULL);
    if (status == 0)
        status = kt_plugin_route(plugin, "GET", "/rpc", rpc, &rpc_time_ms);
    if (status == 0)
        status = kt_plugin_route(plugin, "GET", "/slow", slow, &upstream);
    if (status == 0)
        status = kvs_start(plugin);
    return status < 0 ? kt_error_set(error, status, "the routes can't be registered") : 0;
}

KT_PLUGIN(.name = "evaluation", .version = "0.1.0",
          .summary = "endpoints by which platforms are compared", .options = options,
          .start = start);
