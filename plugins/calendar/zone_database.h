/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system's database of time zones, as GLib's GTimeZone reads it. Reading a zone's file takes
 * longer than a week's numbers; so each zone is read once, and kept. An update of the database is
 * seen after the next start or reload.
 */
#ifndef CALENDAR_ZONE_DATABASE_H
#define CALENDAR_ZONE_DATABASE_H

#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

/** A zone of the database. Immutable; may be read by several threads. */
struct kt_database_zone;

/**
 * Find a zone by its name, written as the database does ("Europe/Berlin", "Etc/GMT+5"). Nothing
 * else is taken: no rule of POSIX ("GMT+1"), no path. On any thread.
 * @param context   owns the zone if very many are kept already; else it lives as long as we do
 * @param ret_name  lives as long as the zone
 * @return 0, -ENOENT: there is no such zone on this system, or -ENOMEM
 */
int kt_zone_database_find(TALLOC_CTX *context, const char *name,
                          const struct kt_database_zone **ret_zone, const char **ret_name);

/** Whether a zone of this name is kept: to find it takes no time to speak of. On any thread. */
bool kt_zone_database_has(const char *name);

/** Seconds east of Greenwich at an instant. On any thread; quick for instants near to the last. */
int32_t kt_zone_database_offset(const struct kt_database_zone *zone, int64_t instant);

#endif
