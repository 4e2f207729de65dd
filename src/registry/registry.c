/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loop of the registry: one poll(2) over the master, a timer on the clock of the day, and the
 * workers. All changes happen here, one after the other; that is what makes them atomic.
 */
#include "config.h"

#include "registry/registry_private.h"

#include "base/log.h"
#include "base/packet.h"
#include "registry/post.h"
#include "registry/questions.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

/** Reads from one worker in one turn, so that a busy one does not keep the others waiting. */
#define READS_AT_ONCE 4

/** Fixed places of the list that is polled. */
enum { FD_MASTER, FD_TIMER, FIXED_FDS };

static struct {
    struct kt_registry_process shared;
    struct pollfd fds[FIXED_FDS + KT_NODE_MAX];
    uint32_t nodes[KT_NODE_MAX]; /**< whose those behind the fixed ones are */
    uint32_t count;              /**< of workers */
    int64_t armed_ms;            /**< what the timer is set to, INT64_MAX: nothing */
    bool files_untold[KT_FILES_MAX];
    bool has_untold;
} process;

#define registry process.shared

static int64_t unix_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void *kt_registry_add(struct kt_connection_to_worker *worker, const struct kt_frame *head,
                      size_t body_bytes, int fd)
{
    void *room = kt_wire_add(worker->wire, head, body_bytes, fd);
    if (!room && !worker->is_broken) {
        kt_log_error("worker at node %u is cut off: no room for what it is to hear", worker->node);
        worker->is_broken = true;
    }
    return room;
}

/* ---------------------------------------------------------------- the master */

static void tell_master(const char *text)
{
    if (send(registry.start->master_fd, text, strlen(text), MSG_NOSIGNAL) < 0 && errno != EPIPE)
        kt_log_warning("cannot tell the master '%s': %s", text, strerror(errno));
}

static int fail(int status, const char *text)
{
    char packet[KT_REGISTRY_PACKET_MAX];
    kt_log_error("%s", text);
    snprintf(packet, sizeof packet, KT_REGISTRY_FAILED "%s", text);
    tell_master(packet);
    return status;
}

/** Hand the master copies of files that have come, and the numbers of those that have gone. */
static void tell_files(void)
{
    char text[sizeof KT_REGISTRY_FILE_GONE + 16];
    if (!process.has_untold)
        return;
    process.has_untold = false;
    for (uint32_t i = 0; i < KT_FILES_MAX; i++) {
        if (!process.files_untold[i])
            continue;
        int fd = registry.book.files.fds[i];
        snprintf(text, sizeof text, "%s%u", fd >= 0 ? KT_REGISTRY_FILE : KT_REGISTRY_FILE_GONE, i);
        if (kt_packet_send(registry.start->master_fd, text, fd) < 0) {
            process.has_untold = true; /* once more at the next turn */
            return;
        }
        process.files_untold[i] = false;
    }
}

static void file_changed(uint32_t number, int fd, void *argument)
{
    (void)fd;
    (void)argument;
    process.files_untold[number] = process.has_untold = true;
}

static void adopt_worker(const char *number, int fd)
{
    char *end;
    unsigned long node = strtoul(number, &end, 10);
    if (fd < 0) { /* it is left alone, tells the master, and is replaced */
        kt_log_error("no descriptor is left for the worker at node %lu", node);
        return;
    }
    if (*end != '\0' || node == 0 || node > KT_NODE_MAX || registry.workers[node]) {
        kt_log_error("the master says 'worker %s', which cannot be", number);
        close(fd);
        return;
    }
    struct kt_connection_to_worker *worker = calloc(1, sizeof *worker);
    struct kt_wire *wire = worker ? kt_wire_new(fd) : NULL;
    if (!wire) {
        kt_log_error("out of memory for worker at node %lu", node);
        free(worker);
        close(fd);
        return;
    }
    *worker = (struct kt_connection_to_worker){.node = (uint32_t)node, .wire = wire};
    registry.workers[node] = worker;
    process.nodes[process.count++] = (uint32_t)node;
}

