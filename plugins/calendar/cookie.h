/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cookies as they are safe (RFC 6265 and its successor's prefixes): over HTTPS "__Host-" and
 * Secure; without it only on localhost, where nobody listens. HttpOnly, SameSite=Lax, for the whole
 * host. Knows neither sessions nor the store.
 */
#ifndef CALENDAR_COOKIE_H
#define CALENDAR_COOKIE_H

#include <stdbool.h>
#include <stdint.h>

struct kt_request;

struct kt_cookie {
    const char *name; /**< without a prefix */
    int64_t seconds;  /**< how long the browser keeps it */
};

/**
 * Whether cookies may be set: over HTTPS, or on localhost.
 * @param public_url  where people find kontor; NULL: as the web server says
 */
bool kt_cookie_is_safe(const struct kt_request *request, const char *public_url);

/**
 * Whether people come over HTTPS.
 * @param https  the web server's parameter "HTTPS", or NULL; public_url knows better
 */
bool kt_cookie_is_https(const char *public_url, const char *https);

/**
 * A value out of the header Cookie.
 * @param cookies  the header; NULL: there is none
 * @return owned by the calling process, or NULL
 */
char *kt_cookie_find(const char *cookies, bool is_https, const struct kt_cookie *cookie);

/** The value that the browser sent, owned by the calling process, or NULL. */
char *kt_cookie_read(const struct kt_request *request, const char *public_url,
                     const struct kt_cookie *cookie);

/**
 * Let the browser keep a value.
 * @param value  of letters, digits, "-", "_", "."
 * @return as kt_response_header
 */
int kt_cookie_write(struct kt_request *request, const char *public_url,
                    const struct kt_cookie *cookie, const char *value);

/** Let the browser forget it. @return as kt_response_header */
int kt_cookie_clear(struct kt_request *request, const char *public_url,
                    const struct kt_cookie *cookie);

#endif
