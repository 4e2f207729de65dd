/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is said at the beginning of each connection with Redis: who we are, which database, which
 * version of the schema, the scripts; and what an operator should know of the server, once.
 */
#ifndef KT_STORE_REDIS_GREETING_H
#define KT_STORE_REDIS_GREETING_H

#include "store/redis_lane.h"

/**
 * Greet a server.
 * @param deadline_ms  of the monotonic clock
 * @param error        the words; left as it is when the wire has been lost, whose listener knows
 * why
 * @return 0 or a negative errno
 * Parks.
 */
int kt_redis_greet(struct kt_redis_wire *wire, struct kt_redis_server *server, int64_t deadline_ms,
                   struct kt_error *error);

#endif
