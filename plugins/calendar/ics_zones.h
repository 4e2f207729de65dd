/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which zone a TZID of a calendar means. In this order: an IANA or Windows name, the location that
 * its VTIMEZONE gives (X-LIC-LOCATION), the clocks that its VTIMEZONE defines, the distance from
 * Greenwich that its name says (GMT+0100), the calendar's own zone (X-WR-TIMEZONE), the configured
 * zone. So the system's data wins over the file's. The last two are guesses: each comes with a
 * warning, never silently.
 *
 * A text may have many calendars (VCALENDAR), as an answer of a CalDAV server does: one for each
 * event. What one says of zones holds in it alone (RFC 5545, 3.8.3.1): Exchange calls zones that
 * differ by the same name.
 */
#ifndef CALENDAR_ICS_ZONES_H
#define CALENDAR_ICS_ZONES_H

#include "event.h"
#include "zone.h"

struct kt_ics_zones;

/**
 * @param context       owns the result
 * @param zones         owns the zones that will be found and the warnings' texts
 * @param default_zone  name of the zone when nothing else is known
 * @return NULL without memory
 */
struct kt_ics_zones *kt_ics_zones_new(TALLOC_CTX *context, TALLOC_CTX *zones,
                                      const char *default_zone, struct kt_warnings *warnings);

/** Another calendar begins: what the one before said of zones counts no more. */
void kt_ics_zones_begin(struct kt_ics_zones *zones);

/**
 * A VTIMEZONE; only the first for a TZID counts. It is evaluated when an event asks for it.
 * @param location    where it says it is, or NULL
 * @param definition  its text; must live as long as zones
 */
void kt_ics_zones_define(struct kt_ics_zones *zones, const char *tzid, const char *location,
                         const char *definition, size_t size);

/** The calendar says which zone it is kept in. Only the first counts. */
void kt_ics_zones_home(struct kt_ics_zones *zones, const char *name);

/** The zone of a TZID that was found before; NULL: it has to be found. */
const struct kt_zone *kt_ics_zones_known(const struct kt_ics_zones *zones, const char *tzid);

/** The zone of a TZID; NULL asks for the configured zone. Never NULL once created. May take a while
 * when it is not known yet. */
const struct kt_zone *kt_ics_zones_find(struct kt_ics_zones *zones, const char *tzid);

#endif
