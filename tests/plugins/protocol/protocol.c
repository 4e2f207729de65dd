/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plugin with what the tests of the protocol need and no product has: filters, an answer whose
 * end never comes, a body that nobody reads.
 */
#include "config.h"

#include <kontor/kontor.h>
#include <stdio.h>

/** Longer than any test waits. */
#define HANG_MS (3600 * 1000)

/** Between two events. */
#define EVENT_MS 100

/** GET /trickle: one event at once, others now and then, as long as somebody listens. */
static void trickle(struct kt_request *request)
{
    static const char event[] = "data: 1\n\n";
    kt_request_deadline(request, -1);
    kt_response_begin(request, 200, "text/event-stream", -1);
    while (kt_response_write(request, event, sizeof(event) - 1) == 0 &&
           kt_response_flush(request) == 0)
        kt_sleep(EVENT_MS);
}

/** POST /deaf: it takes no interest in its body. */
static void deaf(struct kt_request *request)
{
    (void)request;
    kt_sleep(HANG_MS);
}

/** Filter: says how long the body and the file are. */
static void filter(struct kt_request *request)
{
    const char *body, *data;
    char text[64];
    size_t body_size = 0, data_size = 0;
    int status = kt_request_body(request, &body, &body_size);
    if (status == 0)
        status = kt_request_data(request, &data, &data_size);
    if (status < 0) {
        kt_respond_body_error(request, status);
        return;
    }
    int size = snprintf(text, sizeof(text), "body %zu data %zu\n", body_size, data_size);
    kt_respond(request, 200, "text/plain", text, (size_t)size);
}

/** Filter, as written for libfcgi: the file, in capitals. */
static int stock_filter(FCGX_Stream *in, FCGX_Stream *out, FCGX_Stream *err, FCGX_ParamArray envp)
{
    int byte;
    (void)envp;
    while (FCGX_GetChar(in) != EOF)
        ;
    if (FCGX_StartFilterData(in) < 0) {
        FCGX_PutS("protocol: there is no data", err);
        return 1;
    }
    FCGX_PutS("Content-Type: text/plain\r\n\r\n", out);
    while ((byte = FCGX_GetChar(in)) != EOF)
        FCGX_PutChar(byte >= 'a' && byte <= 'z' ? byte - 'a' + 'A' : byte, out);
    return 0;
}

static int start(struct kt_plugin *plugin, struct kt_error *error)
{
    int status = kt_plugin_route(plugin, "GET", "/trickle", trickle, NULL);
    if (status == 0)
        status = kt_plugin_route(plugin, "POST", "/deaf", deaf, NULL);
    if (status == 0)
        status = kt_plugin_route_role(plugin, KT_ROLE_FILTER, "*", "/sizes/*", filter, NULL);
    if (status == 0)
        status =
            kt_plugin_route_role_fcgx(plugin, KT_ROLE_FILTER, "*", "/capitals/*", stock_filter);
    return status < 0 ? kt_error_set(error, status, "the routes can't be registered") : 0;
}

KT_PLUGIN(.name = "protocol", .version = PACKAGE_VERSION, .summary = "for tests of the protocol",
          .start = start);
