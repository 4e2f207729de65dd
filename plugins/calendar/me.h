/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a person is asked and told about themselves, over HTTP.
 *
 *     GET  /api/calendar/me         {"user", "signed_in_by", "timezone", "week_start", "addresses",
 *                                   "google", "mail", "can_connect"}; the first four may be null
 *     POST /api/calendar/me         {"timezone", "week_start", "addresses"}, or some of them; answers
 *                                   as GET. At the addresses the person is invited, too
 *     POST /api/calendar/sign-out   {"everywhere": false}; 204
 *     POST /api/calendar/delete-me  {"delete": true}: nothing is left here; 204
 */
#ifndef CALENDAR_ME_H
#define CALENDAR_ME_H

#include <kontor/plugin.h>

struct kt_service;

/** Register the routes. @return as kt_plugin_route */
int kt_me_routes(struct kt_plugin *plugin, struct kt_service *service);

#endif
