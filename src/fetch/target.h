/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a request goes: an address (URL) read by libcurl's own parser, so that nobody reads it in
 * another way afterwards, and checked. Knows no connection.
 */
#ifndef KT_TARGET_H
#define KT_TARGET_H

#include "fetch/resolver.h"

#include <curl/curl.h>

/** The longest text of an origin: scheme, host, port. */
#define KT_ORIGIN_MAX (KT_HOST_MAX + 20)

/** An address, immutable once parsed. */
struct kt_target {
    CURLU *url; /**< without user, password and fragment; the host in ASCII */
    bool is_tls;
    bool is_literal;          /**< the host is `address`, not a name */
    union kt_address address; /**< if it is */
    char host[KT_HOST_MAX];   /**< in lower case, without brackets */
    unsigned port;
    char origin[KT_ORIGIN_MAX];  /**< "https://host:8443", for people and to compare */
    const char *user, *password; /**< decoded; NULL: none */
};

/**
 * Read an address.
 * @param base        what a relative address is relative to, NULL: it must be absolute. With a base
 *                    it came from another server: a user and password in it are not taken
 * @param is_trusted  may have a user and a password
 * @param ret_target  owned by the context
 * @return 0, -EINVAL, -EACCES (scheme, password), -ENOMEM, with an error without the address
 */
int kt_target_parse(TALLOC_CTX *context, const char *text, const struct kt_target *base,
                    bool is_trusted, struct kt_target **ret_target, struct kt_error *error);

/** The address as text. @return owned by the context; NULL: no memory */
const char *kt_target_text(TALLOC_CTX *context, const struct kt_target *target);

#endif
