/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The handlers of a week:
 *
 *     GET  /api/calendar/week   of what the person has connected, else of the configuration's file
 *     POST /api/calendar/week   of the iCalendar file that is the body; nothing of it is kept
 */
#ifndef CALENDAR_WEEK_H
#define CALENDAR_WEEK_H

#include "service.h"

#include <kontor/request.h>

/** Answer with the breakdown of a week. @param request its context is a kt_service */
void kt_week_handle(struct kt_request *request);

#endif
