/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The FastCGI engine of one worker: listening sockets, their connections, and the times that no
 * peer and no request may exceed. Hands complete parameters upward as requests; knows no HTTP.
 */
#ifndef KT_ENGINE_H
#define KT_ENGINE_H

#include "fastcgi/balance.h"
#include "fastcgi/buffer.h"
#include "fastcgi/peer.h"
#include "fastcgi/request.h"

#include <kontor/error.h>
#include <uv.h>

struct kt_connection;
struct kt_listener;

/** Bounds and callbacks; all must be set unless they say otherwise. None of the callbacks may park.
 */
struct kt_engine_options {
    size_t connections_max;
    size_t requests_max;
    size_t params_max_bytes;
    size_t body_max_bytes;
    int64_t request_timeout_ms;
    int64_t transfer_timeout_ms;
    const char *web_servers;     /**< who may connect, as in FCGI_WEB_SERVER_ADDRS; NULL: all */
    struct kt_balance *balance;  /**< with the others who accept; NULL: there are none; borrowed */
    uint32_t place;              /**< in it */
    const char *overload_answer; /**< a whole CGI answer for requests over the bound; borrowed */
    /** All parameters are there. The callee answers, releases and frees the request in the end. */
    void (*on_request)(struct kt_fastcgi_request *request);
    /** The client went away or aborted; from now on every stream call of the request fails. */
    void (*on_gone)(struct kt_fastcgi_request *request);
    /** The request's deadline has passed; it still can be answered. Called once. */
    void (*on_deadline)(struct kt_fastcgi_request *request);
    /** The engine drains, and this request, which has no deadline, still runs. Called with each
     * sweep. */
    void (*on_endless)(struct kt_fastcgi_request *request);
};

/** Counters; the first two are of now, the others only grow. */
struct kt_engine_counts {
    uint64_t connections, requests;
    uint64_t requests_total, overloads_total, bytes_in_total, bytes_out_total;
};

/**
 * The engine. Lives until it was closed and its last handle and request are gone.
 * Invariant: holders counts the libuv handles that are not closed and the requests not released.
 */
struct kt_engine {
    struct kt_engine_options options;
    struct kt_engine_counts counts;
    struct kt_buffer_pool buffers;
    struct kt_peers *peers;                /**< NULL: everybody may connect */
    struct kt_connection *connections;     /**< all open ones */
    struct kt_connection *unsettled;       /**< accepted, or closed, since the loop last waited */
    struct kt_fastcgi_request *requests;   /**< all not released */
    struct kt_fastcgi_request *sweep_next; /**< whom the running sweep looks at next */
    struct kt_listener *listeners;
    size_t listener_count, accept_starts, holders;
    int epoll_fd;        /**< of the connections' sockets; the loop watches it as one descriptor */
    uv_poll_t ready;     /**< some of them have something to say */
    uv_timer_t sweep;    /**< looks for times that are over, while there are connections */
    uv_timer_t resume;   /**< accepts again after a pause */
    uv_prepare_t settle; /**< sees to the unsettled connections before the loop waits */
    bool is_accepting, is_draining, is_closed;
    bool has_let_others;                  /**< accept who comes, the others have not */
    int64_t drain_ms;                     /**< when the drain began */
    bool (*give)(void *argument, int fd); /**< while draining: takes connections; or NULL */
    unsigned int gives_left;              /**< before the next sweep, so that no one is flooded */
    void (*on_given)(void *argument), (*on_idle)(void *argument); /**< NULL: has been called */
    void *drain_argument;                                         /**< of these */
    unsigned char *read_buffer; /**< shared by all connections; valid during one read only */
};

/** What one read takes at most; a whole small request fits many times. */
#define KT_ENGINE_READ_SIZE 65536u

/**
 * Start an engine on the runtime's loop.
 * @param fds  listening sockets, non-blocking; borrowed
 * @return 0 or a negative errno
 */
int kt_engine_start(const struct kt_engine_options *options, const int *fds, size_t count,
                    struct kt_error *error, struct kt_engine **ret_engine);

/** As kt_service_drain. */
void kt_engine_drain(struct kt_engine *engine, bool (*give)(void *argument, int fd),
                     void (*on_given)(void *argument), void (*on_idle)(void *argument),
                     void *argument);

/** Serve a connection that another engine gave away; its socket becomes the engine's. */
void kt_engine_adopt(struct kt_engine *engine, int fd);

/** Cut every connection; the engine frees itself when the last request has been released. */
void kt_engine_close(struct kt_engine *engine);

/** The number of connections has changed: tell the other workers, accept or stop accepting. */
void kt_engine_connections_changed(struct kt_engine *engine);

/** Have a connection settled before the loop waits. */
void kt_engine_settle_later(struct kt_engine *engine, struct kt_connection *connection);

/** One holder less: frees a closed engine with the last one. */
void kt_engine_unhold(struct kt_engine *engine);

#endif
