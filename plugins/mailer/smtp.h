/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mails over a channel: SMTP (RFC 5321), with the commands before a mail in one piece where the
 * server takes that (RFC 2920). Says what became of a mail; nothing of who sends it.
 */
#ifndef MAILER_SMTP_H
#define MAILER_SMTP_H

#include "channel.h"
#include "post.h"

/**
 * Send a mail.
 * @param from, to     addresses, without < and >
 * @param letter       lines ended by CRLF; none of them needs to care for dots
 * @param deadline_ms  by kt_now_ms
 * @return 0: the fate is known, and the channel good for the next one; -ENOTCONN: the fate is
 *         known, the channel has to be closed; -ESTALE: the server has closed it, or said something
 *         unasked, before anything was said, so the mail can be sent over another
 * Parks.
 */
int kt_smtp_send(struct kt_channel *channel, const char *from, const char *to, const char *letter,
                 size_t size, int64_t deadline_ms, struct kt_post_outcome *ret_outcome);

#endif
