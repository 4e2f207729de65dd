/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connecting Google: OAuth 2.0, web-server flow with PKCE (RFC 7636, S256).
 *
 *     GET  /api/calendar/connect/google   sends the person to Google's consent page
 *     GET  /api/calendar/callback         Google sends them back here, and this to the page
 */
#ifndef CALENDAR_OAUTH_H
#define CALENDAR_OAUTH_H

#include <kontor/request.h>

/** @param request  its context is a kt_service; so for both */
void kt_oauth_connect(struct kt_request *request);
void kt_oauth_callback(struct kt_request *request);

#endif
