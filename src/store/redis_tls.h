/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLS below the connections with Redis, where hiredis has it (1.0 or newer). Certificates are
 * checked against those the system trusts, and against the name of the host.
 */
#ifndef KT_STORE_REDIS_TLS_H
#define KT_STORE_REDIS_TLS_H

#include <hiredis/hiredis.h>
#include <kontor/error.h>
#include <talloc.h>

struct kt_redis_tls;

/**
 * Prepare TLS with a host.
 * @param ret_tls  owned by the context
 * @return 0, -EPROTONOSUPPORT (this kontor was built without) or another with the words
 */
int kt_redis_tls_new(TALLOC_CTX *context, const char *host, struct kt_redis_tls **ret_tls,
                     struct kt_error *error);

/** Begin TLS on a connection. @return 0, or -EPROTO with the words in the context */
int kt_redis_tls_start(struct kt_redis_tls *tls, redisContext *context);

/** Why TLS has failed, if it has; else, or when nobody knows, the text. */
const char *kt_redis_tls_words(const struct kt_redis_tls *tls, const char *text);

#endif
