/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A lane: calls in, and one connection that is made anew whenever it is lost, by a process of the
 * lane's own. While it is being made calls wait; after an attempt has failed they fail at once,
 * until the next attempt begins.
 */
#ifndef KT_STORE_REDIS_LANE_H
#define KT_STORE_REDIS_LANE_H

#include "fetch/resolver.h"
#include "store/address.h"
#include "store/redis_script.h"
#include "store/redis_wire.h"

/** The hexadecimal digits of a script's SHA1. */
#define KT_REDIS_SHA_DIGITS 40u

/** What the lanes of a worker share. */
struct kt_redis_server {
    struct kt_store_address address; /**< a copy, which hangs on the server */
    int64_t timeout_ms;              /**< of a call, and of an attempt to connect */
    struct kt_redis_tls *tls;        /**< NULL: none */
    struct kt_resolver *resolver;
    /** By which Redis knows the scripts; "" until it has told, or when it would not. */
    char sha[KT_REDIS_SCRIPTS][KT_REDIS_SHA_DIGITS + 1];
    bool is_lost;  /**< and this is in the log */
    bool is_known; /**< what there is to say of it is in the log */
};

enum kt_redis_lane_state {
    KT_REDIS_UNUSED,     /**< no connection, and nobody needs one */
    KT_REDIS_CONNECTING, /**< and greeting */
    KT_REDIS_READY,
    KT_REDIS_PAUSING, /**< before the next attempt */
    KT_REDIS_CLOSED,
};

struct kt_redis_lane {
    struct kt_redis_server *server;
    enum kt_redis_lane_state state;
    struct kt_redis_wire *wire; /**< NULL: none */
    struct kt_redis_queue
        queue; /**< has calls while CONNECTING; while READY when there is no room */
    struct kt_redis_listener listener;
    kt_pid pid;                  /**< its process */
    struct kt_ticket ticket;     /**< while that is parked */
    unsigned failures;           /**< in a row */
    uint64_t greetings;          /**< the replies that belong to greeting on this connection */
    bool has_answered;           /**< calls on the connection that was lost: it was of use */
    bool is_loss_felt;           /**< a call has failed by the loss of it */
    bool is_stale;               /**< it takes no more calls, and is closed when all are answered */
    int64_t since_ms;            /**< when it was made */
    char why[KT_ERROR_TEXT_MAX]; /**< the connection was lost, or there is none */
};

/** Make a lane and spawn its process. @return 0 or a negative errno */
int kt_redis_lane_open(struct kt_redis_server *server, struct kt_redis_lane *lane);

/**
 * Make a call and wait for its end.
 * @return 0 (there is a reply, maybe an error), -ENOTCONN, -ETIMEDOUT, -EBUSY, -EIO, -ENOMEM
 * Parks.
 */
int kt_redis_lane_ask(struct kt_redis_lane *lane, struct kt_redis_call *call);

/** The server may only be read, so it has become a replica perhaps: connect anew, when all calls
 * are answered, in case another one is found at the address. Not more often than every 10 s. */
void kt_redis_lane_renew(struct kt_redis_lane *lane);

/** Send what waits. At the end of each turn of the loop. */
void kt_redis_lane_flush(struct kt_redis_lane *lane);

/** End all calls with -ENOTCONN, and the lane's process. The lane must stay until that has ended.
 */
void kt_redis_lane_close(struct kt_redis_lane *lane);

#endif
