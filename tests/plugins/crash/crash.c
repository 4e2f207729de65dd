/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plugin that goes wrong in every way a plugin can, one way per path, for the system tests: they
 * look at what the client gets, what the log says, and that everybody else goes on.
 */
#include "config.h"

#include <kontor/kontor.h>
#include <stdint.h>
#include <stdlib.h>

/** Longer than any test waits. */
#define HANG_MS (3600 * 1000)
/** More levels than a stack of any configured size can hold. */
#define DEPTH 100000000

/** GET /segfault: write to where nothing is. */
static void segfault(struct kt_request *request)
{
    (void)request;
    volatile uintptr_t nowhere = 16;
    *(volatile int *)nowhere = 1;
}

/** GET /abort: as assert does. */
static void abort_worker(struct kt_request *request)
{
    (void)request;
    abort();
}

/** Not a tail call: the frame is needed after the return. */
static uint64_t descend(uint64_t depth, volatile uint64_t *above)
{
    volatile uint64_t frame[64];
    frame[depth % 64] = depth + *above;
    return depth == 0 ? frame[0] : descend(depth - 1, &frame[depth % 64]) + frame[1];
}

/** GET /overflow: recursion without end. */
static void overflow(struct kt_request *request)
{
    volatile uint64_t above = 0;
    kt_respond_problem(request, 500, "%llu", (unsigned long long)descend(DEPTH, &above));
}

/** GET /fail: the process ends, with a reason. */
static void fail(struct kt_request *request)
{
    (void)request;
    kt_fail("the crash plugin was asked to fail");
}

/** GET /fail-later: it ends in the middle of its answer, whose length the client was told. */
static void fail_later(struct kt_request *request)
{
    kt_response_begin(request, 200, "text/plain", 1000);
    kt_response_write(request, "the beginning", 13);
    kt_response_flush(request);
    kt_fail("the crash plugin was asked to fail in the middle");
}

/** GET /silent: it returns without an answer. */
static void silent(struct kt_request *request)
{
    (void)request;
}

/** GET /hang: it never answers, and bothers nobody. */
static void hang(struct kt_request *request)
{
    (void)request;
    kt_sleep(HANG_MS);
}

static int start(struct kt_plugin *plugin, struct kt_error *error)
{
    static const struct {
        const char *path;
        void (*handler)(struct kt_request *request);
    } routes[] = {
        {"/segfault", segfault},
        {"/abort", abort_worker},
        {"/overflow", overflow},
        {"/fail", fail},
        {"/hang", hang},
        {"/silent", silent},
        {"/fail-later", fail_later},
    };
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        int result = kt_plugin_route(plugin, "GET", routes[i].path, routes[i].handler, NULL);
        if (result < 0)
            return kt_error_set(error, result, "cannot route %s", routes[i].path);
    }
    return 0;
}

KT_PLUGIN(.name = "crash", .version = PACKAGE_VERSION, .summary = "goes wrong on purpose",
          .start = start);
