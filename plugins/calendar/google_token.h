/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tokens of Google (OAuth 2.0): a code becomes tokens, a refresh token an access token, and all of
 * them are given back. Knows no store and no requests.
 */
#ifndef CALENDAR_GOOGLE_TOKEN_H
#define CALENDAR_GOOGLE_TOKEN_H

#include "google_api.h"

/** What has to be granted: who it is, and to look at calendars. */
#define KT_GOOGLE_SCOPE_EVENTS "https://www.googleapis.com/auth/calendar.events.readonly"
#define KT_GOOGLE_SCOPE_LIST "https://www.googleapis.com/auth/calendar.calendarlist.readonly"
#define KT_GOOGLE_SCOPES "openid email " KT_GOOGLE_SCOPE_EVENTS " " KT_GOOGLE_SCOPE_LIST

/** Owned by the calling process. */
struct kt_google_tokens {
    const char *access;
    const char *refresh; /**< NULL: none was given; an earlier one stays valid */
    int64_t until_ms;    /**< of the access token, by kt_unix_ms, some time before it ends */
    const char *scope;   /**< what was granted, separated by spaces; "": as asked */
    const char *id;      /**< the ID token (id_token.h); NULL: there is none */
};

/**
 * Exchange the code of the consent page.
 * @param verifier  of PKCE
 * @param redirect  as in the address of the consent page
 * @return 0, or a negative errno; KT_TROUBLE_RECONNECT: the code is no good (any more)
 * Parks, as all of these.
 */
int kt_google_exchange(const struct kt_google_options *options, const char *code,
                       const char *verifier, const char *redirect, int64_t deadline_ms,
                       struct kt_google_tokens *ret_tokens, struct kt_source_error *error);

/** A new access token. @return as above; KT_TROUBLE_RECONNECT: the consent was withdrawn */
int kt_google_refresh(const struct kt_google_options *options, const char *refresh_token,
                      int64_t deadline_ms, struct kt_google_tokens *ret_tokens,
                      struct kt_source_error *error);

/** Give a token back, and all that came with it. @return 0, also when Google knew it no more */
int kt_google_revoke(const struct kt_google_options *options, const char *token,
                     int64_t deadline_ms, struct kt_source_error *error);

#endif
