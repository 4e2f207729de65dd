/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A transfer while it runs, and what became of it in words. For transfer.c and outcome.c only.
 */
#ifndef KT_OUTCOME_H
#define KT_OUTCOME_H

#include "fetch/transfer.h"

/** A transfer under way; a talloc chunk of its process. */
struct kt_transfer {
    struct kt_exchange exchange;
    const struct kt_route *route;
    const struct kt_outgoing *outgoing;
    struct kt_answer *answer;
    struct curl_slist *headers, *resolve; /**< libcurl's, borrowed by the easy handle */
    size_t sent;                          /**< bytes of the body given to libcurl */
    bool is_refused;                      /**< an address was refused when it came to connect */
    int socket_error;                     /**< errno of the last socket(2), 0: none */
    char text[CURL_ERROR_SIZE];           /**< libcurl's words */
};

/** Why a route does not lead to an address: words that follow "it is", or NULL. */
const char *kt_route_refuses(const struct kt_route *route, const union kt_address *address);

/** What a finished exchange means. @return 0 or as kt_http_fetch, with an error */
int kt_outcome(const struct kt_transfer *transfer, struct kt_error *error);

/** What a wait means that ended before the exchange: -ETIMEDOUT, -ECANCELED. @return the same */
int kt_outcome_of_wait(int status, const struct kt_transfer *transfer, struct kt_error *error);

/** What the failed look-up of a host means. @return the same */
int kt_outcome_of_name(int status, const struct kt_target *target, struct kt_error *error);

#endif
