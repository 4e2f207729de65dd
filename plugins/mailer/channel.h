/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection to the mail server, greeted, secured and signed in, over which lines and bytes go.
 * libcurl makes it (names, TLS, authentication); its own sending of mails is not used, since that
 * blocks until the server has answered to the end of a mail. Knows nothing of mails.
 */
#ifndef MAILER_CHANNEL_H
#define MAILER_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

/** The longest line of a reply (RFC 5321, 4.5.3.1.5, and some more), with its NUL. */
#define KT_CHANNEL_LINE_SIZE 1024
/** Bytes of why it failed, with the NUL. */
#define KT_CHANNEL_TEXT_SIZE 160

/** The mail server. All borrowed for ever (options of the plugin). */
struct kt_channel_options {
    const char *url;             /**< smtp://host:port or smtps://host:port */
    const char *user, *password; /**< NULL: no authentication */
    const char *ca_file;         /**< certificates to trust; NULL: the system's */
    bool needs_tls;              /**< smtp:// without STARTTLS is refused */
};

struct kt_channel_error {
    int code;                        /**< of the server's last reply; 0: none */
    char text[KT_CHANNEL_TEXT_SIZE]; /**< one sentence without a full stop, for people */
};

struct kt_channel;

/**
 * Connect, greet, change to TLS and sign in, as the options say.
 * @param context      owns the channel; freeing it closes the connection at once, without a word
 * @param deadline_ms  by kt_now_ms
 * @return 0, or -ENOTCONN and the error filled, or -ENOMEM
 * Parks.
 */
int kt_channel_open(TALLOC_CTX *context, const struct kt_channel_options *options,
                    int64_t deadline_ms, struct kt_channel **ret_channel,
                    struct kt_channel_error *error);

/** Whether the server takes several commands at once (RFC 2920). */
bool kt_channel_has_pipelining(const struct kt_channel *channel);

/** Write all of it. @return 0, -ETIMEDOUT, -ENOTCONN. Parks. */
int kt_channel_write(struct kt_channel *channel, const char *bytes, size_t size,
                     int64_t deadline_ms);

/**
 * Whether the server has nothing to say that was not read: what comes unasked would be taken for
 * the answer to what is said next. Does not park.
 */
bool kt_channel_is_quiet(struct kt_channel *channel);

/**
 * Read one line.
 * @param line  without its end; what is longer is cut
 * @return 0, -ETIMEDOUT, -ENOTCONN: the server has closed; -EPROTO: the line has no end
 * Parks.
 */
int kt_channel_read_line(struct kt_channel *channel, char line[KT_CHANNEL_LINE_SIZE],
                         int64_t deadline_ms);

/** Write as much as there is room for, and wait for nothing: for the last word. Does not park. */
void kt_channel_say(struct kt_channel *channel, const char *text);

#endif
