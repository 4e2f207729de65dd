/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads iCalendar text (RFC 5545) into entries. Only in ics_event.c and what it uses is libical
 * known, as a parser of single properties: no zones, no recurrences of its. Bounded against hostile
 * text in size, nesting, number of entries, attendees and dates; what is left out is said in a
 * warning.
 */
#ifndef CALENDAR_ICS_H
#define CALENDAR_ICS_H

#include "series.h"

#include <kontor/error.h>

/** Attendees of one event that are read; more are counted, not named. */
#define KT_ICS_ATTENDEES_MAX 1000
/** Values of EXDATE, of RDATE and of RRULE of one event that are read. */
#define KT_ICS_DATES_MAX 10000
/** Lines of one event that are read, of those that matter. */
#define KT_ICS_EVENT_LINES_MAX 20000

struct kt_ics_options {
    const char *const *owners; /**< lower-case addresses, NULL-terminated; none: as the file says */
    const char *const *focus_words; /**< lower case, NULL-terminated */
    const char *default_zone;
    size_t entries_max;
};

/**
 * Read a calendar. Takes a while: for the thread pool.
 * @param context       owns all that the calendar holds
 * @param ret_calendar  complete, ready for kt_calendar_events
 * @return 0, -EBADMSG (no iCalendar text), -E2BIG (more entries than allowed), -ENOMEM
 */
int kt_ics_read(TALLOC_CTX *context, const char *text, size_t size,
                const struct kt_ics_options *options, struct kt_calendar *ret_calendar,
                struct kt_error *error);

#endif
