/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the calendar asks of the plugin mailer, if that is loaded: a letter with a link to sign in.
 * Knows the mailer's messages; nothing of SMTP.
 */
#ifndef CALENDAR_MAIL_H
#define CALENDAR_MAIL_H

#include <stdbool.h>

/** Whether there is a mailer in this worker. Does not park. */
bool kt_mail_is_there(void);

/**
 * Send the letter with the link.
 * @return 0: taken, or refused for good, which says something of the mailbox and is nobody's
 *         business; -ENOTCONN: there is no mailer; -EAGAIN: not now
 * Parks, for as long as the mail server takes.
 */
int kt_mail_sign_in(const char *address, const char *link, int minutes);

#endif
