/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What other plugins ask: about somebody's days, as JSON
 *
 *     {"user", "from", "to", "zone", "weeks_before", "listed", "brief"}
 *
 * The first day and the last one are YYYY-MM-DD. What may be missing: the zone; weeks_before, 0 …
 * 4, with which seven days are compared; how much each list may have at most; and brief, true: only
 * how long, what sort and with whom (struct kt_week). A desk takes the calls of a server, and has
 * each answered by a process of its own; refusals are problems (RFC 9457), their HTTP status the
 * reply's type: {"status", "detail", "trouble"}. The last is the word for what is wrong with a
 * calendar (kt_trouble_name), and missing where none is at fault; 404 without it is the answer of
 * somebody who has connected nothing. Knows nothing of what the answers are.
 */
#ifndef CALENDAR_QUESTION_H
#define CALENDAR_QUESTION_H

#include "look.h"

#include <kontor/process.h>

struct kt_question;

/** Where questions are taken; part of a server's state. */
struct kt_desk {
    const struct kt_service *service;
    uint32_t type;     /**< of a call that is a question */
    uint32_t max;      /**< so many are answered at once; more are told to come back */
    const char *label; /**< of the processes */
    /** Writes down what was seen; see kt_look_question. */
    int (*write)(struct kt_look *look, const struct kt_look_question *asked);
    /** Answers what was written, by kt_reply or kt_question_refuse. In a process; may park. */
    void (*answer)(const struct kt_question *question, const struct kt_look *look);
    uint32_t running; /**< now */
};

/** One question; belongs to the process that answers it. */
struct kt_question {
    struct kt_desk desk; /**< as it was when it took the question */
    struct kt_from from; /**< who asks */
    char *text;
};

/** Take a call: it will be answered. */
void kt_desk_take(struct kt_desk *desk, const struct kt_message *call);

/** To be told of each KT_MESSAGE_DOWN. */
void kt_desk_end(struct kt_desk *desk);

/** Say why there is no answer, which is not for a calendar's sake. @param status  of HTTP */
void kt_question_refuse(const struct kt_question *question, int status, const char *detail);

#endif
