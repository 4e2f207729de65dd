/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the processes cost: one JSON object a line, {"figure", "value", "unit"}. Each figure runs
 * for about a third of a second, three times, and the best counts: the machine's noise only slows.
 */
#include <errno.h>
#include <kontor/kontor.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process/runtime.h"

#define RUNS 3
#define SPAWNS 1000000
#define MESSAGES 2000000
#define ONE_WAY_BATCH 5000
#define CHILDREN 100000
#define SLEEPERS 1000000
#define PARKED 10000

static double seconds(void)
{
    return (double)uv_hrtime() / 1e9;
}

static void print(const char *figure, double value, const char *unit)
{
    printf("{\"figure\": \"%s\", \"value\": %.4g, \"unit\": \"%s\"}\n", figure, value, unit);
    fflush(stdout);
}

/** The best rate of several runs. */
static void rate(const char *figure, double (*run)(void), double operations)
{
    double best = 0;
    for (int i = 0; i < RUNS; i++) {
        double value = operations / run();
        if (value > best)
            best = value;
    }
    print(figure, best / 1e6, "M/s");
}

/* ---------------------------------------------------------------- spawn and exit */

static void nothing(void *argument)
{
    (void)argument;
}

static double spawn_exit(void)
{
    double start = seconds();
    for (int i = 0; i < SPAWNS; i++) {
        kt_spawn(NULL, nothing, NULL, NULL);
        if (i % 16 == 15)
            kt_yield();
    }
    kt_yield();
    return seconds() - start;
}

/* ---------------------------------------------------------------- messages */

static void echo(void *argument)
{
    (void)argument;
    const struct kt_message *message;
    while (kt_receive(-1, &message) == 0)
        kt_send(message->from, message->type, message->data, message->size);
}

static double round_trip(void)
{
    kt_pid peer;
    const struct kt_message *message;
    kt_spawn(NULL, echo, NULL, &peer);
    double start = seconds();
    for (int i = 0; i < MESSAGES; i++) {
        kt_send(peer, 1, &i, sizeof i);
        kt_receive(-1, &message);
    }
    double elapsed = seconds() - start;
    kt_signal(peer, KT_EXIT_KILL, NULL);
    kt_join(peer, -1);
    return elapsed;
}

static void answer(void *state, const struct kt_message *call)
{
    (void)state;
    struct kt_from from = kt_message_from(call);
    kt_reply(&from, 1, call->data, call->size);
}

static double server_call(void)
{
    static const struct kt_server server = {.label = "answer", .handle_call = answer};
    kt_pid pid;
    kt_server_start(&server, NULL, NULL, &pid);
    double start = seconds();
    for (int i = 0; i < MESSAGES; i++)
        kt_call(pid, 1, &i, sizeof i, 5000, NULL);
    double elapsed = seconds() - start;
    kt_signal(pid, KT_EXIT_KILL, NULL);
    kt_join(pid, -1);
    return elapsed;
}

static void sink(void *argument)
{
    const struct kt_message *message;
    for (int *left = argument; *left > 0; (*left)--)
        kt_receive(-1, &message);
}

static double one_way(void)
{
    int left = MESSAGES;
    kt_pid pid;
    kt_spawn(NULL, sink, &left, &pid);
    double start = seconds();
    for (int i = 0; i < MESSAGES; i++) {
        kt_send(pid, 1, &i, sizeof i);
        if (i % ONE_WAY_BATCH == ONE_WAY_BATCH - 1)
            kt_yield();
    }
    kt_join(pid, -1);
    return seconds() - start;
}

/* ---------------------------------------------------------------- supervisors */

static void wait_for_ever(void *argument)
{
    (void)argument;
    const struct kt_message *message;
    kt_receive(-1, &message);
}

static const struct kt_server idle_server = {.label = "idle"};

static void supervisor_restart(void)
{
    enum { CRASHES = 100000 };
    const struct kt_supervisor spec = {.label = "bench", .intensity = KT_INTENSITY_MAX};
    kt_pid supervisor, child, next;
    kt_supervisor_start(&spec, NULL, &supervisor);
    kt_supervisor_add(supervisor, &(struct kt_child){.id = "child", .server = &idle_server},
                      &child);
    double start = seconds();
    for (int i = 0; i < CRASHES; i++) {
        kt_signal(child, KT_EXIT_KILL, "bench");
        do
            kt_supervisor_child(supervisor, "child", &next);
        while (next == child || !next);
        child = next;
    }
    print("supervisor restart (crash to running again)", (seconds() - start) / CRASHES * 1e6, "us");
    kt_supervisor_stop(supervisor, -1);
}

static void supervisor_children(void)
{
    const struct kt_supervisor spec = {.label = "bench", .strategy = KT_DYNAMIC};
    kt_pid supervisor;
    kt_supervisor_start(&spec, NULL, &supervisor);
    double start = seconds();
    for (int i = 0; i < CHILDREN; i++)
        kt_supervisor_add(supervisor, &(struct kt_child){.server = &idle_server}, NULL);
    print("dynamic supervisor: start a child", CHILDREN / (seconds() - start) / 1e6, "M/s");
    start = seconds();
    kt_supervisor_stop(supervisor, -1);
    print("stopping a supervisor with 100,000 children", seconds() - start, "s");
}

/* ---------------------------------------------------------------- memory */

static size_t resident(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%*s %ld", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    return (size_t)pages * 4096;
}

static int sleeper_init(void *argument, void **ret_state)
{
    (void)argument, (void)ret_state;
    kt_server_timeout(3600 * 1000);
    return 0;
}

static const struct kt_server sleeper = {.label = "sleeper", .init = sleeper_init};

static void kill_each(const struct kt_process_info *info, void *argument)
{
    (void)argument;
    if (info->pid != kt_self())
        kt_signal(info->pid, KT_EXIT_KILL, NULL);
}

static void memory(void)
{
    size_t before = resident();
    for (int i = 0; i < PARKED; i++)
        kt_spawn(NULL, wait_for_ever, NULL, NULL);
    kt_yield();
    print("memory of a parked process", (double)(resident() - before) / PARKED, "bytes");
    kt_runtime_each(false, kill_each, NULL);
    kt_sleep(20);
    before = resident();
    for (int i = 0; i < SLEEPERS; i++)
        kt_server_start(&sleeper, NULL, NULL, NULL);
    print("memory of a sleeping server with its timer", (double)(resident() - before) / SLEEPERS,
          "bytes");
    kt_runtime_each(false, kill_each, NULL);
}

static void bench(void *argument)
{
    (void)argument;
    memory();
    rate("spawn and exit", spawn_exit, SPAWNS);
    rate("message round trip", round_trip, MESSAGES);
    rate("server call", server_call, MESSAGES);
    rate("one-way messages", one_way, MESSAGES);
    supervisor_restart();
    supervisor_children();
    kt_runtime_stop();
}

int main(void)
{
    struct kt_error error;
    if (kt_runtime_start(NULL, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return EXIT_FAILURE;
    }
    kt_spawn(NULL, bench, NULL, NULL);
    kt_runtime_run();
    kt_runtime_close();
    return EXIT_SUCCESS;
}
