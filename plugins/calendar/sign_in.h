/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signing in by a link that is sent by mail. Both bodies are JSON, from a page of this site.
 *
 *     POST /api/calendar/sign-in          {"address", "for": "mailer" or absent}: 202, the link is
 *                                         on its way to PUBLIC_URL/sign-in/#token
 *     POST /api/calendar/sign-in/confirm  {"token"}: 200 {"user"} and a session; 409 in another
 *                                         browser, 410 when it is too old or was used
 *
 * The token stands behind "#", which browsers keep to themselves: so it is in no log, and looking
 * at a link, as mail filters do, uses nothing up.
 */
#ifndef CALENDAR_SIGN_IN_H
#define CALENDAR_SIGN_IN_H

#include <kontor/plugin.h>

struct kt_request;
struct kt_service;

/** Whether people can sign in by mail here, as far as kontor goes. Does not park. */
bool kt_sign_in_has_mail(const struct kt_service *service);

/** Register the routes. @return as kt_plugin_route */
int kt_sign_in_routes(struct kt_plugin *plugin, struct kt_service *service);

#endif
