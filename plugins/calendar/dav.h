/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One question to a WebDAV server whose address a person entered: PROPFIND or REPORT. Login and
 * password go to that server only, wherever a redirect leads; for what answers name see
 * dav_address.h.
 */
#ifndef CALENDAR_DAV_H
#define CALENDAR_DAV_H

#include "dav_address.h"
#include "dav_xml.h"
#include "fetches.h"
#include "source.h"

/** How to sign in; texts are never NULL. */
struct kt_dav_login {
    const char *login;    /**< "": the password is a bearer token, if there is one */
    const char *password; /**< "": no authentication */
};

struct kt_dav_question {
    const char *method, *url, *body;
    int depth;
    size_t size_max; /**< of the answer */
    int64_t deadline_ms;
    struct kt_fetches *fetches; /**< see kt_fetches_get; NULL if person is */
    const char *person;         /**< for whom, or NULL */
};

/**
 * Ask, and read the answer on the thread pool.
 * @param context        owns the resources, by way of a root of its own; as long as it lives, there
 *                       is room for them
 * @param ret_resources  of a 207
 * @param ret_url        where the answer came from in the end; owned by context; may be NULL
 * @return 0, or a negative errno and the error filled
 * Parks.
 */
int kt_dav_ask(TALLOC_CTX *context, const struct kt_dav_login *login,
               const struct kt_dav_question *question, struct kt_dav_resources *ret_resources,
               const char **ret_url, struct kt_source_error *error);

#endif
