/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What has become of each mail: one document of the store per user and week. It decides whether a
 * mail goes out, not the timer; so clocks may jump, workers die and two of them wake for one
 * person. Knows the store only.
 */
#ifndef MAILER_LEDGER_H
#define MAILER_LEDGER_H

#include <kontor/error.h>
#include <stdint.h>

#define KT_LEDGER_NAMESPACE "mailer-ledger"
#define KT_LEDGER_MESSAGE_ID_SIZE 320
#define KT_LEDGER_TEXT_SIZE 200

enum kt_ledger_state {
    KT_LEDGER_CLAIMED, /**< somebody is at it, until the lease ends */
    KT_LEDGER_WAITING, /**< it didn't work, and is tried again */
    KT_LEDGER_SENT,
    KT_LEDGER_FAILED,  /**< given up */
    KT_LEDGER_SKIPPED, /**< there was nothing to be sent: missed for longer than the grace, or no
                            calendar */
    KT_LEDGER_STATES,
};

struct kt_ledger_entry {
    enum kt_ledger_state state;
    int32_t week;   /**< its Friday, in days since 1970 */
    uint32_t tries; /**< claims, this one included */
    int64_t until;  /**< claimed: end of the lease; waiting: the next try; seconds since 1970 */
    int64_t at;     /**< when this was written, seconds since 1970 */
    int code;       /**< of the mail server, 0: none */
    char message_id[KT_LEDGER_MESSAGE_ID_SIZE]; /**< the same for all tries */
    char text[KT_LEDGER_TEXT_SIZE];             /**< why, for people; "" */
    uint64_t revision;
};

/** "claimed" … */
const char *kt_ledger_state_name(enum kt_ledger_state state);

/** What has become of a mail. @return 0, -ENOENT, -EBADMSG, and the store's. Parks. */
int kt_ledger_read(const char *user, int32_t week, struct kt_ledger_entry *ret_entry);

/**
 * Claim a mail: who gets it sends it, and closes it before the lease ends.
 * @param now, lease  seconds
 * @param domain      for the Message-ID of the first claim
 * @param ret_entry   with 0 the claim; with -EEXIST and -EAGAIN what there is
 * @return 0, -EEXIST (sent, failed or skipped: it is over), -EAGAIN (claimed by another, or
 * waiting: see until), -EBADMSG, and the store's. Parks.
 */
int kt_ledger_claim(const char *user, int32_t week, int64_t now, int64_t lease, const char *domain,
                    struct kt_ledger_entry *ret_entry);

/**
 * Write down what became of a claim: its state, until, code and text as the caller has set them.
 * When it is over, forgets what is months old.
 * @return 0, -ESTALE (the lease ended and another has claimed it), and the store's. Parks.
 */
int kt_ledger_close(const char *user, struct kt_ledger_entry *entry, int64_t now);

/** Write down that a week was missed, unless there is something about it. Parks. */
int kt_ledger_skip(const char *user, int32_t week, int64_t now, const char *why);

/** Forget all mails of a user. @return 0, and the store's. Parks. */
int kt_ledger_delete(const char *user);

#endif
