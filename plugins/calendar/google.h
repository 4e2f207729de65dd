/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The source "a person's calendars at Google": those that are chosen, at the same time, live. The
 * list of calendars is known from before, so that most weeks cost one round trip; it is looked at
 * again beside the events when it is old.
 */
#ifndef CALENDAR_GOOGLE_H
#define CALENDAR_GOOGLE_H

#include "google_fetch.h"

/** What is known of a person at Google; who makes it keeps it up to date when told. */
struct kt_google_account {
    const char *label;  /**< for people: "Google (ada@example.org)" */
    const char *person; /**< whose it is here; NULL: not known yet */
    const char *refresh_token;
    const char *access_token; /**< NULL: there is none */
    int64_t access_until_ms;  /**< by kt_unix_ms */
    struct kt_google_calendars calendars;
    int64_t list_ms; /**< when the list was read, by kt_unix_ms; 0: never */
    /** Tokens or calendars have changed, or is_revoked was set: store that. May park. NULL: don't.
     */
    void (*changed)(struct kt_google_account *account);
    bool is_revoked; /**< Google no longer knows the consent: don't ask again */
};

/**
 * Make the source.
 * @param context  owns the source; account must be below it, too
 * Ends the calling process without memory.
 */
struct kt_source *kt_google_new(TALLOC_CTX *context, const struct kt_google_options *options,
                                struct kt_google_account *account);

/**
 * Read the list of calendars again, and keep what was chosen.
 * @return as a source's read; a token that is no longer good is renewed
 * Parks.
 */
int kt_google_list(const struct kt_google_options *options, struct kt_google_account *account,
                   int64_t deadline_ms, struct kt_source_error *error);

#endif
