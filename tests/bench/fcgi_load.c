/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A load generator for FastCGI: asks a program what a web server would ask it, without one between,
 * on a number of connections and with several requests at once on each, and says how long the
 * answers took. It waits for an answer before it asks again, so a server that stalls is asked less:
 * look at the largest value, too. One thread; this file has the options, the event loop and the
 * report.
 */
#include "config.h"

#include "fcgi_client.h"
#include "fcgi_options.h"
#include "fcgi_request.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

#define NS_PER_SECOND 1000000000.0
#define EVENTS_MAX 256
/** How often the clock is looked at for what is overdue, and closed connections are tried again. */
#define TICK_MS 5
/** All output buffers together: a gigabyte is more than any test needs. */
#define OUTPUT_MAX (1024.0 * 1024 * 1024)

/** A run: all clients, and what came of it. */
struct load {
    const struct options *options;
    struct script script;
    struct tally tally;
    struct client **clients; /**< options->connections of them */
    bool *is_writing;        /**< whether the loop waits until this client can send */
    int epoll;
    uint64_t began_ns, stopped_ns; /**< stopped_ns: 0 while requests are started */
    uint64_t succeeded_in_time;    /**< before stopped_ns */
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* ---------------------------------------------------------------- the loop */

/** Connect a client, and wait for what comes. One that finds nobody is tried again later. */
static void load_connect(struct load *load, unsigned index)
{
    const struct options *options = load->options;
    struct client *client = load->clients[index];
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.u32 = index};
    if (client_connect(client, (const struct sockaddr *)&options->address, options->address_size) ==
        0) {
        /* the first event says that it is connected */
        load->is_writing[index] = true;
        epoll_ctl(load->epoll, EPOLL_CTL_ADD, client_fd(client), &event);
    }
}

/** Let epoll say when this client can send, if it has something to send. */
static void load_watch(struct load *load, unsigned index)
{
    struct client *client = load->clients[index];
    bool wants = client_has_output(client);
    if (wants == load->is_writing[index])
        return;
    struct epoll_event event = {.events = EPOLLIN | (wants ? EPOLLOUT : 0u), .data.u32 = index};
    load->is_writing[index] = wants;
    epoll_ctl(load->epoll, EPOLL_CTL_MOD, client_fd(client), &event);
}

