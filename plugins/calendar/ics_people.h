/* SPDX-License-Identifier: BSD-2-Clause */
/* Who takes part in an event: from ATTENDEE and ORGANIZER to people and the owner's own answer. */
#ifndef CALENDAR_ICS_PEOPLE_H
#define CALENDAR_ICS_PEOPLE_H

#include "ics_event.h"

#include <libical/ical.h>

/**
 * Fill people, counts and the owner's answer.
 * @param event    a VEVENT
 * @param details  filled; what it points to is the reader's
 * @return 0 or -ENOMEM
 */
int kt_ics_people_read(struct kt_ics_reader *reader, icalcomponent *event,
                       struct kt_details *details);

#endif
