/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Links that prove something without a login: "this is my address", "send me no more". A link
 * carries who, for which address and until when, under a signature whose key is in the store; so
 * nothing is kept per link, and old mails' links work. Knows no requests.
 */
#ifndef MAILER_LINKS_H
#define MAILER_LINKS_H

#include <stdint.h>
#include <talloc.h>

enum kt_link_purpose { KT_LINK_VERIFY = 'v', KT_LINK_UNSUBSCRIBE = 'u' };

struct kt_links;

/** What a link proves. */
struct kt_link {
    enum kt_link_purpose purpose;
    int64_t until; /**< seconds since 1970 */
    char *user, *address;
};

/**
 * Read the key from the store, or make one.
 * @param public_url  where people find kontor, without a slash at its end; borrowed for ever
 * @param ret_links   owned by context
 * @return 0, and the store's. Parks.
 */
int kt_links_open(TALLOC_CTX *context, const char *public_url, struct kt_links **ret_links);

/** The token of a link. @return owned by context */
char *kt_links_token(TALLOC_CTX *context, const struct kt_links *links, const struct kt_link *link);

/** The address of a link: below public_url/api/mailer. @return owned by context */
char *kt_links_url(TALLOC_CTX *context, const struct kt_links *links, const struct kt_link *link);

/**
 * Check a token.
 * @param ret_link  its texts are owned by context
 * @return 0, -EBADMSG (not of ours, changed, or for another purpose), -ETIME (too old)
 */
int kt_links_check(TALLOC_CTX *context, const struct kt_links *links, const char *token,
                   enum kt_link_purpose purpose, int64_t now, struct kt_link *ret_link);

#endif