static void load_serve(struct load *load, const struct epoll_event *event)
{
    unsigned index = event->data.u32;
    struct client *client = load->clients[index];
    uint64_t unconnected = load->tally.failures[FAILURE_CONNECT];
    if (event->events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        client_receive(client, now_ns());
    if (client_fd(client) >= 0)
        client_send(client, now_ns());
    if (client_fd(client) >= 0)
        load_watch(load, index);
    else if (load->stopped_ns == 0 && load->tally.failures[FAILURE_CONNECT] == unconnected)
        load_connect(load, index);
}

/** Start no more requests; what is under way may still end. */
static void load_stop(struct load *load, uint64_t now)
{
    load->stopped_ns = now;
    load->succeeded_in_time = load->tally.histogram.count;
    load->tally.started_max = load->tally.started;
}

/** Give up what is overdue, and connect again. */
static void load_tick(struct load *load, uint64_t now)
{
    const struct options *options = load->options;
    uint64_t timeout_ns = (uint64_t)(options->timeout * NS_PER_SECOND);
    for (unsigned i = 0; i < options->connections; i++) {
        struct client *client = load->clients[i];
        if (now > timeout_ns)
            client_expire(client, now - timeout_ns);
        if (client_fd(client) < 0 && load->stopped_ns == 0)
            load_connect(load, i);
    }
}

static void load_run(struct load *load)
{
    const struct options *options = load->options;
    struct epoll_event events[EVENTS_MAX];
    uint64_t tick_ns = 0, done = 0;
    load->began_ns = now_ns();
    uint64_t timeout_ns = (uint64_t)(options->timeout * NS_PER_SECOND);
    uint64_t progress_ns = load->began_ns;
    uint64_t end_ns = load->began_ns + (uint64_t)(options->seconds * NS_PER_SECOND);
    while (load->stopped_ns == 0 || tally_pending(&load->tally) > 0) {
        int count = epoll_wait(load->epoll, events, EVENTS_MAX, TICK_MS);
        for (int i = 0; i < count; i++)
            load_serve(load, &events[i]);
        uint64_t now = now_ns();
        bool is_over = options->requests ? load->tally.started >= options->requests : now >= end_ns;
        if (now - tick_ns >= TICK_MS * UINT64_C(1000000)) {
            load_tick(load, now);
            tick_ns = now;
        }
        /* with a number of requests, the last answers count, too */
        uint64_t pending = tally_pending(&load->tally);
        if (load->tally.started + load->tally.bytes != done) {
            done = load->tally.started + load->tally.bytes;
            progress_ns = now;
        }
        /* a number of requests is not reached when nobody answers any more */
        bool is_stuck = options->requests && pending == 0 && now - progress_ns > timeout_ns;
        if (load->stopped_ns == 0 &&
            (is_stuck || (is_over && (!options->requests || pending == 0))))
            load_stop(load, now);
    }
}

/* ---------------------------------------------------------------- the report */

static const char *const failure_names[FAILURES] = {
    [FAILURE_CONNECT] = "connect", [FAILURE_CLOSED] = "closed", [FAILURE_PROTOCOL] = "protocol",
    [FAILURE_STATUS] = "status",   [FAILURE_BODY] = "body",     [FAILURE_TIMEOUT] = "timeout",
};

static const struct {
    const char *name;
    double percent;
} percentiles[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99_9", 99.9}, {"max", 100}};

static void report_json(const struct load *load, double seconds)
{
    const struct tally *tally = &load->tally;
    printf("{\"started\": %" PRIu64 ", \"succeeded\": %" PRIu64 ", \"errors\": %" PRIu64
           ", \"seconds\": %.6f, \"rate\": %.1f, \"connections\": %" PRIu64 ", \"bytes\": %" PRIu64,
           tally->started, tally->histogram.count, tally_errors(tally), seconds,
           (double)load->succeeded_in_time / seconds, tally->connections, tally->bytes);
    for (int i = 0; i < FAILURES; i++)
        printf(", \"errors_%s\": %" PRIu64, failure_names[i], tally->failures[i]);
    printf(", \"mean_us\": %.3f", histogram_mean(&tally->histogram) / 1e3);
    for (size_t i = 0; i < sizeof percentiles / sizeof percentiles[0]; i++)
        printf(", \"%s_us\": %.3f", percentiles[i].name,
               (double)histogram_percentile(&tally->histogram, percentiles[i].percent) / 1e3);
    puts("}");
}

static void report_words(const struct load *load, double seconds)
{
    const struct tally *tally = &load->tally;
    printf("%" PRIu64 " requests in %.3f s: %.0f/s; %" PRIu64 " connections, %.1f MB received\n",
           tally->started, seconds, (double)load->succeeded_in_time / seconds, tally->connections,
           (double)tally->bytes / 1e6);
    printf("answered after, in µs: mean %.0f", histogram_mean(&tally->histogram) / 1e3);
    for (size_t i = 0; i < sizeof percentiles / sizeof percentiles[0]; i++)
        printf(", %s %.0f", percentiles[i].name,
               (double)histogram_percentile(&tally->histogram, percentiles[i].percent) / 1e3);
    printf("\nerrors: %" PRIu64, tally_errors(tally));
    for (int i = 0; i < FAILURES; i++) {
        if (tally->failures[i] > 0)
            printf(", %s %" PRIu64, failure_names[i], tally->failures[i]);
    }
    puts("");
}

/* ---------------------------------------------------------------- */

/** Make all that a run needs, or end. */
static void load_open(struct load *load, const struct request *request)
{
    const struct options *options = load->options;
    load->script = (struct script){
        .request = request->bytes,
        .request_bytes = request->size,
        .ids = request->ids,
        .ids_count = request->ids_count,
        .body = options->expected_body,
        .body_bytes = options->expected_body ? strlen(options->expected_body) : 0,
        .status = options->status,
        .streams = options->streams,
        .is_kept = options->is_kept,
    };
    load->tally.started_max = options->requests ? options->requests : UINT64_MAX;
    if ((double)options->connections * options->streams * (double)request->size > OUTPUT_MAX)
        options_refuse("too much at once", "fewer connections, requests or bytes, please");
    struct rlimit files = {0};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    load->clients = calloc(options->connections, sizeof load->clients[0]);
    load->is_writing = calloc(options->connections, sizeof load->is_writing[0]);
    bool is_ready = load->epoll >= 0 && load->clients && load->is_writing;
    for (unsigned i = 0; is_ready && i < options->connections; i++)
        is_ready = (load->clients[i] = client_new(&load->script, &load->tally)) != NULL;
    if (!is_ready)
        options_refuse("cannot begin", strerror(ENOMEM));
}

static void load_close(struct load *load)
{
    for (unsigned i = 0; i < load->options->connections; i++)
        client_free(load->clients[i]);
    free(load->clients);
    free(load->is_writing);
}

int main(int argc, char **argv)
{
    struct options options;
    options_parse(&options, argc, argv);
    struct request *request = request_new(&options.words);
    static struct load load;
    load.options = &options;
    if (request == NULL)
        options_refuse("the request", strerror(errno));
    load_open(&load, request);
    load_run(&load);
    double seconds = (double)(load.stopped_ns - load.began_ns) / NS_PER_SECOND;
    uint64_t failed = tally_errors(&load.tally);
    bool is_tried = load.tally.started > 0;
    if (is_tried)
        (options.is_json ? report_json : report_words)(&load, seconds);
    load_close(&load);
    request_free(request);
    if (!is_tried)
        fprintf(stderr, "fcgi_load: nobody accepts at %s\n", argv[argc - 1]);
    return !is_tried ? 2 : failed > 0 ? 1 : 0;
}
