/* SPDX-License-Identifier: BSD-2-Clause */
/* When an event is: the times that its properties name. Knows libical, no files or windows. */
#ifndef CALENDAR_ICS_TIMES_H
#define CALENDAR_ICS_TIMES_H

#include "ics_event.h"

#include <libical/ical.h>

/**
 * Read start, span and, for a changed instance, what it replaces.
 * @param component  a VEVENT
 * @return 0 or -EBADMSG: no start that can be read
 */
int kt_ics_times_read(struct kt_ics_reader *reader, icalcomponent *component,
                      struct kt_entry *entry);

/** Read the exclusions and additions (EXDATE, RDATE). @return 0 or -ENOMEM */
int kt_ics_dates_read(struct kt_ics_reader *reader, icalcomponent *component,
                      struct kt_entry *entry);

#endif
