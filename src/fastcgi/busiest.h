/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which connections of an engine have most to do. From what they keep anyhow; all of them are
 * looked at, as the engine's sweep does twice a second, but only when somebody asks.
 */
#ifndef KT_BUSIEST_H
#define KT_BUSIEST_H

#include "fastcgi/connection.h"

/** What a connection does, from the least to the most. */
enum kt_business {
    KT_BUSINESS_IDLE,
    KT_BUSINESS_ENDLESS, /**< all its requests have asked for an endless deadline: long on purpose
                          */
    KT_BUSINESS_AT_WORK, /**< others are in work, or bytes wait for the peer to take them */
};

/** A connection as it is now. The pointers are borrowed until the loop or another process runs. */
struct kt_busy_connection {
    const struct kt_connection *connection;
    const struct kt_fastcgi_request *oldest; /**< in work; one with a deadline, if there is one */
    enum kt_business business;
    int64_t busy_ms; /**< how long the oldest is in work, or bytes wait, whichever is longer */
};

/** All connections of an engine together. */
struct kt_busy_sum {
    size_t connections, at_work; /**< the second: of that business */
    uint64_t output_bytes;       /**< that wait for their peers to take them */
};

/**
 * Find the busiest, who is busy for longest first; of the idle ones those that served most.
 * @param context  of the list
 * @param max      how many, above 0
 * @return how many are in the list, or -ENOMEM
 */
ssize_t kt_engine_busiest(TALLOC_CTX *context, const struct kt_engine *engine, size_t max,
                          struct kt_busy_sum *ret_sum, struct kt_busy_connection **ret_list);

#endif
