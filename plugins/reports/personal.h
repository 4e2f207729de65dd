/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports of people's own calendars: whose they are, and the rows for the job, which has no way to
 * any calendar itself. Such a report is the person's alone: it has a realm of its own, and goes
 * with the person.
 */
#ifndef REPORTS_PERSONAL_H
#define REPORTS_PERSONAL_H

#include "order.h"

#include <kontor/memory_file.h>
#include <kontor/request.h>

/** The realm of one person's reports. @return owned by context; ends the process without memory */
const char *personal_realm(TALLOC_CTX *context, const char *user);

/** Whether a realm is this person's. */
bool personal_is_mine(const char *realm, const char *user);

/**
 * Ask the calendar for the days that the order's parameters name.
 * @param ret_rows  sealed; owned by the calling process
 * @return false: the request is answered
 * Parks.
 */
bool personal_gather(struct kt_request *request, const struct order *order,
                     struct kt_memory_file **ret_rows);

/**
 * The clock that says what day it is for a report of the calendar: by the zone that was entered or
 * is the default of its parameter, else by that of the calendar.
 * @return owned by the calling process; NULL: there is no such zone, or no calendar
 * Parks.
 */
const struct wall_clock *personal_clock(const struct definition *definition,
                                        const struct entered *entered, size_t entered_count);

/**
 * What was ordered for this realm before is not wanted any more, also where it is still on its way
 * to become a job.
 * @return 0 or a negative errno. Parks.
 */
int personal_forget(const char *realm);

/** Whether that was said since then. @param since_ms  ms since 1970 */
bool personal_is_forgotten(const char *realm, int64_t since_ms);

#endif
