/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who asks: the user whom the web server has authenticated; else who has signed in here
 * (session.h); else nobody. Whether the request comes from a page of this site is another question,
 * which handlers that change something have to ask (kt_request_is_same_site).
 */
#ifndef CALENDAR_PERSON_H
#define CALENDAR_PERSON_H

#include "accounts.h"

struct kt_request;
struct kt_service;

/** How it is known who asks. */
enum kt_person_way { KT_PERSON_NOBODY, KT_PERSON_WEB_SERVER, KT_PERSON_SESSION };

struct kt_person_found {
    const char *user; /**< NULL: nobody; owned by the request or the calling process */
    enum kt_person_way way;
};

/**
 * Find out.
 * @param request    its context is a kt_service
 * @return 0, also for nobody, and the store's errors
 * Parks.
 */
int kt_person_find(const struct kt_request *request, struct kt_person_found *ret_found);

/** The user, or NULL for nobody; also when the store can't say, which is logged. Parks. */
const char *kt_person_user(const struct kt_request *request);

/** What somebody has set for themselves; "" where nothing. */
struct kt_profile {
    char timezone[64];
    char week_start[8]; /**< "monday", "sunday" */
};

/** @return 0, also when nothing is stored, and the store's errors. Parks, as all of these. */
int kt_profile_read(const char *user, struct kt_profile *ret_profile);

/** @return 0, and the store's errors */
int kt_profile_write(const char *user, const struct kt_profile *profile);

/** @return 0, also when there was none, and the store's errors */
int kt_profile_delete(const char *user);

#endif
