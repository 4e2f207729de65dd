/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the registry costs: one JSON object a line, {"figure", "value", "unit"}, for all figures or
 * those named on the command line. The real registry runs in an OS process of its own; the worker
 * that asks it is this one. Of several runs the best counts. peer_beam.erl measures the same with
 * Elixir's Registry.
 */
#include <errno.h>
#include <kontor/kontor.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/packet.h"
#include "process/runtime.h"
#include "registry/client.h"
#include "registry/directory.h"
#include "registry/registry.h"

#define RUNS 5
#define KEYS 100000u
#define ASKERS 1000u
#define LOOKUPS 2000000u
#define DIRECTORY_BYTES ((size_t)256 << 20)

static double seconds(void)
{
    return (double)uv_hrtime() / 1e9;
}

static void print(const char *figure, double value, const char *unit)
{
    printf("{\"figure\": \"%s\", \"value\": %.4g, \"unit\": \"%s\"}\n", figure, value, unit);
    fflush(stdout);
}

static _Noreturn void die(const char *what, int result)
{
    fprintf(stderr, "bench_registry: %s: %s\n", what, strerror(-result));
    exit(1);
}

static uint32_t asking; /* processes that have not registered their share */
static kt_pid waiting;  /* who is told when that is none */

static void share_is_done(void)
{
    if (--asking == 0)
        kt_send(waiting, 1, NULL, 0);
}

static void make_key(char key[32], uint32_t number)
{
    snprintf(key, 32, "bench/%06u", number);
}

/** Register this process's share of the keys, and stay. */
static void register_share(void *argument)
{
    uint32_t first = (uint32_t)(uintptr_t)argument, count = KEYS / ASKERS;
    char key[32];
    for (uint32_t i = 0; i < count; i++) {
        make_key(key, first * count + i);
        int result = kt_registry_register(&(struct kt_registration){.key = key}, NULL);
        if (result < 0)
            die(key, result);
    }
    share_is_done();
    kt_sleep(1000000);
}

/* Servers, since a hundred thousand that park would need as many stacks. */
static int owner_init(void *argument, void **ret_state)
{
    char key[32];
    (void)ret_state;
    make_key(key, (uint32_t)(uintptr_t)argument);
    return kt_registry_register(&(struct kt_registration){.key = key}, NULL);
}

static const struct kt_server owner = {.label = "owner", .init = owner_init};

static kt_pid owners[KEYS];

/** Start this process's share of servers that own one key each. */
static void start_share(void *argument)
{
    uint32_t first = (uint32_t)(uintptr_t)argument, count = KEYS / ASKERS;
    for (uint32_t i = first * count; i < (first + 1) * count; i++) {
        int result = kt_server_start(&owner, NULL, (void *)(uintptr_t)i, &owners[i]);
        if (result < 0)
            die("an owner", result);
    }
    share_is_done();
}

static void start(void (*function)(void *argument))
{
    const struct kt_message *message;
    asking = ASKERS;
    waiting = kt_self();
    for (uint32_t i = 0; i < ASKERS; i++)
        if (kt_spawn(NULL, function, (void *)(uintptr_t)i, &owners[i]) < 0)
            die("spawn", -EAGAIN);
    kt_receive(-1, &message);
}

/** End them all. @return the seconds until no key of theirs is left */
static double end(uint32_t count)
{
    struct kt_registry_page *page;
    double begin = seconds();
    for (uint32_t i = 0; i < count; i++)
        kt_signal(owners[i], KT_EXIT_KILL, "the measurement is over");
    kt_yield();
    do {
        int result = kt_registry_select("bench/", NULL, 1, &page);
        if (result < 0)
            die("select", result);
    } while (page->count > 0);
    return seconds() - begin;
}

static void measure_register(const char *figure)
{
    double best = 0;
    for (int run = 0; run < RUNS; run++) {
        double begin = seconds();
        start(register_share);
        double rate = KEYS / (seconds() - begin);
        best = rate > best ? rate : best;
        end(ASKERS);
    }
    print(figure, best / 1e6, "M/s");
}

static void measure_evict(const char *figure)
{
    double best = 1e9;
    for (int run = 0; run < RUNS; run++) {
        start(start_share);
        double time = end(KEYS);
        best = time < best ? time : best;
    }
    print(figure, best * 1e3, "ms");
}

static void measure_lookup(const char *figure)
{
    static char keys[1024][32];
    double best = 0;
    start(register_share);
    for (uint32_t i = 0; i < 1024; i++)
        make_key(keys[i], i * 7919 % KEYS);
    for (int run = 0; run < RUNS; run++) {
        struct kt_registry_entry entry;
        double begin = seconds();
        for (uint32_t i = 0; i < LOOKUPS; i++)
            if (kt_registry_lookup(keys[i % 1024], &entry) < 0)
                die(keys[i % 1024], -ENOENT);
        double rate = LOOKUPS / (seconds() - begin);
        best = rate > best ? rate : best;
    }
    print(figure, best / 1e6, "M/s");
    end(ASKERS);
}

/* ---------------------------------------------------------------- which figures */

static const struct {
    const char *name;
    void (*measure)(const char *figure);
} figures[] = {
    {"registry_lookup", measure_lookup},
    {"registry_register", measure_register},
    {"registry_evict_100000", measure_evict},
};

static char **wanted; /* ends with NULL; empty: all */

static bool is_wanted(const char *name)
{
    bool is_listed = !*wanted;
    for (char **one = wanted; *one; one++)
        is_listed |= strcmp(*one, name) == 0;
    return is_listed;
}

static void measure(void *argument)
{
    (void)argument;
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        if (is_wanted(figures[i].name))
            figures[i].measure(figures[i].name);
    kt_runtime_stop();
}

/* ---------------------------------------------------------------- a registry and a worker */

static pid_t start_registry(int directory_fd, int *ret_fd)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
        die("socketpair", -errno);
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[0]);
        const struct kt_registry_start how = {
            .master_fd = fds[1], .directory_fd = directory_fd, .old_directory_fd = -1};
        exit(kt_registry_run(&how));
    }
    close(fds[1]);
    *ret_fd = fds[0];
    return pid;
}

int main(int argc, char **argv)
{
    int registry_fd, fds[2], directory_fd = kt_directory_make(DIRECTORY_BYTES);
    (void)argc;
    wanted = argv + 1;
    if (directory_fd < 0)
        die("the directory", directory_fd);
    pid_t registry = start_registry(directory_fd, &registry_fd);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
        die("socketpair", -errno);
    int result = kt_packet_send(registry_fd, KT_REGISTRY_WORKER "1", fds[1]);
    close(fds[1]);
    if (result == 0)
        result = kt_runtime_start(&(struct kt_runtime_options){.node = 1}, NULL);
    if (result == 0)
        result = kt_registry_attach(fds[0], directory_fd, NULL, NULL);
    if (result < 0)
        die("start", result);
    kt_spawn(NULL, measure, NULL, NULL);
    kt_runtime_run();
    kt_registry_detach();
    kt_runtime_close();
    close(registry_fd);
    waitpid(registry, NULL, 0);
    return 0;
}
