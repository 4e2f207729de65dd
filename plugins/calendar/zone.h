/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time zones: from local time to instants and back, by the rules of RFC 5545, 3.3.5. They are the
 * system's (zone_database.h); neither the environment's TZ nor libc's localtime is ever asked. A
 * calendar may also bring a zone of its own. A zone is immutable and may be read by several
 * threads.
 */
#ifndef CALENDAR_ZONE_H
#define CALENDAR_ZONE_H

#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

/** The longest name of a zone that is looked up; the longest of the database has 32 bytes. */
#define KT_ZONE_NAME_MAX 64

/** How far a zone's clocks may be from Greenwich, in seconds; those of the world: 16 hours. */
#define KT_ZONE_OFFSET_MAX (18 * 3600)

struct kt_zone;

/** A change of a zone's clocks. */
struct kt_zone_change {
    int64_t instant;
    int32_t offset; /**< seconds east of Greenwich from then on */
};

/**
 * Open a zone by its name in the IANA database.
 * @param ret_zone  owned by context
 * @return 0, -ENOENT: there is no such zone on this system, or -ENOMEM
 */
int kt_zone_open(TALLOC_CTX *context, const char *name, struct kt_zone **ret_zone);

/**
 * Open a zone by whatever a calendar calls it: an IANA name, one behind a vendor's prefix
 * ("/citadel.org/20210210_1/Europe/Berlin"), or a name of Windows ("W. Europe Standard Time").
 * @return as kt_zone_open
 */
int kt_zone_open_foreign(TALLOC_CTX *context, const char *name, struct kt_zone **ret_zone);

/**
 * Open a zone that is called by its distance from Greenwich: "GMT+0100", "UTC-5", "GMT+05:30". In
 * such names, which Apple, Outlook and others write, "+" is east, unlike in the database's
 * Etc/GMT+5 and in POSIX.
 * @return 0, -ENOENT: it is no such name, or -ENOMEM
 */
int kt_zone_open_offset(TALLOC_CTX *context, const char *name, struct kt_zone **ret_zone);

/**
 * Make a zone that is in no database.
 * @param name          what it is called; copied
 * @param first_offset  before the first change; no offset is beyond KT_ZONE_OFFSET_MAX
 * @param changes       by instant; of two at the same instant the later one counts; copied
 * @param ret_zone      owned by context
 * @return 0 or -ENOMEM
 */
int kt_zone_new(TALLOC_CTX *context, const char *name, int32_t first_offset,
                const struct kt_zone_change *changes, size_t count, struct kt_zone **ret_zone);

/** The IANA name for a Windows name (Unicode CLDR, territory 001), or NULL. */
const char *kt_zone_windows_name(const char *name);

/** The name under which it was found or made. */
const char *kt_zone_name(const struct kt_zone *zone);

/** Seconds east of Greenwich at an instant. */
int32_t kt_zone_offset(const struct kt_zone *zone, int64_t instant);

/** The local time of an instant (seconds since 1970-01-01 00:00 UTC). */
int64_t kt_zone_to_local(const struct kt_zone *zone, int64_t instant);

/**
 * The instant of a local time: where it comes twice, the first; where it doesn't exist, by the
 * offset before the gap.
 */
int64_t kt_zone_to_instant(const struct kt_zone *zone, int64_t local);

/** Whether a local time exists; the zone is a void pointer to fit kt_recurrence_zone. */
bool kt_zone_has(const void *zone, int64_t local);

#endif
