/* SPDX-License-Identifier: BSD-2-Clause */
/* GET /api/calendar/week: the handler and what it needs from the configuration. */
#ifndef CALENDAR_WEEK_H
#define CALENDAR_WEEK_H

#include "source.h"

#include <kontor/request.h>

/** The route's context: shared by all requests, never changed. */
struct kt_week_service {
    struct kt_source *source;
    const char *timezone; /**< when the request names none */
    uint32_t week_start;  /**< 0 = Monday, 6 = Sunday */
    size_t events_listed_max, people_listed_max;
    uint32_t large_over;
};

/** Answer with the breakdown of a week. @param request its context is a kt_week_service */
void kt_week_handle(struct kt_request *request);

#endif
