/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rows of a person's calendars for other plugins: a named server "calendar.rows" in each worker
 * (kt_whereis), not to be reached from others, since its answer is a memory file.
 *
 * The call, type KT_ROWS_ASK, has the JSON {"user", "from", "to", "zone"}: the first and the last
 * day, YYYY-MM-DD, at most KT_LOOK_DAYS_MAX, and a zone or null for that of the configuration. The
 * reply's type is an HTTP status. With 200 its data is a struct kt_memory_file, sealed, which now
 * belongs to whoever asked: the tables of rows.h as JSON. Else it is a problem (RFC 9457). Whoever
 * may call may read everybody's calendars: plugins trust each other.
 *
 * The call KT_ROWS_ASK_ZONE has no data; the reply, type 200, is the name of the configuration's
 * zone, without a NUL.
 */
#ifndef CALENDAR_ROWS_SERVER_H
#define CALENDAR_ROWS_SERVER_H

#include <kontor/plugin.h>

#define KT_ROWS_ASK 1u
#define KT_ROWS_ASK_ZONE 2u
#define KT_ROWS_SERVER "calendar.rows"

struct kt_service;

/** Start the server. @param service lives as long as the worker @return as kt_plugin_child */
int kt_rows_server_start(struct kt_plugin *plugin, struct kt_service *service);

#endif
