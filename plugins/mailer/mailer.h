/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the rooms of the plugin share: options as they are used, and each other. Made at the start,
 * lives as long as the worker.
 */
#ifndef MAILER_MAILER_H
#define MAILER_MAILER_H

#include "letter.h"
#include "links.h"
#include "post.h"

#include <kontor/request.h>

struct kt_gate;
struct kt_house;

struct kt_mailer {
    const char *public_url; /**< without a slash at its end */
    const char *domain;     /**< of our own address: behind the @ of Message-IDs */
    struct kt_mailbox from;
    struct kt_letter_templates week, verify, sign_in;
    int64_t grace;            /**< a mail that is later than this is skipped; seconds */
    int64_t lease;            /**< of a claim; seconds, longer than a mail can take */
    int64_t retry_first_ms;   /**< before the second try */
    int64_t fetch_timeout_ms; /**< for one week of the calendar */
    struct kt_links *links;
    struct kt_post *post;
    struct kt_gate *gate;
    struct kt_house *house;
    const char *sleepers; /**< name of their supervisor in this worker */
};

#endif
