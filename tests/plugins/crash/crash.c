/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plugin that goes wrong in every way a plugin can, one way per path, for the system tests: they
 * look at what the client gets, what the log says, and that everybody else goes on.
 */
#include "config.h"

#include <errno.h>
#include <kontor/kontor.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** Longer than any test waits. */
#define HANG_MS (3600 * 1000)
/** More levels than a stack of any configured size can hold. */
#define DEPTH 100000000
/** Neither 0 nor one of sysexits.h, so that it can be told apart. */
#define STATUS 42

/** Write to where nothing is. */
static void write_nowhere(void *argument)
{
    (void)argument;
    volatile uintptr_t nowhere = 16;
    *(volatile int *)nowhere = 1;
}

/** GET /segfault */
static void segfault(struct kt_request *request)
{
    write_nowhere(request);
}

/** GET /segfault-in-pool: the same on a thread of the pool. */
static void segfault_in_pool(struct kt_request *request)
{
    kt_work(write_nowhere, request);
}

static int segfault_when_freed(void **memory)
{
    write_nowhere(memory);
    return 0;
}

/** GET /segfault-when-freed: in a destructor, when the process has ended and was answered. */
static void segfault_when_freed_later(struct kt_request *request)
{
    void **memory = kt_must(talloc_zero(kt_self_memory(), void *));
    talloc_set_destructor(memory, segfault_when_freed);
    kt_respond_problem(request, 500, "This is the last answer of this worker.");
}

/** GET /exit: as if the plugin were a program. */
static void leave(struct kt_request *request)
{
    (void)request;
    exit(STATUS);
}

/** GET /exit-at-once: without a word to anybody. */
static void leave_at_once(struct kt_request *request)
{
    (void)request;
    _exit(STATUS);
}

/** GET /spin: compute for ever, so that nothing else runs in this worker. */
static void spin(struct kt_request *request)
{
    (void)request;
    for (volatile uint64_t count = 0;; count++)
        ;
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

/** GET /fine */
static void fine(struct kt_request *request)
{
    kt_respond(request, 200, "text/plain", "fine\n", 5);
}

/** A child that fails as soon as it is started. */
static void fail_child(void *argument)
{
    (void)argument;
    kt_fail("the child was asked to fail");
}

static const struct kt_option options[] = {
    {.name = "when",
     .type = KT_OPTION_CHOICE,
     .default_value = "asked",
     .choices = "asked check start start-error child",
     .help = "when it goes wrong: only when asked for it, when its options are checked, when it "
             "starts, by an error of its start, or for ever in a child"},
    {.name = NULL},
};

static bool is_time(const struct kt_plugin *plugin, const char *when)
{
    return strcmp(kt_plugin_string(plugin, "when"), when) == 0;
}

static int check(const struct kt_plugin *plugin, struct kt_error *error)
{
    (void)error;
    if (is_time(plugin, "check"))
        write_nowhere(NULL);
    return 0;
}

static int start(struct kt_plugin *plugin, struct kt_error *error)
{
    const struct kt_child child = {
        .id = "failing child", .restart = KT_PERMANENT, .function = fail_child};
    if (is_time(plugin, "start"))
        write_nowhere(NULL);
    if (is_time(plugin, "start-error"))
        return kt_error_set(error, -EIO, "the crash plugin was asked not to start");
    if (is_time(plugin, "child"))
        return kt_plugin_child(plugin, &child, NULL);
    static const struct {
        const char *path;
        void (*handler)(struct kt_request *request);
    } routes[] = {
        {"/segfault", segfault},
        {"/segfault-in-pool", segfault_in_pool},
        {"/segfault-when-freed", segfault_when_freed_later},
        {"/exit", leave},
        {"/exit-at-once", leave_at_once},
        {"/spin", spin},
        {"/fine", fine},
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
          .options = options, .check = check, .start = start);
