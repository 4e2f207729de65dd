/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the processes cost: one JSON object a line, {"figure", "value", "unit"}, for all figures or
 * those named on the command line. A rate runs for about a third of a second, three times, and the
 * best counts: the machine's noise only slows. peer_beam.erl measures the same on the BEAM.
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
#define CRASHES 100000
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
static void print_rate(const char *figure, double (*run)(void), double operations)
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

/** Kill the only child and ask the supervisor for it until there is another one. */
static void restart(const char *figure)
{
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
    print(figure, (seconds() - start) / CRASHES * 1e6, "us");
    kt_supervisor_stop(supervisor, -1);
}

/** Start so many children of one supervisor, and stop it. @return seconds of either */
static double children_start_stop(double *ret_stop)
{
    const struct kt_supervisor spec = {.label = "bench", .strategy = KT_DYNAMIC};
    kt_pid supervisor;
    kt_supervisor_start(&spec, NULL, &supervisor);
    double began = seconds();
    for (int i = 0; i < CHILDREN; i++)
        kt_supervisor_add(supervisor, &(struct kt_child){.server = &idle_server}, NULL);
    double started = seconds();
    kt_supervisor_stop(supervisor, -1);
    *ret_stop = seconds() - started;
    return started - began;
}

static double children_start(void)
{
    double stop;
    return children_start_stop(&stop);
}

static void children_stop(const char *figure)
{
    double stop;
    children_start_stop(&stop);
    print(figure, stop, "s");
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

static void parked_memory(const char *figure)
{
    size_t before = resident();
    for (int i = 0; i < PARKED; i++)
        kt_spawn(NULL, wait_for_ever, NULL, NULL);
    kt_yield();
    print(figure, (double)(resident() - before) / PARKED, "bytes");
    kt_runtime_each(false, kill_each, NULL);
    /* Once round, so that all have ended before another figure begins. */
    kt_sleep(20);
}

static void sleeper_memory(const char *figure)
{
    size_t before = resident();
    for (int i = 0; i < SLEEPERS; i++)
        kt_server_start(&sleeper, NULL, NULL, NULL);
    print(figure, (double)(resident() - before) / SLEEPERS, "bytes");
    kt_runtime_each(false, kill_each, NULL);
}

/* ---------------------------------------------------------------- which figures */

/** A figure: either a rate, of so many operations that `run` does in the seconds that it returns,
 *  or something that `measure` prints itself. */
struct figure {
    const char *name;
    double (*run)(void);
    double operations;
    void (*measure)(const char *figure);
};

/** Memory first, before anything else has left some behind. */
static const struct figure figures[] = {
    {.name = "parked_bytes", .measure = parked_memory},
    {.name = "sleeper_bytes", .measure = sleeper_memory},
    {.name = "spawn_exit", .run = spawn_exit, .operations = SPAWNS},
    {.name = "round_trip", .run = round_trip, .operations = MESSAGES},
    {.name = "server_call", .run = server_call, .operations = MESSAGES},
    {.name = "one_way", .run = one_way, .operations = MESSAGES},
    {.name = "start_child", .run = children_start, .operations = CHILDREN},
    {.name = "stop_100000", .measure = children_stop},
    {.name = "restart", .measure = restart},
    {0},
};

/** The names on the command line; none stands for all. */
static char **wanted;

static bool is_wanted(const char *name)
{
    for (char **word = wanted; *word; word++)
        if (strcmp(*word, name) == 0)
            return true;
    return *wanted == NULL;
}

static void bench(void *argument)
{
    (void)argument;
    for (const struct figure *figure = figures; figure->name; figure++) {
        if (!is_wanted(figure->name))
            continue;
        if (figure->run)
            print_rate(figure->name, figure->run, figure->operations);
        else
            figure->measure(figure->name);
    }
    kt_runtime_stop();
}

int main(int argc, char **argv)
{
    (void)argc;
    wanted = argv + 1;
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
