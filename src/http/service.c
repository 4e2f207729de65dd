/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The front door: takes requests from the engine, finds their route, runs the handler in a process
 * of its own and makes sure that every request gets exactly one whole answer, or one that nobody
 * can take for whole. All its callbacks run outside of processes and never park.
 */
#include "http/service.h"

#include "http/connections.h"
#include "http/json.h"
#include "http/request.h"
#include "http/slow.h"

#include <errno.h>
#include <inttypes.h>
#include <kontor/log.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** What the log shows when the client went away before the answer was complete (as nginx does). */
#define STATUS_CLIENT_GONE 499

/** A whole answer for requests over the bound; its Content-Length is that of its last line. */
static const char overload_answer[] =
    "Status: 503 Service Unavailable\r\n"
    "Content-Type: application/problem+json\r\n"
    "Retry-After: 1\r\n"
    "Content-Length: 110\r\n"
    "\r\n"
    "{\"status\":503,\"title\":\"Service Unavailable\","
    "\"detail\":\"Too many requests are running; try again in a second.\"}\n";

/** The one front door of this worker. */
static struct {
    struct kt_engine *engine; /**< NULL: closed */
    char *mount;
    bool log_requests;
    uint64_t slow_ns; /**< 0: nothing is slow */
    uint64_t refused_total, failed_total;
    uint64_t durations[KT_DURATIONS], duration_ns_total;
    size_t requests; /**< not released */
} service;

/* ---------------------------------------------------------------- the end of a request */

static uint64_t clock_ns(void)
{
    return uv_hrtime();
}

/** The status a stock handler wrote, for the log. */
static int stock_status(const struct kt_request *request)
{
    static const char field[] = "Status: ";
    const char *start = request->fastcgi->out_start;
    return strncmp(start, field, sizeof(field) - 1) == 0 ? atoi(start + sizeof(field) - 1) : 200;
}

static void log_request(const struct kt_request *request, uint64_t took_ns)
{
    uint64_t body_size = kt_response_body_size(request);
    const char *user = kt_request_user(request);
    double took_ms = (double)took_ns / 1e6;
    kt_log_info("%s %s%s %d %" PRIu64 " bytes %.1f ms %s", request->params.method, request->mount,
                request->path, request->outcome, body_size, took_ms, user ? user : "-");
}

const uint32_t kt_service_bounds_us[KT_DURATIONS] = {
    100,   250,    500,    1000,   2500,    5000,    10000,    25000,
    50000, 100000, 250000, 500000, 1000000, 2500000, 10000000, 0};

static void count_duration(uint64_t took_ns)
{
    size_t i = 0;
    while (kt_service_bounds_us[i] > 0 && took_ns > kt_service_bounds_us[i] * UINT64_C(1000))
        i++;
    service.durations[i]++;
    service.duration_ns_total += took_ns;
}

/** Let go of a request that has ended. Its memory goes with its process, or is freed here. */
static void release(struct kt_request *request, bool frees_memory)
{
    struct kt_fastcgi_request *fastcgi = request->fastcgi;
    uint64_t took_ns = clock_ns() - request->started_ns;
    if (fastcgi->deadline_ms != INT64_MAX) /* else it is long on purpose */
        count_duration(took_ns);
    if (service.log_requests)
        log_request(request, took_ns);
    if (service.slow_ns > 0 && took_ns >= service.slow_ns)
        kt_slow_note(request, took_ns);
    service.requests--;
    kt_fastcgi_request_release(fastcgi);
    if (frees_memory)
        talloc_free(fastcgi->memory);
    if (!service.engine && service.requests == 0)
        kt_route_clear();
}

/** Answer with a problem in place of what was written; break off when a part was sent. */
static void answer_failure(struct kt_request *request, int status, const char *detail)
{
    service.failed_total++;
    request->outcome = status;
    if (!kt_response_reset(request)) {
        kt_fastcgi_request_cut(request->fastcgi);
        return;
    }
    kt_respond_problem(request, status, "%s", detail);
    kt_fastcgi_request_end(request->fastcgi, 0);
}

/** A handler has returned: its answer is complete, if there is one. */
static void complete(struct kt_request *request)
{
    struct kt_response *response = &request->response;
    uint64_t body_size = kt_response_body_size(request);
    if (!kt_response_exists(request)) {
        kt_log_error("%s: the handler returned without an answer", request->route->label);
        answer_failure(request, 500, "The handler of this page gave no answer.");
        return;
    }
    if (response->has_begun && !response->has_no_body && response->length >= 0 &&
        (uint64_t)response->length != body_size) {
        kt_log_error("%s: the answer has %" PRIu64 " bytes of the %" PRId64 " it announced",
                     request->route->label, body_size, response->length);
        answer_failure(request, 500, "The answer was not what it announced.");
        return;
    }
    kt_fastcgi_request_end(request->fastcgi, request->application_status);
    request->outcome = response->has_begun ? response->status : stock_status(request);
}

