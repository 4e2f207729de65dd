/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plugin that fetches whatever a request names, in every way that kt_http_fetch knows, for the
 * system tests. Nobody installs it: it would fetch for everybody.
 */
#include "config.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <kontor/kontor.h>
#include <stdlib.h>
#include <string.h>

/** Headers that a test can send. */
#define HEADERS_MAX 8

static int64_t number(struct kt_request *request, const char *name)
{
    const char *text = kt_request_query(request, name);
    return text ? strtoll(text, NULL, 10) : 0;
}

/** Take the request apart; `headers` has room for HEADERS_MAX and a NULL. */
static struct kt_http_fetch read_request(struct kt_request *request, const char **headers)
{
    struct kt_http_fetch fetch = {
        .url = kt_request_query(request, "url"),
        .method = kt_request_query(request, "method"),
        .headers = headers,
        .body = kt_request_query(request, "body"),
        .timeout_ms = number(request, "timeout_ms"),
        .connect_timeout_ms = number(request, "connect_timeout_ms"),
        .size_max = (size_t)number(request, "size_max"),
        .redirects_max = (int)number(request, "redirects_max"),
        .is_trusted = number(request, "trusted") != 0,
    };
    fetch.body_size = fetch.body ? strlen(fetch.body) : 0;
    for (size_t i = 0; i < HEADERS_MAX; i++)
        headers[i] = kt_request_query_at(request, "header", i);
    headers[HEADERS_MAX] = NULL;
    return fetch;
}

static void answer_with(struct kt_request *request, int result, const struct kt_error *error,
                        const struct kt_http_answer *answer)
{
    const char *name = kt_request_query(request, "show");
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "error", result < 0 ? strerrorname_np(-result) : "");
    if (result < 0) {
        cJSON_AddStringToObject(json, "text", error->text);
    } else {
        const char *value = name ? kt_http_answer_header(answer, name) : NULL;
        cJSON_AddNumberToObject(json, "status", answer->status);
        cJSON_AddStringToObject(json, "url", answer->url);
        cJSON_AddStringToObject(json, "body", answer->body);
        cJSON_AddNumberToObject(json, "size", (double)answer->size);
        if (value)
            cJSON_AddStringToObject(json, "header", value);
    }
    kt_respond_json(request, 200, json);
}

/** GET /fetch?url=… : what kt_http_fetch returned, as JSON. */
static void fetch_for(struct kt_request *request)
{
    const char *headers[HEADERS_MAX + 1];
    struct kt_http_fetch fetch = read_request(request, headers);
    struct kt_http_answer *answer;
    struct kt_error error = {0};
    int result = kt_http_fetch(&fetch, &answer, &error);
    answer_with(request, result, &error, answer);
}

struct doomed {
    struct kt_http_fetch fetch;
    const char *headers[HEADERS_MAX + 1];
};

static void fetch_and_forget(void *argument)
{
    struct doomed *doomed = argument;
    struct kt_http_answer *answer;
    kt_http_fetch(&doomed->fetch, &answer, NULL);
}

/** GET /kill?url=…&after_ms=… : the process that fetches is killed in the middle. */
static void kill_fetch(struct kt_request *request)
{
    struct doomed *doomed = talloc_zero(kt_self_memory(), struct doomed);
    kt_pid pid;
    doomed->fetch = read_request(request, doomed->headers);
    kt_spawn(NULL, fetch_and_forget, doomed, &pid);
    kt_sleep(number(request, "after_ms"));
    kt_signal(pid, KT_EXIT_KILL, "a test wants it");
    kt_join(pid, -1);
    kt_respond(request, 200, "text/plain", "killed", 6);
}

static int start(struct kt_plugin *plugin, struct kt_error *error)
{
    int result = kt_plugin_route(plugin, "GET", "/fetch", fetch_for, NULL);
    if (result == 0)
        result = kt_plugin_route(plugin, "GET", "/kill", kill_fetch, NULL);
    return result < 0 ? kt_error_set(error, result, "the routes can't be registered") : 0;
}

KT_PLUGIN(.name = "fetch", .version = PACKAGE_VERSION, .summary = "fetches for tests",
          .start = start);
