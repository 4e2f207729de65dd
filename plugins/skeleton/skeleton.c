/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plugin to start from. It shows the six things most plugins need: an option, a handler, a
 * server that keeps state, a number for the observer and Prometheus, an answer longer than memory
 * should hold, and a handler written for plain FastCGI; and one that few need, an authorizer for
 * pages that are not kontor's. Copy the directory, rename it, and delete what you don't need.
 */
#include <cjson/cJSON.h>
#include <errno.h>
#include <kontor/kontor.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- a server that keeps state */

enum { COUNT = 1 };

struct counter {
    uint64_t visits;
};

static int counter_init(void *argument, void **ret_state)
{
    (void)argument;
    *ret_state = kt_must(talloc_zero(kt_self_memory(), struct counter));
    return 0;
}

static void counter_call(void *state, const struct kt_message *call)
{
    struct counter *counter = state;
    struct kt_from from = kt_message_from(call);
    counter->visits++;
    kt_reply(&from, COUNT, &counter->visits, sizeof counter->visits);
}

static const struct kt_server counter_server = {
    .label = "visit counter",
    .init = counter_init,
    .handle_call = counter_call,
};

/* ---------------------------------------------------------------- handlers */

/** How many were greeted, for those who watch: kontor_skeleton_greetings_total. */
static struct kt_metric *greetings;

/** GET /hello?name=Ada: asks the server, answers with JSON. */
static void hello(struct kt_request *request)
{
    const char *greeting = kt_request_context(request), *name = kt_request_query(request, "name");
    const struct kt_message *reply;
    int status = kt_call(kt_whereis("skeleton.counter"), COUNT, NULL, 0, 1000, &reply);
    if (status < 0) {
        kt_respond_problem(request, 503, "The counter does not answer. Try again in a moment.");
        return;
    }
    kt_metric_add(greetings, 1);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "greeting", greeting);
    cJSON_AddStringToObject(json, "name", name ? name : "stranger");
    cJSON_AddNumberToObject(json, "visits", (double)*(const uint64_t *)reply->data);
    kt_respond_json(request, 200, json);
}

/** GET /stream?bytes=N: as much as is asked for; a slow reader slows this process, nobody else. */
static void stream(struct kt_request *request)
{
    static const int64_t bytes_max = (int64_t)1 << 40;
    const char *text = kt_request_query(request, "bytes");
    char *end = NULL;
    errno = 0;
    long long left = text ? strtoll(text, &end, 10) : -1;
    if (!text || end == text || *end || errno || left < 0 || left > bytes_max) {
        kt_respond_problem(request, 400, "Say how much: ?bytes=N, at most %lld.",
                           (long long)bytes_max);
        return;
    }
    char part[8192];
    memset(part, 'k', sizeof part);
    kt_response_begin(request, 200, "application/octet-stream", left);
    while (left > 0) {
        size_t size = left < (long long)sizeof part ? (size_t)left : sizeof part;
        if (kt_response_write(request, part, size) < 0)
            return; /* the reader went away */
        left -= (long long)size;
    }
}

/** Any method on /fcgx: a handler as written for libfcgi; it runs unchanged. */
static int fcgx(FCGX_Stream *in, FCGX_Stream *out, FCGX_Stream *err, FCGX_ParamArray envp)
{
    const char *method = FCGX_GetParam("REQUEST_METHOD", envp);
    unsigned long long length = 0, sum = 0;
    int byte;
    while ((byte = FCGX_GetChar(in)) != EOF) {
        length++;
        sum = (sum * 31 + (unsigned char)byte) % 4294967291u;
    }
    FCGX_FPrintF(out, "Content-Type: text/plain; charset=utf-8\r\n\r\n");
    FCGX_FPrintF(out, "method %s\nlength %llu\nsum %llu\n", method ? method : "?", length, sum);
    if (length == 0)
        FCGX_PutS("skeleton: there was no body\n", err);
    return 0;
}

/** Whether a list of words separated by blanks holds this one. */
static bool has_word(const char *list, const char *word)
{
    size_t size = strlen(word);
    for (list += strspn(list, " "); *list; list += strspn(list, " ")) {
        size_t length = strcspn(list, " ");
        if (length == size && memcmp(list, word, size) == 0)
            return true;
        list += length;
    }
    return false;
}

/**
 * Authorizer, for pages of the web server's: visitors from the listed addresses may see them, and
 * the page is told which by the parameter KONTOR_GUARD.
 */
static void guard(struct kt_request *request)
{
    const char *visitors = kt_request_context(request);
    const char *address = kt_request_param(request, "REMOTE_ADDR");
    if (address && has_word(visitors, address) &&
        kt_authorize_variable(request, "KONTOR_GUARD", address) == 0)
        kt_authorize(request);
    else
        kt_respond_problem(request, 403, "This page is not for visitors from your address.");
}

/* ---------------------------------------------------------------- the plugin */

static const struct kt_option options[] = {
    {.name = "greeting",
     .type = KT_OPTION_STRING,
     .default_value = "Hello",
     .help = "what /hello says"},
    {.name = "guarded",
     .type = KT_OPTION_STRING,
     .default_value = "/private/*",
     .help = "pages of the web server that it may ask us about: a path, or one and all below"},
    {.name = "visitors",
     .type = KT_OPTION_STRING,
     .default_value = "127.0.0.1 ::1",
     .help = "addresses from which guarded pages may be seen, separated by blanks"},
    {0},
};

static int start(struct kt_plugin *plugin, struct kt_error *error)
{
    const struct kt_child counter = {
        .id = "counter", .server = &counter_server, .name = "skeleton.counter"};
    int status = kt_plugin_child(plugin, &counter, NULL);
    if (status < 0)
        return kt_error_set(error, status, "the counter does not start");
    greetings = kt_metric_counter(plugin, "greetings", "People who were greeted.");
    void *greeting = (void *)(uintptr_t)kt_plugin_string(plugin, "greeting");
    void *visitors = (void *)(uintptr_t)kt_plugin_string(plugin, "visitors");
    if ((status = kt_plugin_route(plugin, "GET", "/hello", hello, greeting)) < 0 ||
        (status = kt_plugin_route(plugin, "GET", "/stream", stream, NULL)) < 0 ||
        (status = kt_plugin_route_fcgx(plugin, "*", "/fcgx", fcgx)) < 0)
        return kt_error_set(error, status, "the routes can't be registered");
    const char *guarded = kt_plugin_string(plugin, "guarded");
    status = kt_plugin_route_role(plugin, KT_ROLE_AUTHORIZER, "*", guarded, guard, visitors);
    if (status < 0)
        return kt_error_set(error, status, "%s: guarded is '%s', which %s",
                            kt_plugin_option_place(plugin, "guarded"), guarded,
                            status == -EEXIST ? "another plugin guards" : "is no pattern");
    return 0;
}

KT_PLUGIN(.name = "skeleton", .version = "0.1.0", .summary = "a plugin to start from",
          .options = options, .start = start);
