/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One question to a WebDAV server whose address a person entered: PROPFIND or REPORT. Login and
 * password go to that server only: neither a redirect nor an address in an answer leads elsewhere.
 */
#ifndef CALENDAR_DAV_H
#define CALENDAR_DAV_H

#include "dav_xml.h"
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
};

/**
 * Ask, and read the answer on the thread pool.
 * @param context        owns the resources, by way of a root of its own
 * @param ret_resources  of a 207
 * @param ret_url        where the answer came from in the end; owned by context; may be NULL
 * @return 0, or a negative errno and the error filled
 * Parks.
 */
int kt_dav_ask(TALLOC_CTX *context, const struct kt_dav_login *login,
               const struct kt_dav_question *question, struct kt_dav_resources *ret_resources,
               const char **ret_url, struct kt_source_error *error);

/**
 * The address that an href of an answer means.
 * @param base  the address of the answer
 * @return owned by context; NULL: malformed, or of another server
 */
char *kt_dav_resolve(TALLOC_CTX *context, const char *base, const char *href);

#endif