/** The process of a request has ended, in whatever way. */
static void on_process_exit(void *argument, const struct kt_exit *exit)
{
    struct kt_request *request = argument;
    struct kt_fastcgi_request *fastcgi = request->fastcgi;
    if (fastcgi->state != KT_FASTCGI_ENDED) {
        switch (exit->kind) {
        case KT_EXIT_NORMAL:
            complete(request);
            break;
        case KT_EXIT_SHUTDOWN:
            if (request->is_told_to_end)
                complete(request);
            else
                answer_failure(request, 503, "This part of the server is being stopped.");
            break;
        default:
            answer_failure(request, 500, "The handler of this page failed; the log says why.");
            break;
        }
    }
    release(request, false);
}

/* ---------------------------------------------------------------- running a request */

/** Stock handlers expect what FCGX_Accept_r would add; Apache sends it itself. */
static void tell_role(struct kt_request *request)
{
    static char roles[][24] = {
        [KT_ROLE_RESPONDER] = "FCGI_ROLE=RESPONDER",
        [KT_ROLE_AUTHORIZER] = "FCGI_ROLE=AUTHORIZER",
        [KT_ROLE_FILTER] = "FCGI_ROLE=FILTER",
    };
    char **entry = request->fastcgi->fcgx.envp;
    if (FCGX_GetParam("FCGI_ROLE", entry))
        return;
    while (*entry)
        entry++;
    entry[0] = roles[kt_request_role(request)]; /* the engine has left room for one more */
    entry[1] = NULL;
}

/** The process of a request. */
static void serve(void *argument)
{
    struct kt_request *request = argument;
    const struct kt_route *route = request->route;
    struct kt_fastcgi_request *fastcgi = request->fastcgi;
    if (route->handler) {
        route->handler(request);
        kt_fastcgi_settle(fastcgi);
        return;
    }
    tell_role(request);
    /* A stock handler knows nothing of processes: it is never dropped half way, its streams fail
     * instead and it returns. */
    kt_critical_enter();
    request->application_status =
        route->fcgx_handler(&fastcgi->in, &fastcgi->out, &fastcgi->err, fastcgi->fcgx.envp);
    kt_critical_leave();
    kt_fastcgi_settle(fastcgi);
}

/** Answer a request that gets no process. */
static void refuse(struct kt_request *request, int status, const char *detail, const char *allow)
{
    request->outcome = status;
    if (status == 503) {
        service.refused_total++;
        kt_response_header(request, "Retry-After", "1");
    }
    if (allow && *allow)
        kt_response_header(request, "Allow", allow);
    kt_respond_problem(request, status, "%s", detail);
    kt_fastcgi_request_end(request->fastcgi, 0);
    release(request, true);
}

/** Find the route. @return 0, or the status to refuse with */
static int route(struct kt_request *request, struct kt_route_match *match)
{
    enum kt_role role = kt_request_role(request);
    kt_route_find(role, request->params.method, request->path, match);
    request->route = match->route;
    if (!match->route)
        return role == KT_ROLE_AUTHORIZER ? 403 : match->allow[0] ? 405 : 404;
    for (size_t i = 0; i < KT_ROUTE_CAPTURES_MAX && match->route->capture_names[i]; i++) {
        request->captures[i] =
            talloc_strndup(request, match->captures[i].start, match->captures[i].size);
        if (!request->captures[i])
            return 503;
    }
    return 0;
}

static void on_request(struct kt_fastcgi_request *fastcgi)
{
    service.requests++;
    struct kt_request *request = talloc(fastcgi, struct kt_request);
    if (!request) {
        service.requests--;
        service.refused_total++;
        kt_fastcgi_request_cut(fastcgi);
        kt_fastcgi_request_release(fastcgi);
        talloc_free(fastcgi->memory);
        return;
    }
    *request = (struct kt_request){.fastcgi = fastcgi, .response = {.length = -1}};
    request->started_ns = clock_ns();
    fastcgi->context = request;

    const char *detail;
    int status = kt_request_open(request, service.mount, &detail);
    if (status != 0) {
        refuse(request, status, detail, NULL);
        return;
    }
    struct kt_route_match match;
    status = route(request, &match);
    if (status == 0 && kt_route_is_void(match.route)) {
        refuse(request, 503, "This part is being restarted; try again in a second.", NULL);
        return;
    }
    if (status != 0) {
        refuse(request, status,
               status == 404   ? "There is nothing at this address."
               : status == 405 ? "This address does not serve that method; see Allow."
               : status == 403 ? "No plugin of kontor decides about this page, so it is denied."
                               : "Out of memory; try again in a second.",
               status == 405 ? match.allow : NULL);
        return;
    }
    struct kt_spawn spawn = {.label = match.route->label};
    struct kt_spawn_inside inside = {.memory = fastcgi->memory,
                                     .plugin = match.route->plugin,
                                     .watch = &request->watch,
                                     .on_exit = on_process_exit};
    request->watch.since_ns = request->started_ns;
    if (kt_spawn_inside(&spawn, &inside, serve, request, &fastcgi->pid) < 0)
        refuse(request, 503, "Too many processes are running; try again in a second.", NULL);
}

