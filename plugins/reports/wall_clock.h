/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the clock on the wall shows somewhere: by a zone of the system's database, or as the machine
 * itself has it. Knows instants and zones, no reports.
 */
#ifndef REPORTS_WALL_CLOCK_H
#define REPORTS_WALL_CLOCK_H

#include <stdint.h>
#include <talloc.h>

/** A clock. Immutable; may be read by several threads. */
struct wall_clock;

/**
 * Get a clock. Reads a file the first time a zone is asked for.
 * @param zone       a name of the IANA database, such as Europe/Berlin, and nothing else; NULL: the
 *                   machine's own, as TZ or /etc/localtime says
 * @param ret_clock  owned by the context
 * @return 0, -ENOENT: there is no such zone on this system, or -ENOMEM
 */
int wall_clock_new(TALLOC_CTX *context, const char *zone, const struct wall_clock **ret_clock);

/**
 * What it shows, as ms since 1970-01-01 00:00 on the same clock; so a day of the calendar always
 * has 24 hours here. Where clocks are set back, an hour is shown twice; where they are set forward,
 * one never.
 * @param unix_ms  the instant, ms since 1970 in UTC
 */
int64_t wall_clock_read(const struct wall_clock *clock, int64_t unix_ms);

#endif
