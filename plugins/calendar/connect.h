/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a person has connected, over HTTP. All bodies are JSON, which no form of another site can
 * send.
 *
 *     GET  /api/calendar/connections      {"connections": [{"id", "kind", "label",
 * "needs_reconnect", "calendars": [{"id", "name", "primary", "chosen"}]}]} POST
 * /api/calendar/connect/caldav   {"address", "login", "password"} POST /api/calendar/connect/url
 * {"address"} POST /api/calendar/choose           {"id", "chosen": [ids of calendars]} POST
 * /api/calendar/disconnect       {"id"}, or {"all": true}: nothing is left
 *
 * The last four answer as the first.
 */
#ifndef CALENDAR_CONNECT_H
#define CALENDAR_CONNECT_H

#include <kontor/plugin.h>

struct kt_service;

/** Register the routes, those of oauth.h included. @return as kt_plugin_route */
int kt_connect_routes(struct kt_plugin *plugin, struct kt_service *service);

#endif
