/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One question to Google's calendar API and its answer, tried again where that helps and the
 * deadline allows. Knows HTTP and what its statuses mean here; nothing of events or persons.
 */
#ifndef CALENDAR_GOOGLE_API_H
#define CALENDAR_GOOGLE_API_H

#include "fetches.h"
#include "source.h"

/** Where Google is and who we are to it: options of the plugin; lives as long as the worker. */
struct kt_google_options {
    const char *api;       /**< the calendar API, up to its version */
    const char *authorize; /**< the page where a person consents */
    const char *token, *revoke;
    const char *issuer; /**< of ID tokens */
    const char *client_id, *client_secret;
    size_t answer_size_max; /**< of one page */
    size_t events_max;      /**< of one calendar in a window */
    int64_t list_age_ms;    /**< an older list of calendars is looked at again */
    struct kt_fetches *fetches;
};

/**
 * GET an address of the API.
 * @param person       for whom, or NULL; see kt_fetches_get
 * @param token        the access token
 * @param deadline_ms  by kt_now_ms
 * @param ret_answer   of status 200; owned by the calling process
 * @return 0; -EKEYEXPIRED: the token is no longer good, which is no error yet; -ESTALE: begin anew
 *         with the first page; another negative errno with the error filled
 * Parks.
 */
int kt_google_get(const struct kt_google_options *options, const char *person, const char *token,
                  const char *url, int64_t deadline_ms, struct kt_http_answer **ret_answer,
                  struct kt_source_error *error);

#endif
