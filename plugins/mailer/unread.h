/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why a week can't be read, and what the person can do about it, in words: by the word that the
 * calendar has for the trouble (plugins/calendar/README.md). Texts only.
 */
#ifndef MAILER_UNREAD_H
#define MAILER_UNREAD_H

struct kt_unread {
    const char *trouble; /**< "gone" …; NULL: any other */
    const char *reason;  /**< half a sentence: for the log, the ledger and the pages */
    const char *advice;  /**< sentences, for the mail */
};

/** @param trouble  may be one that there will be later @return never NULL */
const struct kt_unread *kt_unread_find(const char *trouble);

#endif
