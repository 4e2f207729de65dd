/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One mail from the question to the calendar to the answer of the mail server. Knows the calendar
 * by its name in the registry, letters and the post; nothing of ledgers and when a mail is due.
 */
#ifndef MAILER_DELIVERY_H
#define MAILER_DELIVERY_H

#include "mailer.h"
#include "settings.h"

/** What to do when a calendar can't be read. */
enum kt_delivery_patience {
    KT_DELIVERY_WAITS, /**< there will be another try: only a whole week is good enough */
    KT_DELIVERY_LAST,  /**< the last try: what there is; if nothing, a mail says why, and what the
                            person can do */
    KT_DELIVERY_NOW,   /**< somebody waits for the answer: what there is; if nothing, the outcome
                            says why */
};

/** The week of a person as the templates show it, or why there is none. */
struct kt_delivery_view {
    cJSON *view; /**< owned by the process; NULL: see outcome */
    /** With a view: SENT, and what is missing in it, if anything is. Else LATER; or NEVER: the
     * person has no calendar. */
    struct kt_post_outcome outcome;
};

/** Ask the calendar for the week of a mail and the one before. Parks. */
void kt_delivery_view(const struct kt_mailer *mailer, const char *user,
                      const struct kt_settings *settings, const struct kt_due *due,
                      enum kt_delivery_patience patience, struct kt_delivery_view *ret_view);

/**
 * Ask, write and send the weekly mail.
 * @param ret_outcome  of one that was sent: its text says what was missing in it, or is empty
 * Parks.
 */
void kt_delivery_week(const struct kt_mailer *mailer, const char *user,
                      const struct kt_settings *settings, const struct kt_due *due,
                      const char *message_id, enum kt_delivery_patience patience,
                      struct kt_post_outcome *ret_outcome);

/** Write and send the mail that asks whether an address is the person's. Parks. */
void kt_delivery_verify(const struct kt_mailer *mailer, const char *user, const char *address,
                        int64_t now, struct kt_post_outcome *ret_outcome);

/** Write and send the mail with a link to sign in, which is good for so many minutes. Parks. */
void kt_delivery_sign_in(const struct kt_mailer *mailer, const char *to, const char *url,
                         int minutes, struct kt_post_outcome *ret_outcome);

#endif
