/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All names that there are of a kind, for who walks through the whole store: an export. They are
 * collected once, at the beginning, as Redis itself has no order to go on in.
 */
#ifndef KT_STORE_REDIS_WALK_H
#define KT_STORE_REDIS_WALK_H

#include "store/redis_lane.h"

#include <kontor/store.h>

/** Names within Redis, in order, each once. */
struct kt_redis_names {
    uint32_t count, room;
    char **list;
};

/**
 * Collect the names that match a pattern, in batches, so that Redis serves others meanwhile.
 * @param pattern    as SCAN takes it
 * @param ret_names  owned by the context
 * @return 0, -EIO (the reply makes no sense), an error of kt_redis_reply_result, and as
 *         kt_redis_lane_ask
 * Parks.
 */
int kt_redis_names_collect(TALLOC_CTX *context, struct kt_redis_lane *lane, const char *pattern,
                           struct kt_redis_names **ret_names);

/** @return the first name behind one, which need not be there itself; NULL: none */
const char *kt_redis_names_next(const struct kt_redis_names *names, const char *after);

/** Take a name apart: "kontor:{NAMESPACE}:KIND:KEY", or without ":KEY". @return whether it is one
 */
bool kt_redis_name_read(const char *name, char kind, char name_space[KT_STORE_NAMESPACE_MAX + 1],
                        char key[KT_STORE_KEY_MAX + 1]);

#endif
