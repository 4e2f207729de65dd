/* SPDX-License-Identifier: BSD-2-Clause */
/* A lane: whose turn it is on the connection, and the process that makes it. */
#include "store/redis_lane.h"

#include "store/redis_greeting.h"

#include <errno.h>
#include <kontor/log.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/** Calls that wait for a connection at most, or for room on it. */
#define WAITING_MAX 4096u
/** The pause after the first failed attempt; each further one doubles it, up to the longest. A
 * random half of it is left out, so that workers and machines don't come all at once. */
#define PAUSE_FIRST_MS 100u
#define PAUSE_LONGEST_MS 3000u
/** The pause before the first attempt after a loss. */
#define PAUSE_LOST_MS 20u
/** The least age of a connection that is made anew to find another server. */
#define RENEW_MS 10000
/** The least time for one of several addresses. */
#define ATTEMPT_LEAST_MS 250

/* ---------------------------------------------------------------- what the wire tells */

static void wake(struct kt_redis_lane *lane)
{
    kt_unpark(lane->ticket, 0);
}

static void on_lost(void *argument, const char *why)
{
    struct kt_redis_lane *lane = argument;
    lane->has_answered = kt_redis_wire_replies(lane->wire) > lane->greetings;
    lane->wire = NULL;
    snprintf(lane->why, sizeof lane->why, "%s", why);
    if (lane->state == KT_REDIS_READY) {
        lane->state = KT_REDIS_CONNECTING;
        wake(lane);
    }
}

static void on_unanswered(void *argument, struct kt_redis_call *call, int result)
{
    struct kt_redis_lane *lane = argument;
    if (result == -ENOTCONN && call->is_repeatable && lane->state == KT_REDIS_READY &&
        lane->queue.count < WAITING_MAX) {
        call->is_repeatable = false;
        kt_redis_call_queue(call, &lane->queue);
    } else {
        kt_redis_call_end(call, result);
        lane->is_loss_felt = true;
    }
}

/* ---------------------------------------------------------------- calls */

static void send_call(struct kt_redis_lane *lane, struct kt_redis_call *call)
{
    int result = kt_redis_wire_send(lane->wire, call);
    if (result < 0)
        kt_redis_call_end(call, result);
}

static bool has_room(const struct kt_redis_lane *lane)
{
    return lane->state == KT_REDIS_READY && !lane->is_stale && kt_redis_wire_has_room(lane->wire);
}

void kt_redis_lane_renew(struct kt_redis_lane *lane)
{
    if (lane->state == KT_REDIS_READY && kt_now_ms() - lane->since_ms >= RENEW_MS)
        lane->is_stale = true;
}

void kt_redis_lane_flush(struct kt_redis_lane *lane)
{
    if (lane->state == KT_REDIS_READY && lane->is_stale && kt_redis_wire_is_idle(lane->wire)) {
        kt_redis_wire_close(lane->wire);
        on_lost(lane, "it can be read only");
    }
    while (has_room(lane) && lane->queue.first) {
        struct kt_redis_call *call = lane->queue.first;
        kt_redis_call_withdraw(call);
        send_call(lane, call);
    }
    if (lane->wire)
        kt_redis_wire_flush(lane->wire);
}

static void fail_all(struct kt_redis_lane *lane, int result)
{
    while (lane->queue.first) {
        struct kt_redis_call *call = lane->queue.first;
        kt_redis_call_withdraw(call);
        kt_redis_call_end(call, result);
    }
}

/**
 * The time of a call is over. Its reply may be there all the same, when this worker was busy; and
 * if the server has said nothing for so long, there is no hope for the connection either.
 */
static void end_in_vain(struct kt_redis_lane *lane, struct kt_redis_call *call)
{
    if (call->wire)
        kt_redis_wire_read(call->wire);
    int64_t timeout_ms = lane->server->timeout_ms;
    bool is_dead = !call->is_over && call->wire && call->wire == lane->wire &&
                   kt_redis_wire_silence_ms(call->wire) >= timeout_ms;
    if (!call->is_over) {
        kt_redis_call_withdraw(call);
        call->result = -ETIMEDOUT;
    }
    if (is_dead) {
        struct kt_redis_wire *wire = lane->wire;
        char why[KT_ERROR_TEXT_MAX];
        snprintf(why, sizeof why, "no answer within %lld ms", (long long)timeout_ms);
        kt_redis_wire_close(wire);
        on_lost(lane, why);
    }
}

