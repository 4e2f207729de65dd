/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asking other servers on behalf of people, so that none of them takes the connections or the
 * memory of all: each has only so many questions on their way at once, and answers that are large
 * come in one after the other, in turns between people, within the memory that is set aside. Of
 * this worker.
 *
 * How large an answer will be nobody knows. So it is asked for as a small one, which costs nothing;
 * a larger one is refused on its way, and asked for again when there is room for it. For the next
 * time it is known about how large it was.
 */
#ifndef CALENDAR_FETCHES_H
#define CALENDAR_FETCHES_H

#include <kontor/http.h>

struct kt_fetches;

/** An answer up to this size takes no room. */
#define KT_FETCHES_SMALL ((size_t)1 << 20)

struct kt_fetches_options {
    uint32_t at_once; /**< questions of one person */
    size_t room;      /**< bytes of large answers, of all people together */
    size_t largest;   /**< that one answer may have; one person gets room for it, or for half of all
                           if that is more */
};

/** @return owned by context, which lives as long as the worker; NULL without memory */
struct kt_fetches *kt_fetches_new(TALLOC_CTX *context, const struct kt_fetches_options *options);

/**
 * kt_http_fetch, when it is the person's turn. What is asked must do no harm when it is asked
 * twice.
 * @param context      of the calling process; as long as it lives, there is room for the answer:
 *                     also for what is made of it
 * @param fetches      NULL if person is
 * @param person       on whose behalf; NULL: nobody's, it is asked at once
 * @param fetch        its timeout_ms does not count
 * @param deadline_ms  by kt_now_ms
 * @param ret_answer   owned by the calling process, not by context
 * @return as kt_http_fetch; -ETIMEDOUT also if it wasn't the person's turn in time, -EMSGSIZE also
 *         if there is never so much room
 * Parks. Messages of others that come meanwhile are dropped.
 */
int kt_fetches_get(TALLOC_CTX *context, struct kt_fetches *fetches, const char *person,
                   const struct kt_http_fetch *fetch, int64_t deadline_ms,
                   struct kt_http_answer **ret_answer, struct kt_error *error);

/**
 * Set room aside for so many bytes that came from elsewhere, as long as context lives.
 * @return 0, -ETIMEDOUT, -EMSGSIZE
 * Parks, as above.
 */
int kt_fetches_hold(TALLOC_CTX *context, struct kt_fetches *fetches, const char *person,
                    size_t size, int64_t deadline_ms, struct kt_error *error);

#endif
