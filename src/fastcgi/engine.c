/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine: accepts connections in batches, pauses when descriptors are used up or enough are
 * open, serves those that have something to say, and sweeps now and then over what is too late. Two
 * timers for all of it, and an epoll of its own for the connections: of a thousand that have
 * something to say the loop's turn serves a few, fairly, and what these set going is seen before
 * the next.
 */
#include "fastcgi/engine.h"

#include "fastcgi/connection.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/** How many connections are accepted in a row: workers that share a socket share the work. */
#define ACCEPTS_PER_TURN 16
/** So many connections are served in one turn of the loop, ... */
#define SERVES_PER_TURN 64
/** ... and after so many of them the processes of their requests get their turn. */
#define SERVES_PER_SLICE 16
/** How long to wait before accepting again when descriptors or memory are used up, ... */
#define EXHAUSTED_MS 100
/** ... and before it when another worker has fewer connections. */
#define AHEAD_MS 1
/** So many connections are given away between two looks at them: sockets hold a few hundred. */
#define GIVES_PER_SWEEP 64
/** Times are looked at this often in each of them … */
#define SWEEPS_PER_TIMEOUT 8
/** … but not more often nor more seldom than this. */
#define SWEEP_MIN_MS 20
#define SWEEP_MAX_MS 500
/** While the engine drains: how soon idle connections are seen. */
#define SWEEP_DRAIN_MS 20

/** A listening socket being watched. */
struct kt_listener {
    uv_poll_t poll;
    struct kt_engine *engine;
    int fd;
};

static void on_incoming(uv_poll_t *handle, int status, int events);

/* ---------------------------------------------------------------- accepting */

/** The loop serves them in this order, and one may leave nothing to the others: each comes first in
 * its turn. */
static void accept_start(struct kt_engine *engine)
{
    size_t count = engine->listener_count;
    engine->is_accepting = true;
    for (size_t i = 0; i < count; i++)
        uv_poll_start(&engine->listeners[(engine->accept_starts + i) % count].poll, UV_READABLE,
                      on_incoming);
    engine->accept_starts++;
}

static void accept_stop(struct kt_engine *engine)
{
    engine->is_accepting = false;
    for (size_t i = 0; i < engine->listener_count; i++)
        uv_poll_stop(&engine->listeners[i].poll);
}

static void update_accepting(struct kt_engine *engine)
{
    if (engine->is_closed)
        return;
    bool may_accept = !engine->is_draining && !uv_is_active((uv_handle_t *)&engine->resume) &&
                      engine->counts.connections < engine->options.connections_max;
    if (may_accept && !engine->is_accepting)
        accept_start(engine);
    else if (!may_accept && engine->is_accepting)
        accept_stop(engine);
}

void kt_engine_connections_changed(struct kt_engine *engine)
{
    if (engine->options.balance && !engine->is_draining && !engine->is_closed)
        kt_balance_tell(engine->options.balance, engine->options.place,
                        (uint32_t)engine->counts.connections);
    update_accepting(engine);
}

static void leave_balance(struct kt_engine *engine)
{
    if (engine->options.balance)
        kt_balance_leave(engine->options.balance, engine->options.place);
}

static void on_resume(uv_timer_t *timer)
{
    update_accepting(timer->data);
}

/** Accept nothing for a while. */
static void rest(struct kt_engine *engine, uint64_t pause_ms)
{
    uv_timer_start(&engine->resume, on_resume, pause_ms, 0);
    update_accepting(engine);
}

/** Whether accept failed because something is used up; the peer stays in the backlog meanwhile. */
static bool is_exhausted(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void on_sweep(uv_timer_t *timer);

/** Processes have run since the connections came: see what became of them. */
static void settle_all(struct kt_engine *engine)
{
    while (engine->unsettled) {
        struct kt_connection *connection = engine->unsettled;
        engine->unsettled = connection->next_unsettled;
        kt_connection_settle(connection);
    }
}

static void on_settle(uv_prepare_t *prepare)
{
    struct kt_engine *engine = prepare->data;
    uv_prepare_stop(prepare);
    engine->holders++; /* the last connection may be the last holder but us */
    settle_all(engine);
    kt_engine_unhold(engine);
}

void kt_engine_settle_later(struct kt_engine *engine, struct kt_connection *connection)
{
    connection->next_unsettled = engine->unsettled;
    engine->unsettled = connection;
    uv_prepare_start(&engine->settle, on_settle);
}

/** There may be connections: sweep from now on. */
static void sweep_on(struct kt_engine *engine)
{
    if (engine->connections && !uv_is_active((uv_handle_t *)&engine->sweep)) {
        uint64_t interval_ms = uv_timer_get_repeat(&engine->sweep);
        uv_timer_start(&engine->sweep, on_sweep, interval_ms, interval_ms);
    }
}

/** Accept a connection from one who may connect. @return its descriptor, or a negative errno */
static int accept_peer(const struct kt_listener *listener)
{
    const struct kt_peers *peers = listener->engine->peers;
    if (!peers) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        return fd < 0 ? -errno : fd;
    }
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);
    int fd =
        accept4(listener->fd, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (kt_peers_contain(peers, (const struct sockaddr *)&address))
        return fd;
    close(fd);
    return -ECONNREFUSED;
}

