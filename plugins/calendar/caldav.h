/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calendars on CalDAV servers (RFC 4791). The server finds what touches the window; recurrences are
 * expanded here, since servers are unreliable at it.
 */
#ifndef CALENDAR_CALDAV_H
#define CALENDAR_CALDAV_H

#include "accounts.h"
#include "service.h"

/**
 * Find a person's calendars from what they entered: the address of a server, of themselves there,
 * or of one calendar (RFC 6764).
 * @param context     owns what is found
 * @param connection  with address, login and password; calendars, their time, and owners are
 * filled. All calendars that can have events are chosen
 * @return 0, or a negative errno and the error filled
 * Parks.
 */
int kt_caldav_discover(TALLOC_CTX *context, const struct kt_service *service,
                       struct kt_connection *connection, int64_t deadline_ms,
                       struct kt_source_error *error);

/**
 * The source "one calendar of a connection".
 * @param context     owns the source
 * @param account     the person's; borrowed, as connection and calendar; all live as long as context.
 * When the server refuses their password, that is stored
 */
struct kt_source *kt_caldav_new(TALLOC_CTX *context, const struct kt_service *service,
                                const struct kt_account *account,
                                const struct kt_connection *connection,
                                const struct kt_google_calendar *calendar);

#endif
