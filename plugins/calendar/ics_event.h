/* SPDX-License-Identifier: BSD-2-Clause */
/* One VEVENT, line by line, becomes an entry. Knows libical; knows nothing of files or windows. */
#ifndef CALENDAR_ICS_EVENT_H
#define CALENDAR_ICS_EVENT_H

#include "ics.h"
#include "ics_lines.h"
#include "ics_zones.h"
#include "text_pool.h"

/** What the events of one calendar share while it is read. */
struct kt_ics_reader {
    TALLOC_CTX *owner; /**< of what the entries hold */
    const struct kt_ics_options *options;
    struct kt_ics_zones *zones;
    struct kt_text_pool *texts;
    struct kt_warnings *warnings;
    const char *file_owner; /**< whose calendar it says it is; counts if no owner is configured */
    size_t number;          /**< of the event in the file, from 1 */
    size_t further_rules;   /**< of all events so far, beside their first ones */
};

struct kt_ics_event;

/** Begin a VEVENT. @param context owns it. @return NULL without memory */
struct kt_ics_event *kt_ics_event_begin(TALLOC_CTX *context);

/** Give it one of its property lines. @return 0 or -ENOMEM */
int kt_ics_event_line(struct kt_ics_event *event, const struct kt_ics_line *line);

/** The zone of a TZID, for what reads a part of an event. libical is left to others meanwhile. */
const struct kt_zone *kt_ics_event_zone(struct kt_ics_reader *reader, const char *tzid);

/**
 * Its END has come: make the entry and free the event.
 * @return 0, -EBADMSG (no usable start: a warning was added), -ENOMEM, -ECANCELED (nobody waits for
 *         the calendar any more)
 */
int kt_ics_event_end(struct kt_ics_reader *reader, struct kt_ics_event *event,
                     struct kt_entry *ret_entry);

#endif