/** Whether to leave who comes to the others first: they have fewer, and have had no time yet. */
static bool let_others(struct kt_engine *engine)
{
    const struct kt_balance *balance = engine->options.balance;
    engine->has_let_others =
        !engine->has_let_others && balance && kt_balance_is_ahead(balance, engine->options.place);
    return engine->has_let_others;
}

static void on_incoming(uv_poll_t *handle, int status, int events)
{
    struct kt_listener *listener = handle->data;
    struct kt_engine *engine = listener->engine;
    (void)events;
    if (let_others(engine)) {
        rest(engine, AHEAD_MS);
        return;
    }
    int error = status < 0 ? -status : 0;
    for (int i = 0; i < ACCEPTS_PER_TURN && !error && engine->is_accepting; i++) {
        int fd = accept_peer(listener);
        if (fd == -ECONNREFUSED)
            continue;
        if (fd < 0) {
            error = -fd;
            break;
        }
        int result = kt_connection_open(engine, fd);
        if (result < 0)
            error = -result;
    }
    if (is_exhausted(error) || status < 0)
        rest(engine, EXHAUSTED_MS);
    sweep_on(engine);
}

/* ---------------------------------------------------------------- serving */

/** The kernel puts those that are not served behind the others: everybody gets a turn. */
static void on_ready(uv_poll_t *ready, int status, int loop_events)
{
    struct kt_engine *engine = ready->data;
    struct epoll_event events[SERVES_PER_TURN];
    (void)status;
    (void)loop_events;
    int count = epoll_wait(engine->epoll_fd, events, SERVES_PER_TURN, 0);
    for (int i = 0; i < count; i++) {
        kt_connection_serve(events[i].data.ptr, events[i].events);
        if ((i + 1) % SERVES_PER_SLICE == 0)
            kt_runtime_slice();
    }
}

/* ---------------------------------------------------------------- times */

/** Tell who waits for it, once, that the next request of every peer goes to somebody else. */
static void tell_given(struct kt_engine *engine)
{
    void (*on_given)(void *argument) = engine->on_given;
    if (!on_given)
        return;
    for (const struct kt_connection *one = engine->connections; one; one = one->next)
        if (kt_connection_is_to_be_given(one))
            return;
    engine->on_given = NULL;
    on_given(engine->drain_argument);
}

static void on_sweep(uv_timer_t *timer)
{
    struct kt_engine *engine = timer->data;
    engine->gives_left = GIVES_PER_SWEEP;
    int64_t now_ms = kt_now_ms();
    struct kt_connection *connection = engine->connections;
    while (connection) {
        /* Closing one may close no other: each stands for itself. */
        struct kt_connection *next = connection->next;
        kt_connection_sweep(connection, now_ms);
        connection = next;
    }
    /* A call below may free other requests; who frees one moves the cursor past it. */
    engine->sweep_next = engine->requests;
    while (engine->sweep_next) {
        struct kt_fastcgi_request *request = engine->sweep_next;
        engine->sweep_next = request->next;
        if (engine->is_draining && request->deadline_ms == INT64_MAX &&
            request->state == KT_FASTCGI_RUNNING) {
            engine->options.on_endless(request);
            continue;
        }
        if (request->deadline_ms > now_ms || request->is_late)
            continue;
        request->is_late = true;
        if (request->state == KT_FASTCGI_RUNNING)
            engine->options.on_deadline(request);
        else if (request->state == KT_FASTCGI_PARAMS)
            kt_connection_close(request->connection);
    }
    if (!engine->connections && !engine->requests)
        uv_timer_stop(timer);
    tell_given(engine);
}

static uint64_t sweep_interval(const struct kt_engine_options *options)
{
    int64_t shortest = options->request_timeout_ms < options->transfer_timeout_ms
                           ? options->request_timeout_ms
                           : options->transfer_timeout_ms;
    int64_t interval_ms = shortest / SWEEPS_PER_TIMEOUT;
    if (interval_ms < SWEEP_MIN_MS)
        interval_ms = SWEEP_MIN_MS;
    return (uint64_t)(interval_ms < SWEEP_MAX_MS ? interval_ms : SWEEP_MAX_MS);
}

/* ---------------------------------------------------------------- life */

/** Make the epoll of the connections, and its handle. @return 0 or a negative errno */
static int open_watch(struct kt_engine *engine)
{
    engine->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (engine->epoll_fd < 0)
        return -errno;
    int status = uv_poll_init(kt_runtime_loop(), &engine->ready, engine->epoll_fd);
    if (status < 0)
        close(engine->epoll_fd);
    engine->ready.data = engine;
    return status;
}

