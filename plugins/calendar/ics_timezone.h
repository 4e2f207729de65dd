/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VTIMEZONE of a calendar (RFC 5545, 3.6.5) becomes a zone: the changes of its clocks, computed
 * from the STANDARD and DAYLIGHT parts with their DTSTART, RRULE and RDATE. Knows nothing of
 * events, nor of the system's zones. Bounded against definitions that never end.
 */
#ifndef CALENDAR_ICS_TIMEZONE_H
#define CALENDAR_ICS_TIMEZONE_H

#include "effort.h"
#include "event.h"
#include "zone.h"

/** Changes of the clocks that one definition may have: two a year for 600 years are 1,200. */
#define KT_ICS_CHANGES_MAX 5000
/** Rules are followed until this year; after it clocks stay as they are then. */
#define KT_ICS_CHANGES_YEAR_END 2200

/** What all the definitions of one calendar may use up together. */
struct kt_ics_timezone_budget {
    struct kt_effort effort; /**< to follow rules */
    uint64_t changes;        /**< changes that are kept */
};

/**
 * Evaluate a definition.
 * @param context     owns the zone and the texts of warnings
 * @param tzid        names the zone
 * @param definition  the text between BEGIN:VTIMEZONE and END:VTIMEZONE
 * @param budget      counts down
 * @param ret_zone    if 0 is returned
 * @return 0; -ENOENT (it says nothing that can be read), -ENOMEM
 */
int kt_ics_timezone_read(TALLOC_CTX *context, const char *tzid, const char *definition, size_t size,
                         struct kt_ics_timezone_budget *budget, struct kt_warnings *warnings,
                         struct kt_zone **ret_zone);

#endif