int kt_redis_lane_ask(struct kt_redis_lane *lane, struct kt_redis_call *call)
{
    if (lane->state == KT_REDIS_CLOSED || lane->state == KT_REDIS_PAUSING)
        return -ENOTCONN;
    if (lane->queue.count >= WAITING_MAX)
        return -EBUSY;
    if (has_room(lane) && !lane->queue.first)
        send_call(lane, call);
    else
        kt_redis_call_queue(call, &lane->queue);
    if (lane->state == KT_REDIS_UNUSED) {
        lane->state = KT_REDIS_CONNECTING;
        wake(lane);
    }
    int result = kt_redis_call_wait(call, kt_now_ms() + lane->server->timeout_ms);
    if (call->is_over) /* the lane may be gone */
        return result;
    if (result == -ECANCELED)
        return -ENOTCONN;
    end_in_vain(lane, call);
    return call->result;
}

/* ---------------------------------------------------------------- sockets */

/** Begin to connect. @return a descriptor or a negative errno */
static int begin_to_connect(const struct sockaddr *address, socklen_t size)
{
    const int on = 1;
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (address->sa_family != AF_UNIX) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    }
    if (connect(fd, address, size) == 0 || errno == EINPROGRESS)
        return fd;
    int result = -errno;
    close(fd);
    return result;
}

/** Try one address until a time. @return 0: connected and greeted; else there is a reason */
static int try_address(struct kt_redis_lane *lane, const struct sockaddr *address, socklen_t size,
                       int64_t deadline_ms)
{
    int fd = begin_to_connect(address, size);
    int result =
        fd < 0 ? fd : kt_redis_wire_open(fd, lane->server->tls, &lane->listener, &lane->wire);
    if (result < 0) {
        snprintf(lane->why, sizeof lane->why, "%s", strerror(-result));
        return result;
    }
    struct kt_error error = {0};
    result = kt_redis_greet(lane->wire, lane->server, deadline_ms, &error);
    if (result == 0 && lane->wire)
        return 0;
    if (error.code < 0) /* else on_lost has told why */
        snprintf(lane->why, sizeof lane->why, "%s", error.text);
    if (lane->wire) {
        kt_redis_wire_close(lane->wire);
        lane->wire = NULL;
    }
    return -ENOTCONN;
}

static int try_path(struct kt_redis_lane *lane, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if ((size_t)snprintf(address.sun_path, sizeof address.sun_path, "%s", path) >=
        sizeof address.sun_path)
        return -ENAMETOOLONG; /* the address has been checked */
    return try_address(lane, (struct sockaddr *)&address, sizeof address,
                       kt_now_ms() + lane->server->timeout_ms);
}

static int find_host(struct kt_redis_lane *lane, struct kt_addresses *ret_addresses)
{
    const struct kt_redis_server *server = lane->server;
    ret_addresses->count = 1;
    if (kt_address_parse(server->address.host, &ret_addresses->list[0]))
        return 0;
    int result =
        kt_resolve(server->resolver, server->address.host, server->timeout_ms, ret_addresses);
    if (result < 0)
        snprintf(lane->why, sizeof lane->why, "%s",
                 result == -ENOENT ? "there is no such host" : "the name servers do not answer");
    return result;
}

