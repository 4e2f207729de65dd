/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for descriptors of others: each wait has a handle of the loop, which the loop frees when
 * it has closed it. It hangs on the process's memory, so it goes when the wait is over or the
 * process ends, whatever comes first.
 */
#include "config.h"

#include "process/runtime.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

struct watch {
    uv_poll_t poll;
    struct kt_ticket ticket;
    struct hold *hold;
    int wanted; /**< of enum kt_fd_events */
};

struct hold {
    struct watch *watch; /**< NULL: it is over */
};

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

/** End a watch. At once: closed later, it would take the descriptor out of the loop for whoever
 * waits for it by then. */
static void end_watch(struct watch *watch)
{
    watch->hold->watch = NULL;
    uv_close((uv_handle_t *)&watch->poll, on_closed);
}

static int let_go(struct hold *hold)
{
    if (hold->watch)
        end_watch(hold->watch);
    return 0;
}

/** An error of the descriptor makes it ready for all: who tries sees which one it is. */
static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    int found = (events & (UV_READABLE | UV_DISCONNECT) ? KT_READABLE : 0) |
                (events & UV_WRITABLE ? KT_WRITABLE : 0);
    kt_unpark(watch->ticket, status < 0 ? watch->wanted : found);
    end_watch(watch);
}

/** @param ret_hold  freeing it ends the watch */
static int watch_fd(int fd, struct hold **ret_hold)
{
    struct watch *watch = malloc(sizeof *watch);
    struct hold *hold = watch ? talloc(kt_self_memory(), struct hold) : NULL;
    int status = hold ? uv_poll_init(kt_runtime_loop(), &watch->poll, fd) : -ENOMEM;
    if (status < 0) {
        talloc_free(hold);
        free(watch);
        return status;
    }
    watch->poll.data = watch;
    watch->hold = hold;
    hold->watch = watch;
    talloc_set_destructor(hold, let_go);
    *ret_hold = hold;
    return 0;
}

/** What it is ready for now. @return as kt_wait_fd */
static int look(int fd, int events)
{
    struct pollfd wish = {.fd = fd,
                          .events = (short)((events & KT_READABLE ? POLLIN | POLLRDHUP : 0) |
                                            (events & KT_WRITABLE ? POLLOUT : 0))};
    if (poll(&wish, 1, 0) < 0)
        return errno == EINTR ? -ETIMEDOUT : -errno;
    if (wish.revents & POLLNVAL)
        return -EBADF;
    if (wish.revents & (POLLERR | POLLHUP))
        return events;
    int found = (wish.revents & (POLLIN | POLLRDHUP) ? KT_READABLE : 0) |
                (wish.revents & POLLOUT ? KT_WRITABLE : 0);
    return found ? found : -ETIMEDOUT;
}

int kt_wait_fd(int fd, int events, int64_t timeout_ms)
{
    struct hold *hold;
    if (!(events & (KT_READABLE | KT_WRITABLE)))
        return -EINVAL;
    if (timeout_ms == 0) /* the loop would look at its clock first */
        return look(fd, events);
    int wanted = (events & KT_READABLE ? UV_READABLE | UV_DISCONNECT : 0) |
                 (events & KT_WRITABLE ? UV_WRITABLE : 0);
    int result = watch_fd(fd, &hold);
    if (result < 0)
        return result;
    hold->watch->wanted = events;
    hold->watch->ticket = kt_park_ticket();
    result = uv_poll_start(&hold->watch->poll, wanted, on_ready);
    kt_wait_reason(KT_REASON_DESCRIPTOR);
    if (result == 0)
        result = kt_park(timeout_ms);
    talloc_free(hold);
    return result;
}