int kt_engine_start(const struct kt_engine_options *options, const int *fds, size_t count,
                    struct kt_error *error, struct kt_engine **ret_engine)
{
    struct kt_engine *engine = talloc_zero(NULL, struct kt_engine);
    if (!engine)
        return kt_error_set(error, -ENOMEM, "out of memory");
    uv_loop_t *loop = kt_runtime_loop();
    engine->options = *options;
    engine->read_buffer = talloc_array(engine, unsigned char, KT_ENGINE_READ_SIZE);
    engine->listeners = talloc_zero_array(engine, struct kt_listener, (unsigned int)count);
    if (!engine->read_buffer || !engine->listeners) {
        talloc_free(engine);
        return kt_error_set(error, -ENOMEM, "out of memory");
    }
    int peers_status = kt_peers_parse(engine, options->web_servers, &engine->peers, error);
    if (peers_status < 0) {
        talloc_free(engine);
        return peers_status;
    }
    int watch_status = open_watch(engine);
    if (watch_status < 0) {
        talloc_free(engine);
        return kt_error_set(error, watch_status, "connections can't be watched: %s",
                            uv_strerror(watch_status));
    }
    uv_timer_init(loop, &engine->sweep);
    uv_timer_init(loop, &engine->resume);
    uv_prepare_init(loop, &engine->settle);
    engine->sweep.data = engine->resume.data = engine->settle.data = engine;
    uv_timer_set_repeat(&engine->sweep, sweep_interval(options));
    engine->holders = 4;
    for (size_t i = 0; i < count; i++) {
        struct kt_listener *listener = &engine->listeners[i];
        int status = uv_poll_init(loop, &listener->poll, fds[i]);
        if (status < 0) {
            kt_engine_close(engine);
            return kt_error_set(error, status, "cannot watch the listening socket %d: %s", fds[i],
                                uv_strerror(status));
        }
        listener->poll.data = listener;
        listener->engine = engine;
        listener->fd = fds[i];
        engine->listener_count++;
        engine->holders++;
    }
    uv_poll_start(&engine->ready, UV_READABLE, on_ready);
    kt_engine_connections_changed(engine);
    *ret_engine = engine;
    return 0;
}

void kt_engine_adopt(struct kt_engine *engine, int fd)
{
    if (engine->is_closed) {
        close(fd);
        return;
    }
    /* Kept by its peer, so that it may be closed as soon as it is quiet when we drain. */
    if (kt_connection_open(engine, fd) == 0 && engine->connections && engine->connections->fd == fd)
        engine->connections->has_served = true;
    sweep_on(engine);
}

/** Tell who waits for the end of a drain, once. */
static void tell_idle(struct kt_engine *engine)
{
    void (*on_idle)(void *argument) = engine->on_idle;
    if (!on_idle || engine->connections)
        return;
    engine->on_idle = NULL;
    on_idle(engine->drain_argument);
}

void kt_engine_drain(struct kt_engine *engine, bool (*give)(void *argument, int fd),
                     void (*on_given)(void *argument), void (*on_idle)(void *argument),
                     void *argument)
{
    if (engine->is_draining || engine->is_closed)
        return;
    engine->is_draining = true;
    engine->give = give;
    engine->on_given = on_given;
    engine->on_idle = on_idle;
    engine->drain_argument = argument;
    engine->drain_ms = kt_now_ms();
    leave_balance(engine);
    update_accepting(engine);
    uv_timer_start(&engine->sweep, on_sweep, SWEEP_DRAIN_MS, SWEEP_DRAIN_MS);
    tell_given(engine);
    tell_idle(engine);
}

static void on_handle_closed(uv_handle_t *handle)
{
    kt_engine_unhold(handle->data);
}

static void on_settle_closed(uv_handle_t *handle)
{
    struct kt_engine *engine = handle->data;
    settle_all(engine);
    kt_engine_unhold(engine);
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct kt_listener *listener = handle->data;
    kt_engine_unhold(listener->engine);
}

void kt_engine_close(struct kt_engine *engine)
{
    if (engine->is_closed)
        return;
    engine->is_closed = true;
    leave_balance(engine);
    for (size_t i = 0; i < engine->listener_count; i++)
        uv_close((uv_handle_t *)&engine->listeners[i].poll, on_listener_closed);
    while (engine->connections)
        kt_connection_close(engine->connections);
    uv_close((uv_handle_t *)&engine->ready, on_handle_closed);
    uv_close((uv_handle_t *)&engine->sweep, on_handle_closed);
    uv_close((uv_handle_t *)&engine->resume, on_handle_closed);
    uv_close((uv_handle_t *)&engine->settle, on_settle_closed);
}

void kt_engine_unhold(struct kt_engine *engine)
{
    engine->holders--;
    if (engine->is_closed && engine->holders == 0) {
        kt_buffer_pool_clear(&engine->buffers);
        close(engine->epoll_fd);
        talloc_free(engine);
    } else if (!engine->is_closed) {
        tell_idle(engine);
    }
}
