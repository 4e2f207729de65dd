/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Weeks for other plugins: a named server "calendar", in each worker (kt_whereis), one of which
 * also owns the key "calendar" of the registry (kt_registry_call).
 *
 * The call, type KT_WEEK_ASK, has the JSON of question.h, of seven days or of as many as fit. The
 * reply's type is an HTTP status; with 200 it has the JSON of GET /api/calendar/week for that
 * person, else a problem (RFC 9457) as in question.h; a week too large for a message comes without
 * its lists of events. Whoever may call may read everybody's weeks: plugins trust each other.
 */
#ifndef CALENDAR_WEEK_SERVER_H
#define CALENDAR_WEEK_SERVER_H

#include "service.h"

#include <kontor/plugin.h>

#define KT_WEEK_ASK 1u
#define KT_WEEK_SERVER "calendar"

/** Start the server. @param service lives as long as the worker @return as kt_plugin_child */
int kt_week_server_start(struct kt_plugin *plugin, struct kt_service *service);

#endif
