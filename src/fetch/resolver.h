/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host names to addresses. getaddrinfo(3) blocks, so it runs on threads of its own: many processes
 * that ask for one name make one look-up, what was found is remembered for a while, and as names
 * of users have a resolver of their own, slow name servers of strangers hold up strangers only.
 * Knows nothing of HTTP.
 */
#ifndef KT_RESOLVER_H
#define KT_RESOLVER_H

#include "fetch/address.h"

/** Addresses of one name that are taken; more are ignored. */
#define KT_ADDRESSES_MAX 8u
/** The longest host name (RFC 1035: 253), with its NUL. */
#define KT_HOST_MAX 254u

struct kt_addresses {
    unsigned count;
    union kt_address list[KT_ADDRESSES_MAX];
};

struct kt_resolver;

/** Start what all resolvers share, on the runtime's loop, unless that has been done: each room that
 * has resolvers starts and closes it. @return 0 or a negative errno */
int kt_resolvers_start(void);

/** Stop, when all who have started it do; look-ups still under way are left to themselves. One's own
 * resolvers must be freed before. */
void kt_resolvers_close(void);

/** A resolver with an empty memory. @return owned by the context, NULL: no memory */
struct kt_resolver *kt_resolver_new(TALLOC_CTX *context);

/**
 * Find the addresses of a host.
 * @param host           ASCII, at most KT_HOST_MAX
 * @param ret_addresses  at least one
 * @return 0, -ENOENT (there is no such host), -EHOSTUNREACH (the name servers do not answer, or
 *         fail), -EAGAIN (too many names at once), -ETIMEDOUT, -ECANCELED, -ENOMEM
 * Parks.
 */
int kt_resolve(struct kt_resolver *resolver, const char *host, int64_t timeout_ms,
               struct kt_addresses *ret_addresses);

#endif