static int try_host(struct kt_redis_lane *lane)
{
    struct kt_addresses addresses;
    int result = find_host(lane, &addresses);
    if (result < 0)
        return result;
    int64_t deadline_ms = kt_now_ms() + lane->server->timeout_ms;
    for (unsigned i = 0; i < addresses.count; i++) {
        union kt_address *address = &addresses.list[i];
        bool is_v4 = address->any.sa_family == AF_INET;
        *(is_v4 ? &address->v4.sin_port : &address->v6.sin6_port) =
            htons(lane->server->address.port);
        int64_t share_ms = (deadline_ms - kt_now_ms()) / (addresses.count - i);
        result =
            try_address(lane, &address->any, is_v4 ? sizeof address->v4 : sizeof address->v6,
                        kt_now_ms() + (share_ms > ATTEMPT_LEAST_MS ? share_ms : ATTEMPT_LEAST_MS));
        if (result == 0)
            break;
    }
    return result;
}

/* ---------------------------------------------------------------- the lane's process */

static void tell_lost(struct kt_redis_lane *lane)
{
    if (!lane->server->is_lost)
        kt_log_error("store: %s can't be reached: %s", lane->server->address.shown, lane->why);
    lane->server->is_lost = true;
}

static void tell_ready(struct kt_redis_lane *lane)
{
    if (lane->server->is_lost)
        kt_log_notice("store: %s is back", lane->server->address.shown);
    lane->server->is_lost = false;
}

/** Stay parked as long as the lane is in a state. */
static void wait_while(struct kt_redis_lane *lane, enum kt_redis_lane_state state)
{
    while (lane->state == state) {
        lane->ticket = kt_park_ticket();
        kt_park(-1);
        lane->ticket.pid = KT_PID_NONE;
    }
}

static void pause_after_failure(struct kt_redis_lane *lane)
{
    unsigned doublings = lane->failures - 1 < 8 ? lane->failures - 1 : 8;
    uint32_t pause_ms = PAUSE_FIRST_MS << doublings;
    if (pause_ms > PAUSE_LONGEST_MS)
        pause_ms = PAUSE_LONGEST_MS;
    lane->state = KT_REDIS_PAUSING;
    fail_all(lane, -ENOTCONN);
    kt_sleep(pause_ms / 2 + randombytes_uniform(pause_ms / 2));
    lane->state = KT_REDIS_CONNECTING;
}

/** Use the connection as long as it lasts. One that is lost while nobody needs it is no failure:
 * servers close what is idle; it is made anew when it is wanted. */
static void use_connection(struct kt_redis_lane *lane)
{
    lane->state = KT_REDIS_READY;
    lane->is_loss_felt = lane->is_stale = false;
    lane->greetings = kt_redis_wire_replies(lane->wire);
    lane->since_ms = kt_now_ms();
    tell_ready(lane);
    kt_redis_lane_flush(lane);
    wait_while(lane, KT_REDIS_READY);
    if (lane->is_loss_felt)
        tell_lost(lane);
    if (lane->has_answered)
        lane->failures = 0;
    if (!lane->is_loss_felt && !lane->queue.first)
        lane->state = KT_REDIS_UNUSED;
    else if (lane->failures++ == 0)
        kt_sleep(randombytes_uniform(PAUSE_LOST_MS));
    else
        pause_after_failure(lane);
}

static void run_lane(void *argument)
{
    struct kt_redis_lane *lane = argument;
    for (;;) {
        wait_while(lane, KT_REDIS_UNUSED);
        const char *path = lane->server->address.path;
        if ((path ? try_path(lane, path) : try_host(lane)) == 0) {
            use_connection(lane);
        } else {
            lane->failures++;
            tell_lost(lane);
            pause_after_failure(lane);
        }
    }
}

int kt_redis_lane_open(struct kt_redis_server *server, struct kt_redis_lane *lane)
{
    static const struct kt_spawn options = {.label = "connection with Redis"};
    *lane = (struct kt_redis_lane){
        .server = server,
        .listener = {.on_lost = on_lost, .on_unanswered = on_unanswered, .argument = lane},
    };
    return kt_spawn(&options, run_lane, lane, &lane->pid);
}

void kt_redis_lane_close(struct kt_redis_lane *lane)
{
    lane->state = KT_REDIS_CLOSED;
    if (lane->wire)
        kt_redis_wire_close(lane->wire);
    lane->wire = NULL;
    fail_all(lane, -ENOTCONN);
    kt_signal(lane->pid, KT_EXIT_KILL, "the store is closed");
}
