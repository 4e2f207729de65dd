/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pool of connections: a libcurl multi handle on the runtime's loop. Exchanges go in, the process
 * that waits for one is unparked when it is over. Knows libcurl and the loop; what an exchange says
 * is transfer.h's.
 */
#ifndef KT_POOL_H
#define KT_POOL_H

#include "process/runtime.h"

#include <curl/curl.h>

struct kt_pool;

/** One request and its answer on their way; part of something larger that owns it. */
struct kt_exchange {
    CURL *easy;              /**< set up by the owner, who also cleans it up after the removal */
    struct kt_pool *pool;    /**< NULL when it is in none */
    struct kt_ticket ticket; /**< of who waits */
    CURLcode code;           /**< when over */
    struct kt_exchange *next, **previous; /**< among those in the pool */
};

/**
 * Open a pool on the runtime's loop.
 * @param connections_max  open at once; further exchanges wait
 * @return 0 or a negative errno
 */
int kt_pool_open(uint32_t connections_max, struct kt_pool **ret_pool);

/** End all exchanges (they are unparked with -ECANCELED), close all connections, free the pool. */
void kt_pool_close(struct kt_pool *pool);

/**
 * Put an exchange in; its ticket is taken here.
 * @return 0: park and be unparked with 0 and `code` set, or with -ECANCELED; -ENOMEM, -EMFILE
 */
int kt_pool_add(struct kt_pool *pool, struct kt_exchange *exchange);

/** Take an exchange out, over or not; does nothing when it is in none. */
void kt_pool_remove(struct kt_exchange *exchange);

#endif