static void on_gone(struct kt_fastcgi_request *fastcgi)
{
    struct kt_request *request = fastcgi->context;
    if (!request)
        return;
    request->outcome = STATUS_CLIENT_GONE;
    kt_signal(fastcgi->pid, KT_EXIT_SHUTDOWN, "the client went away");
}

static void on_deadline(struct kt_fastcgi_request *fastcgi)
{
    struct kt_request *request = fastcgi->context;
    kt_log_warning("%s: took too long and was ended", request->route->label);
    answer_failure(request, 504, "The answer took too long and was given up.");
    kt_signal(fastcgi->pid, KT_EXIT_KILL, "it took too long");
}

/** A stream of events would never end, and its client comes back when it does, to another worker.
 * An answer whose length is known, a download, is let through. */
static void on_endless(struct kt_fastcgi_request *fastcgi)
{
    struct kt_request *request = fastcgi->context;
    const struct kt_response *response = &request->response;
    if (request->is_told_to_end || !response->has_begun || response->length >= 0)
        return;
    request->is_told_to_end = true;
    kt_signal(fastcgi->pid, KT_EXIT_SHUTDOWN, "the worker ends");
}

/* ---------------------------------------------------------------- routes of the house */

static void ping(struct kt_request *request)
{
    static const char pong[] = "pong\n";
    /* as PHP-FPM: who keeps an answer would take a dead kontor for a living one */
    kt_response_header(request, "Cache-Control", "no-cache, no-store, must-revalidate");
    kt_respond(request, 200, "text/plain", pong, sizeof(pong) - 1);
}

/* ---------------------------------------------------------------- life */

/** A mount point as it is compared: "" or "/tools/kontor". */
static char *mount_clean(const char *mount)
{
    size_t size = mount ? strlen(mount) : 0;
    while (size > 0 && mount[size - 1] == '/')
        size--;
    while (size > 0 && *mount == '/' && mount[1] == '/') {
        mount++;
        size--;
    }
    return talloc_strndup(NULL, size ? mount : "", size);
}

int kt_service_start(const struct kt_service_options *options, const int *fds, size_t count,
                     struct kt_error *error)
{
    if (service.engine)
        return kt_error_set(error, -EALREADY, "the service has been started already");
    kt_json_start();
    int status = kt_route_add("GET", "/ping", ping, NULL);
    if (status < 0 && status != -EEXIST)
        return kt_error_set(error, status, "cannot route /ping");
    talloc_free(service.mount);
    service.mount = mount_clean(options->mount);
    if (!service.mount)
        return kt_error_set(error, -ENOMEM, "out of memory");
    service.log_requests = options->log_requests;
    service.slow_ns = (uint64_t)options->slow_request_ms * UINT64_C(1000000);
    service.refused_total = service.failed_total = 0;
    struct kt_engine_options engine = {
        .balance = options->balance,
        .place = options->place,
        .connections_max = options->connections_max,
        .requests_max = options->requests_max,
        .params_max_bytes = options->params_max_bytes,
        .body_max_bytes = options->body_max_bytes,
        .request_timeout_ms = options->request_timeout_ms,
        .transfer_timeout_ms = options->transfer_timeout_ms,
        .web_servers = getenv(KT_PEERS_VARIABLE),
        .overload_answer = overload_answer,
        .on_request = on_request,
        .on_gone = on_gone,
        .on_deadline = on_deadline,
        .on_endless = on_endless,
    };
    return kt_engine_start(&engine, fds, count, error, &service.engine);
}

void kt_service_drain(bool (*give)(void *argument, int fd), void (*on_given)(void *argument),
                      void (*on_idle)(void *argument), void *argument)
{
    if (service.engine)
        kt_engine_drain(service.engine, give, on_given, on_idle, argument);
    else
        on_idle(argument);
}

void kt_service_adopt(int fd)
{
    if (service.engine)
        kt_engine_adopt(service.engine, fd);
    else
        close(fd);
}

void kt_service_close(void)
{
    struct kt_engine *engine = service.engine;
    if (!engine)
        return;
    service.engine = NULL;
    kt_engine_close(engine);
    talloc_free(service.mount);
    service.mount = NULL;
    if (service.requests == 0)
        kt_route_clear();
}

void kt_service_counts(struct kt_service_counts *ret_counts)
{
    *ret_counts = (struct kt_service_counts){0};
    if (!service.engine)
        return;
    const struct kt_engine_counts *counts = &service.engine->counts;
    ret_counts->connections = counts->connections;
    ret_counts->requests = counts->requests;
    ret_counts->requests_total = counts->requests_total;
    ret_counts->refused_total = service.refused_total + counts->overloads_total;
    ret_counts->failed_total = service.failed_total;
    ret_counts->bytes_in_total = counts->bytes_in_total;
    ret_counts->bytes_out_total = counts->bytes_out_total;
    memcpy(ret_counts->durations, service.durations, sizeof(service.durations));
    ret_counts->duration_ns_total = service.duration_ns_total;
}

struct cJSON *kt_service_connections(void)
{
    return kt_connections_list(service.engine);
}
