/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who has signed in, by a cookie. The cookie is sealed with the installation's key, so that one
 * that was made up never reaches the store; the store has only a hash of what is in it. Over HTTPS
 * it is called "__Host-kontor"; "kontor" only on this machine's own http://localhost.
 *
 * A session ends when it wasn't used for two weeks, after three months, when it is signed out, and
 * when the person's domain may no longer sign in.
 */
#ifndef CALENDAR_SESSION_H
#define CALENDAR_SESSION_H

#include "accounts.h"
#include "cookie.h"

struct kt_request;
struct kt_service;

/**
 * Whose session the request's cookie belongs to.
 * @param ret_user  owned by the calling process
 * @return 0, -ENOENT (no cookie, or a session that has ended), and the store's errors
 * Parks, as all of these but kt_session_is_possible.
 */
int kt_session_find(const struct kt_request *request, const struct kt_service *service,
                    const char **ret_user);

/**
 * As kt_session_find, of the header Cookie alone, for those who have no request.
 * @param is_https  whether it came over HTTPS (kt_cookie_is_https)
 */
int kt_session_look_up(const char *cookies, bool is_https, const struct kt_service *service,
                       const char **ret_user);

/** Whether a cookie would be safe here: over HTTPS, or on this machine. There has to be a key. */
bool kt_session_is_possible(const struct kt_request *request, const struct kt_service *service);

/**
 * Begin a session: the answer gets the cookie. The one that the browser had, if any, ends, and of
 * too many of a person the oldest.
 * @return 0, -EPERM (kt_session_is_possible), -EALREADY (the answer has begun), the store's errors
 */
int kt_session_begin(struct kt_request *request, const struct kt_service *service,
                     const char *user);

/** End the request's session, and take the cookie back. @return 0, and the store's errors */
int kt_session_end(struct kt_request *request, const struct kt_service *service);

/** End all sessions of a person, and take the cookie back. @return as kt_session_end */
int kt_session_end_all(struct kt_request *request, const struct kt_service *service,
                       const char *user);

/**
 * Bind what begins now to this browser, until it comes back from another site, or from the mail: a
 * cookie for a quarter of an hour. What it has begun before stays bound to it, too.
 * @param ret_mark  what to compare with; says nothing about the cookie
 * @return 0, -EPERM, -EALREADY
 */
#define KT_SESSION_MARK_SIZE 65
int kt_session_mark(struct kt_request *request, const struct kt_service *service,
                    char ret_mark[KT_SESSION_MARK_SIZE]);

/** Whether this is the browser that got the mark; it takes the mark's cookie back if so. */
bool kt_session_has_mark(struct kt_request *request, const struct kt_service *service,
                         const char *mark);

#endif
