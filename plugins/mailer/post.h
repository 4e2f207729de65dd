/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way to the mail server: connections that are kept and used again, so many at once. Whoever
 * sends borrows one and speaks itself; one process per worker, the postman, says who is next and
 * closes what nobody needs. Knows envelopes and bytes; nothing of what is in them, of ledgers or of
 * people.
 */
#ifndef MAILER_POST_H
#define MAILER_POST_H

#include "channel.h"

#include <kontor/supervisor.h>

/** Bytes of an outcome's words, with the NUL. */
#define KT_POST_TEXT_SIZE KT_CHANNEL_TEXT_SIZE
/** Mails that wait for a connection in one worker; more are told to come back later. */
#define KT_POST_WAITING_MAX 10000u

/** All borrowed for ever (options of the plugin). */
struct kt_post_options {
    struct kt_channel_options server;
    uint32_t connections; /**< at once, from this worker */
    int64_t timeout_ms;   /**< for one mail */
};

enum kt_post_fate {
    KT_POST_SENT,  /**< the server has taken it */
    KT_POST_LATER, /**< 4xx, no connection, no answer, what the operator has to mend: try again.
                        It may have been taken: the same Message-ID again */
    KT_POST_NEVER, /**< 5xx: trying again is no use */
};

struct kt_post_outcome {
    enum kt_post_fate fate;
    int code;                     /**< of the last reply of the server; 0: none */
    char text[KT_POST_TEXT_SIZE]; /**< one sentence without a full stop, for people */
};

/** What the post has done in this worker since its start. */
struct kt_post_counts {
    uint64_t sent, deferred, refused; /**< mails, by fate */
    uint64_t connections;             /**< that were opened */
    uint32_t waiting;                 /**< now, those on the way included */
};

struct kt_post;

/**
 * Set the post up; before its child starts.
 * @return lives as long as the worker
 */
struct kt_post *kt_post_new(const struct kt_post_options *options);

/** The postman's child specification; the post must not be NULL. */
struct kt_child kt_post_child(struct kt_post *post);

/**
 * Send a mail.
 * @param from, to  addresses, without < and >
 * @param letter    the mail, lines ended by CRLF; borrowed for the call
 * Parks. When the caller ends meanwhile the mail may go out or not.
 */
void kt_post_send(struct kt_post *post, const char *from, const char *to, const char *letter,
                  size_t size, struct kt_post_outcome *ret_outcome);

/** Does not park. */
void kt_post_counts(const struct kt_post *post, struct kt_post_counts *ret_counts);

#endif
