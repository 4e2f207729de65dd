/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One request and its answer, without redirects: what libcurl is told, what it tells us, and what
 * its errors mean to people. Knows targets, answers and pools; not where requests come from.
 */
#ifndef KT_TRANSFER_H
#define KT_TRANSFER_H

#include "fetch/answer.h"
#include "fetch/pool.h"
#include "fetch/target.h"

/** How to get to the other side; the same for all transfers of one kind. */
struct kt_route {
    struct kt_pool *pool;
    struct kt_resolver *resolver;
    const struct kt_target *proxy;     /**< NULL: none */
    const struct kt_networks *allowed; /**< special addresses that may be reached all the same */
    bool is_trusted;                   /**< any address may be reached */
};

/** One request; borrowed until it is over. */
struct kt_outgoing {
    const struct kt_target *target;
    const char *method;
    const char *const *headers; /**< NULL: none; checked by kt_outgoing_check */
    bool is_foreign;            /**< another origin than the caller named: no secrets to it */
    const char *body;
    size_t body_size;
    bool has_lost_body;  /**< a redirect made a GET of it: nor do the headers speak of a body */
    int64_t deadline_ms; /**< as kt_now_ms */
    int64_t connect_timeout_ms;
    size_t size_max;
    bool is_large; /**< as in kt_http_fetch */
};

/** Whether method and headers are well-formed and not kontor's own. @return 0, -EINVAL */
int kt_outgoing_check(const char *method, const char *const *headers, struct kt_error *error);

/** Whether a request of this method may be repeated without harm (RFC 9110, 9.2.2). */
bool kt_method_is_idempotent(const char *method);

/**
 * Send a request and wait for the answer.
 * @param ret_answer  owned by the context
 * @return as kt_http_fetch. Parks.
 */
int kt_transfer(TALLOC_CTX *context, const struct kt_route *route,
                const struct kt_outgoing *outgoing, struct kt_answer **ret_answer,
                struct kt_error *error);

#endif
