/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any days in a row over HTTP: GET /api/calendar/range as JSON, /api/calendar/export as CSV; POST
 * with an iCalendar file as the body answers for that file alone.
 */
#ifndef CALENDAR_RANGE_H
#define CALENDAR_RANGE_H

#include <kontor/plugin.h>

struct kt_service;

/** Register the routes. @return as kt_plugin_route */
int kt_range_routes(struct kt_plugin *plugin, struct kt_service *service);

#endif
