/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One mail from the question to the calendar to the answer of the mail server. Knows the calendar
 * by its name in the registry, letters and the post; nothing of ledgers and when a mail is due.
 */
#ifndef MAILER_DELIVERY_H
#define MAILER_DELIVERY_H

#include "mailer.h"
#include "settings.h"

/** The week of a person as the templates show it, or why there is none. */
struct kt_delivery_view {
    cJSON *view;                    /**< owned by the process; NULL: see outcome */
    struct kt_post_outcome outcome; /**< LATER, or NEVER: the person has no calendar */
};

/** Ask the calendar for the week of a mail and the one before. Parks. */
void kt_delivery_view(const struct kt_mailer *mailer, const char *user,
                      const struct kt_settings *settings, const struct kt_due *due,
                      struct kt_delivery_view *ret_view);

/** Ask, write and send the weekly mail. Parks. */
void kt_delivery_week(const struct kt_mailer *mailer, const char *user,
                      const struct kt_settings *settings, const struct kt_due *due,
                      const char *message_id, struct kt_post_outcome *ret_outcome);

/** Write and send the mail that asks whether an address is the person's. Parks. */
void kt_delivery_verify(const struct kt_mailer *mailer, const char *user, const char *address,
                        int64_t now, struct kt_post_outcome *ret_outcome);

/** Write and send the mail with a link to sign in, which is good for so many minutes. Parks. */
void kt_delivery_sign_in(const struct kt_mailer *mailer, const char *to, const char *url,
                         int minutes, struct kt_post_outcome *ret_outcome);

#endif
