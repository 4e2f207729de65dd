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
/** Values of EXDATE and of RDATE of one event that are read. */
#define KT_ICS_DATES_MAX 10000
/** RRULEs of one event that are read; the standard advises against more than one. */
#define KT_ICS_EVENT_RULES_MAX 100
/** RRULEs beside the first one of their event that are read of a calendar: a rule takes much more
 * memory than its text. */
#define KT_ICS_FURTHER_RULES_MAX 10000
/** Lines of one event that are read, of those that matter; each value of a list counts as one. */
#define KT_ICS_EVENT_LINES_MAX 20000

struct kt_ics_options {
    const char *const *owners; /**< lower-case addresses, NULL-terminated; none: as the file says */
    bool file_comes_first;     /**< the owner whom the file names, if it names one who is none of
                                    owners, counts in their place */
    const char *const *focus_words; /**< lower case, NULL-terminated */
    const char *default_zone;
    size_t entries_max;
};

/** One of many texts; need not end with a NUL. */
struct kt_ics_text {
    const char *data;
    size_t size;
};

/**
 * Read a calendar file: one or more VCALENDARs, each of which has zones and an owner of its own.
 * Takes a while: for the thread pool.
 * @param context       owns all that the calendar holds
 * @param ret_calendar  complete, ready for kt_calendar_events
 * @return 0, -EBADMSG (no iCalendar text), -E2BIG (more entries than allowed), -ENOMEM, -ECANCELED
 *         (on the thread pool: nobody waits for it any more)
 */
int kt_ics_read(TALLOC_CTX *context, const char *text, size_t size,
                const struct kt_ics_options *options, struct kt_calendar *ret_calendar,
                struct kt_error *error);

/**
 * Read a calendar that comes in many texts, as CalDAV servers have it: a text for each event. What
 * is wrong with one doesn't touch the others; one that is no iCalendar text is left out, and told
 * in a warning. Takes a while: for the thread pool.
 * @param texts  live until this returns
 * @return as kt_ics_read, but never -EBADMSG
 */
int kt_ics_read_all(TALLOC_CTX *context, const struct kt_ics_text *texts, size_t count,
                    const struct kt_ics_options *options, struct kt_calendar *ret_calendar,
                    struct kt_error *error);

#endif