/** @return false when the master is gone, or tells us to end by closing its socket */
static bool hear_master(void)
{
    char packet[KT_REGISTRY_PACKET_MAX];
    const size_t worker = strlen(KT_REGISTRY_WORKER);
    for (;;) {
        int fd = -1;
        ssize_t size = kt_packet_receive(registry.start->master_fd, packet, sizeof packet, &fd);
        if (size == -EAGAIN)
            return true;
        if (size <= 0)
            return false;
        if (strncmp(packet, KT_REGISTRY_WORKER, worker) == 0)
            adopt_worker(packet + worker, fd);
        else if (fd >= 0)
            close(fd);
    }
}

/* ---------------------------------------------------------------- workers */

/** Whether a worker takes what it gets, so that it may ask on. */
static bool may_ask(const struct kt_connection_to_worker *worker)
{
    return kt_wire_waiting(worker->wire) <= KT_ANSWERS_WAITING_MAX &&
           kt_wire_waiting_fds(worker->wire) < KT_FDS_WAITING_MAX;
}

/** Take what a worker has said, until too much waits for it: the rest is taken when it has read. */
static void take_frames(struct kt_connection_to_worker *worker)
{
    const struct kt_frame *frame;
    int fd, result;
    for (;;) {
        worker->has_rest = !may_ask(worker);
        if (worker->has_rest)
            return;
        result = kt_wire_next(worker->wire, &frame, &fd);
        if (result <= 0)
            break;
        bool is_post = frame->kind >= KT_FRAME_SEND;
        if (is_post && fd != -1) {
            if (fd >= 0)
                close(fd);
            result = -EPROTO;
        } else {
            result = is_post ? kt_post_take(&registry, worker, frame)
                             : kt_question_answer(&registry, worker, frame, fd);
        }
        if (result < 0)
            break;
        if (worker->is_broken)
            return;
    }
    if (result < 0) {
        kt_log_error("worker at node %u is cut off: what it says makes no sense", worker->node);
        worker->is_broken = true;
    }
}

static void read_worker(struct kt_connection_to_worker *worker)
{
    if (worker->has_rest)
        take_frames(worker);
    for (int i = 0; i < READS_AT_ONCE && !worker->is_broken && !worker->has_rest; i++) {
        int result = kt_wire_fill(worker->wire);
        if (result == -EAGAIN)
            return;
        if (result < 0)
            worker->is_broken = true;
        else
            take_frames(worker);
    }
}

static void close_worker(uint32_t place)
{
    uint32_t node = process.nodes[place];
    struct kt_connection_to_worker *worker = registry.workers[node];
    process.nodes[place] = process.nodes[--process.count];
    registry.workers[node] = NULL;
    kt_wire_free(worker->wire);
    free(worker);
    kt_subscriptions_forget(&registry.subscriptions, node);
    kt_post_forget(&registry, node);
    kt_book_node_ended(&registry.book, node, registry.now_ms);
}

static void write_worker(struct kt_connection_to_worker *worker)
{
    int result;
    do { /* once it has read all, nothing else would wake us to tell it that there was more */
        kt_question_tell_lost(worker);
        result = kt_wire_flush(worker->wire);
    } while (result == 0 && worker->has_lost);
    if (result < 0 && result != -EAGAIN)
        worker->is_broken = true;
}

/** Send what there is to say, and close what is broken; closing gives others more to hear. */
static void write_workers(void)
{
    bool has_closed;
    do {
        has_closed = false;
        for (uint32_t i = 0; i < process.count; i++) {
            struct kt_connection_to_worker *worker = registry.workers[process.nodes[i]];
            if (!worker->is_broken)
                write_worker(worker);
            if (worker->is_broken) {
                close_worker(i--);
                has_closed = true;
            }
        }
    } while (has_closed);
}

/* ---------------------------------------------------------------- the loop */

/** Set the timer for the next entry that goes; a clock that is set wakes us, too. */
static void arm_timer(void)
{
    int64_t deadline = kt_book_deadline(&registry.book);
    if (deadline == process.armed_ms)
        return;
    struct itimerspec when = {0};
    if (deadline != INT64_MAX) {
        when.it_value.tv_sec = deadline / 1000;
        when.it_value.tv_nsec = deadline % 1000 * 1000000 + 1;
    }
    timerfd_settime(process.fds[FD_TIMER].fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when,
                    NULL);
    process.armed_ms = deadline;
}

