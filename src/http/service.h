/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The front door of a worker: FastCGI connections come in on listening sockets, each request is
 * routed to a handler in a process of its own, and the answers go out. Knows the FastCGI engine
 * and the router; knows nothing of configuration files or the master.
 */
#ifndef KT_SERVICE_H
#define KT_SERVICE_H

#include <kontor/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cJSON;
struct kt_balance;

/** Every bound of the front door; all must be set but the balance. */
struct kt_service_options {
    struct kt_balance *balance; /**< as in struct kt_engine_options */
    uint32_t place;
    size_t connections_max;      /**< open at once; more are accepted when others close */
    size_t requests_max;         /**< running at once; more are answered 503 */
    size_t params_max_bytes;     /**< FCGI_PARAMS of one request, decoded */
    size_t body_max_bytes;       /**< body of one request; a larger one is answered 413 */
    int64_t request_timeout_ms;  /**< a handler that takes longer is ended, the client gets 504 */
    int64_t transfer_timeout_ms; /**< a peer that takes or gives nothing for so long in the middle
                                      of a request is cut off */
    const char *mount;           /**< prefix to take off when the web server sends no PATH_INFO */
    bool log_requests;           /**< one log line per request */
    int64_t slow_request_ms;     /**< requests that take longer are noted (http/slow.h); 0: none */
};

/** Answers are counted by how long they took: up to each of these, in microseconds; 0: longer. Those
 * that asked for an endless deadline, such as streams of events, are not. */
#define KT_DURATIONS 16u
KT_PUBLIC extern const uint32_t kt_service_bounds_us[KT_DURATIONS];

/** Numbers for status and metrics. */
struct kt_service_counts {
    uint64_t connections, requests; /**< now */
    uint64_t durations[KT_DURATIONS], duration_ns_total;
    uint64_t requests_total, refused_total, failed_total, bytes_in_total, bytes_out_total;
};

/**
 * Open the door. Call after all routes are registered, with the runtime started.
 * @param fds  listening sockets, non-blocking; borrowed
 * @return 0 or a negative errno
 */
KT_PUBLIC int kt_service_start(const struct kt_service_options *options, const int *fds,
                               size_t count, struct kt_error *error);

/**
 * Stop accepting, finish the running requests, close connections as they get idle.
 * @param give      offers idle connections to another worker: @return whether it has taken a copy
 *                  of the descriptor; NULL: there is none
 * @param on_given  called once from the loop when all idle ones are given; may be called at once
 * @param on_idle   called once from the loop when no connection is left; may be called at once
 */
KT_PUBLIC void kt_service_drain(bool (*give)(void *argument, int fd),
                                void (*on_given)(void *argument), void (*on_idle)(void *argument),
                                void *argument);

/** Serve a connection that another worker gave; the descriptor becomes the door's. */
KT_PUBLIC void kt_service_adopt(int fd);

/** Cut whatever is left and free everything; the runtime is still there. */
KT_PUBLIC void kt_service_close(void);

KT_PUBLIC void kt_service_counts(struct kt_service_counts *ret_counts);

/** As kt_observe_connections. From processes only. @return the caller's */
struct cJSON *kt_service_connections(void);

#endif
