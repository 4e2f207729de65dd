/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A libcurl multi handle on the loop. The sockets are in an epoll of the pool's own, which the loop
 * watches as one descriptor: libcurl adds and removes a socket with every exchange, and this way
 * that costs one system call and no memory. When a pool has had nothing to do for a while its
 * multi handle goes, with the kept connections and all caches.
 */
#include "fetch/pool.h"

#include <errno.h>
#include <kontor/log.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/** Sockets served before the loop gets its turn. */
#define EVENTS_MAX 32
/** Kept connections of an unused pool are closed after so long; most servers do it earlier. */
#define IDLE_MS 60000
/** Handles of the loop: poll, timer, idle. */
#define HANDLES 3

struct kt_pool {
    CURLM *multi; /**< NULL until it is needed, and again after the idle time */
    uint32_t connections_max;
    int epoll_fd;
    uv_poll_t poll;
    uv_timer_t timer; /**< libcurl's */
    uv_timer_t idle;  /**< runs while there are a multi handle and no exchanges */
    struct kt_exchange *exchanges;
    unsigned open_handles;
};

/* ---------------------------------------------------------------- from libcurl to the loop */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *argument, void *known)
{
    struct kt_pool *pool = argument;
    struct epoll_event event = {.data.fd = fd};
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(pool->epoll_fd, EPOLL_CTL_DEL, fd, &event);
        return 0;
    }
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    /* An error told to libcurl would end all exchanges of the pool; this one meets its time-out. */
    if (epoll_ctl(pool->epoll_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) < 0)
        kt_log_error("cannot watch a connection to another server: %s", strerror(errno));
    curl_multi_assign(pool->multi, fd, pool); /* anything but NULL: it is known now */
    return 0;
}

static void on_timer(uv_timer_t *timer);

static int on_timeout_change(CURLM *multi, long timeout_ms, void *argument)
{
    struct kt_pool *pool = argument;
    (void)multi;
    if (timeout_ms < 0)
        uv_timer_stop(&pool->timer);
    else
        uv_timer_start(&pool->timer, on_timer, (uint64_t)timeout_ms, 0);
    return 0;
}

/* ---------------------------------------------------------------- from the loop to libcurl */

/** Wake those whose exchange is over. */
static void collect(struct kt_pool *pool)
{
    const CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(pool->multi, &left))) {
        struct kt_exchange *exchange = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&exchange);
        exchange->code = message->data.result;
        kt_unpark(exchange->ticket, 0);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct kt_pool *pool = timer->data;
    int running;
    curl_multi_socket_action(pool->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(pool);
}

static void on_ready(uv_poll_t *poll, int status, int loop_events)
{
    struct kt_pool *pool = poll->data;
    struct epoll_event events[EVENTS_MAX];
    (void)status;
    (void)loop_events;
    int running, count = epoll_wait(pool->epoll_fd, events, EVENTS_MAX, 0);
    if (!pool->multi)
        return;
    for (int i = 0; i < count; i++) {
        int what = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                   (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                   (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
        curl_multi_socket_action(pool->multi, events[i].data.fd, what, &running);
    }
    collect(pool);
}

/* ---------------------------------------------------------------- the multi handle's life */

static void close_multi(struct kt_pool *pool)
{
    if (pool->multi)
        curl_multi_cleanup(pool->multi);
    pool->multi = NULL;
    uv_timer_stop(&pool->timer);
}

static void on_idle(uv_timer_t *timer)
{
    close_multi(timer->data);
}

static int open_multi(struct kt_pool *pool)
{
    CURLM *multi = pool->multi = curl_multi_init();
    if (!multi)
        return -ENOMEM;
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, pool);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timeout_change);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, pool);
    curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)pool->connections_max);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)pool->connections_max);
    return 0;
}

/* ---------------------------------------------------------------- exchanges */

int kt_pool_add(struct kt_pool *pool, struct kt_exchange *exchange)
{
    int status = pool->multi ? 0 : open_multi(pool);
    if (status < 0)
        return status;
    exchange->ticket = kt_park_ticket();
    curl_easy_setopt(exchange->easy, CURLOPT_PRIVATE, exchange);
    if (curl_multi_add_handle(pool->multi, exchange->easy) != CURLM_OK)
        return -ENOMEM;
    uv_timer_stop(&pool->idle);
    exchange->pool = pool;
    exchange->previous = &pool->exchanges;
    exchange->next = pool->exchanges;
    if (exchange->next)
        exchange->next->previous = &exchange->next;
    pool->exchanges = exchange;
    return 0;
}

void kt_pool_remove(struct kt_exchange *exchange)
{
    struct kt_pool *pool = exchange->pool;
    if (!pool)
        return;
    curl_multi_remove_handle(pool->multi, exchange->easy);
    *exchange->previous = exchange->next;
    if (exchange->next)
        exchange->next->previous = exchange->previous;
    exchange->pool = NULL;
    if (!pool->exchanges)
        uv_timer_start(&pool->idle, on_idle, IDLE_MS, 0);
}

/* ---------------------------------------------------------------- the pool's life */

int kt_pool_open(uint32_t connections_max, struct kt_pool **ret_pool)
{
    uv_loop_t *loop = kt_runtime_loop();
    struct kt_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return -ENOMEM;
    pool->connections_max = connections_max;
    pool->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int status = pool->epoll_fd < 0 ? -errno : uv_poll_init(loop, &pool->poll, pool->epoll_fd);
    if (status < 0) {
        if (pool->epoll_fd >= 0)
            close(pool->epoll_fd);
        free(pool);
        return status;
    }
    uv_timer_init(loop, &pool->timer);
    uv_timer_init(loop, &pool->idle);
    pool->poll.data = pool->timer.data = pool->idle.data = pool;
    pool->open_handles = HANDLES;
    uv_poll_start(&pool->poll, UV_READABLE, on_ready);
    *ret_pool = pool;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct kt_pool *pool = handle->data;
    if (--pool->open_handles == 0)
        free(pool);
}

void kt_pool_close(struct kt_pool *pool)
{
    while (pool->exchanges) {
        struct kt_exchange *exchange = pool->exchanges;
        kt_pool_remove(exchange);
        kt_unpark(exchange->ticket, -ECANCELED);
    }
    close_multi(pool);
    uv_close((uv_handle_t *)&pool->poll, on_closed);
    close(pool->epoll_fd);
    uv_close((uv_handle_t *)&pool->timer, on_closed);
    uv_close((uv_handle_t *)&pool->idle, on_closed);
}