static void expire(void)
{
    uint64_t count;
    if (process.fds[FD_TIMER].revents != 0) {
        if (read(process.fds[FD_TIMER].fd, &count, sizeof count) < 0 && errno == ECANCELED)
            kt_log_info("the clock has been set");
        process.armed_ms = INT64_MAX - 1; /* to be armed anew */
    }
    kt_book_expire(&registry.book, registry.now_ms);
}

static int wait_for_events(void)
{
    int timeout_ms = -1;
    for (uint32_t i = 0; i < process.count; i++) {
        struct kt_connection_to_worker *worker = registry.workers[process.nodes[i]];
        short events = kt_wire_waiting(worker->wire) > 0 ? POLLOUT : 0;
        if (may_ask(worker)) {
            events |= POLLIN;
            if (worker->has_rest)
                timeout_ms = 0;
        }
        process.fds[FIXED_FDS + i] = (struct pollfd){.fd = worker->wire->fd, .events = events};
    }
    process.fds[FD_MASTER].events = POLLIN | (process.has_untold ? POLLOUT : 0);
    int result = poll(process.fds, FIXED_FDS + process.count, timeout_ms);
    registry.now_ms = unix_ms();
    return result < 0 && errno != EINTR ? -errno : 0;
}

static int serve(void)
{
    for (;;) {
        arm_timer();
        int result = wait_for_events();
        if (result < 0) {
            kt_log_error("the registry cannot go on: %s", strerror(-result));
            return EX_OSERR;
        }
        uint32_t polled = process.count;
        expire();
        for (uint32_t i = 0; i < polled; i++) {
            struct kt_connection_to_worker *worker = registry.workers[process.nodes[i]];
            if (worker->has_rest ||
                (process.fds[FIXED_FDS + i].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
                read_worker(worker);
        }
        if (process.fds[FD_MASTER].revents != 0 && !hear_master())
            return EX_OK;
        write_workers();
        tell_files();
    }
}

/* ---------------------------------------------------------------- begin and end */

static void salvage(void)
{
    static int fds[KT_FILES_MAX];
    if (registry.start->old_directory_fd < 0)
        return;
    memcpy(fds, registry.start->file_fds, sizeof fds);
    int count =
        kt_book_salvage(&registry.book, registry.start->old_directory_fd, fds, registry.now_ms);
    if (count < 0)
        kt_log_error("what the last registry kept is lost: %s", strerror(-count));
    else
        kt_log_notice("%d kept entr%s of the last registry live%s on", count,
                      count == 1 ? "y" : "ies", count == 1 ? "s" : "");
    /* the master forgets what nobody needs any more */
    for (uint32_t i = 0; i < KT_FILES_MAX; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
            process.files_untold[i] = process.has_untold = true;
        } else if (registry.book.files.fds[i] >= 0) {
            process.files_untold[i] = false; /* the master has it already */
        }
    }
}

static int open_registry(void)
{
    kt_files_open(&registry.book.files, registry.start->files_bytes_max, file_changed, NULL);
    int result = kt_book_open(&registry.book, registry.start->directory_fd);
    if (result < 0)
        return result;
    int timer = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (timer < 0)
        return -errno;
    process.fds[FD_MASTER] = (struct pollfd){.fd = registry.start->master_fd, .events = POLLIN};
    process.fds[FD_TIMER] = (struct pollfd){.fd = timer, .events = POLLIN};
    process.armed_ms = INT64_MAX;
    registry.now_ms = unix_ms();
    salvage();
    registry.book.changed = kt_question_changed;
    registry.book.argument = &registry;
    return 0;
}

static void close_registry(void)
{
    while (process.count > 0)
        close_worker(process.count - 1);
    kt_subscriptions_close(&registry.subscriptions);
    kt_map_clear(&registry.calls);
    kt_book_close(&registry.book);
    if (process.fds[FD_TIMER].fd >= 0)
        close(process.fds[FD_TIMER].fd);
}

static void set_signals(void)
{
    /* the master says when to end; what a terminal tells the group is for it */
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

int kt_registry_run(const struct kt_registry_start *start)
{
    kt_log_role("registry");
    set_signals();
    memset(&process, 0, sizeof process);
    registry.start = start;
    process.fds[FD_TIMER].fd = -1;
    int result = open_registry();
    if (result < 0)
        return fail(EX_OSERR, strerror(-result));
    tell_master(KT_REGISTRY_READY);
    int status = serve();
    close_registry();
    return status;
}
