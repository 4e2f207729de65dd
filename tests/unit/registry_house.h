/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small house for tests of the registry: the real registry in an OS process of its own, workers
 * in others, and the test as their master.
 */
#ifndef TEST_REGISTRY_HOUSE_H
#define TEST_REGISTRY_HOUSE_H

#include "inside.h"

#include "base/packet.h"
#include "registry/client.h"
#include "registry/directory.h"
#include "registry/registry.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define HOUSE_WORKERS 8

struct house {
    pid_t registry;
    int registry_fd, directory_fd;
    int file_fds[KT_FILES_MAX];
    size_t directory_bytes;
    uint64_t files_bytes_max;
};

/** What workers report to the test; shared with all of them. */
struct house_board {
    _Atomic uint64_t counts[16];
};

static struct house house;
static struct house_board *board;

/** End this worker with a message, since a failed cmocka assertion would go on in the parent's
 * test. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not true in a worker: %s\n", __FILE__, __LINE__, #condition);  \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/** Wait for what the registry tells its master; keeps the files. */
static inline void house_hear(const char *until)
{
    char packet[KT_REGISTRY_PACKET_MAX];
    for (;;) {
        int fd = -1;
        struct pollfd poll_fd = {house.registry_fd, POLLIN, 0};
        assert_int_equal(poll(&poll_fd, 1, 20000), 1);
        ssize_t size = kt_packet_receive(house.registry_fd, packet, sizeof packet, &fd);
        assert_true(size > 0);
        if (fd >= 0) {
            int *place = &house.file_fds[atoi(packet + strlen(KT_REGISTRY_FILE))];
            if (*place >= 0)
                close(*place);
            *place = fd;
        }
        if (strncmp(packet, until, strlen(until)) == 0)
            return;
    }
}

static inline void house_open_registry(int old_directory_fd)
{
    int fds[2];
    house.directory_fd = kt_directory_make(house.directory_bytes);
    assert_true(house.directory_fd >= 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    house.registry = fork();
    assert_true(house.registry >= 0);
    if (house.registry == 0) {
        close(fds[0]);
        const struct kt_registry_start start = {
            .master_fd = fds[1],
            .directory_fd = house.directory_fd,
            .old_directory_fd = old_directory_fd,
            .file_fds = house.file_fds,
            .files_bytes_max = house.files_bytes_max,
        };
        exit(kt_registry_run(&start));
    }
    close(fds[1]);
    house.registry_fd = fds[0];
    house_hear(KT_REGISTRY_READY);
}

static inline void house_open_sized(size_t directory_bytes, uint64_t files_bytes_max)
{
    house = (struct house){
        .directory_bytes = directory_bytes,
        .files_bytes_max = files_bytes_max,
    };
    memset(house.file_fds, -1, sizeof house.file_fds);
    /* as kontord does: there may be more files than the usual limit */
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(board, MAP_FAILED);
    house_open_registry(-1);
}

static inline void house_open(void)
{
    house_open_sized((size_t)32 << 20, 64u << 20);
}

/** End the registry in good order. */
static inline void house_close(void)
{
    int status;
    close(house.registry_fd);
    assert_int_equal(waitpid(house.registry, &status, 0), house.registry);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(house.directory_fd);
    for (size_t i = 0; i < KT_FILES_MAX; i++)
        if (house.file_fds[i] >= 0)
            close(house.file_fds[i]);
    munmap(board, sizeof *board);
}

/** A socket to the registry for a worker. */
static inline int house_connect(uint32_t node)
{
    int fds[2];
    char text[32];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    snprintf(text, sizeof text, KT_REGISTRY_WORKER "%u", node);
    assert_int_equal(kt_packet_send(house.registry_fd, text, fds[1]), 0);
    close(fds[1]);
    return fds[0];
}

static inline void house_lost(void *argument)
{
    (void)argument;
    board->counts[15]++;
}

/** Run a test in a worker that is this OS process. */
static inline void house_run(uint32_t node, void (*test)(void))
{
    const struct kt_runtime_options options = {.node = node};
    struct inside inside = {.test = test};
    struct kt_runtime_counts counts;
    int fd = house_connect(node), read_fd = kt_directory_reopen_read_only(house.directory_fd);
    assert_int_equal(kt_runtime_start(&options, NULL), 0);
    assert_int_equal(kt_registry_attach(fd, read_fd, house_lost, NULL), 0);
    close(read_fd);
    assert_int_equal(kt_spawn(NULL, inside_main, &inside, NULL), 0);
    kt_runtime_run();
    kt_registry_detach();
    kt_runtime_close();
    kt_runtime_counts(&counts);
    assert_true(inside.is_done);
    assert_int_equal(counts.processes, 0);
}

/** Run a test in a worker of its own OS process. Its end with status 0 is success. */
static inline pid_t house_fork(uint32_t node, void (*test)(void))
{
    int fd = house_connect(node), read_fd = kt_directory_reopen_read_only(house.directory_fd);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct kt_runtime_options options = {.node = node};
        struct inside inside = {.test = test};
        close(house.registry_fd);
        CHECK(kt_runtime_start(&options, NULL) == 0);
        CHECK(kt_registry_attach(fd, read_fd, house_lost, NULL) == 0);
        CHECK(kt_spawn(NULL, inside_main, &inside, NULL) == 0);
        kt_runtime_run();
        kt_registry_detach();
        kt_runtime_close();
        _exit(0);
    }
    close(fd);
    close(read_fd);
    return pid;
}

static inline void house_join(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static inline void house_kill(pid_t pid)
{
    int status;
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
}

/** Make the cmocka test `name` of test_`name`, run in worker 1 of a fresh house. */
#define HOUSE_CASE(name)                                                                           \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        house_open();                                                                              \
        house_run(1, test_##name);                                                                 \
        house_close();                                                                             \
    }

#endif
