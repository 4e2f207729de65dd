/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who somebody is, as an ID token says (OpenID Connect Core 1.0, 2 and 3.1.3.7). The token has to
 * come straight from the token endpoint, over TLS: that stands for its signature, which isn't
 * looked at. Pure: knows no requests, no network and no clock.
 */
#ifndef CALENDAR_ID_TOKEN_H
#define CALENDAR_ID_TOKEN_H

#include "address.h"

#include <stdint.h>
#include <talloc.h>

/** What a token has to say to be for us. */
struct kt_id_expected {
    const char *issuer; /**< "https://…"; without that, too, as Google did for years */
    const char *client_id, *nonce;
    int64_t now; /**< seconds since 1970 */
};

/** What it says of the person. */
struct kt_id_claims {
    char address[KT_ADDRESS_SIZE]; /**< normalised; "": there is none */
    bool is_verified;              /**< the address has been theirs */
    bool is_hosted; /**< "hd": the account belongs to an organisation, which gives addresses */
};

/**
 * Read a token and check whom it is from, whom it is for, and when.
 * @param context      for the work in between; nothing of it is left
 * @param ret_problem  what is wrong, without any of the token in it
 * @return 0, -EBADMSG (it makes no sense), -EACCES (it is not for us, or not for now), -ENOMEM
 */
int kt_id_token_read(TALLOC_CTX *context, const char *token, const struct kt_id_expected *expected,
                     struct kt_id_claims *ret_claims, const char **ret_problem);

/** Whether an ID token from this address needs no signature: over TLS, or from this machine. */
bool kt_id_token_source_is_safe(const char *url);

#endif
