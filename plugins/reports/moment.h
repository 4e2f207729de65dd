/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dates, date-times and durations as databases and people write them, to numbers and back. No
 * zones: what the clock on the wall shows.
 */
#ifndef REPORTS_MOMENT_H
#define REPORTS_MOMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MOMENT_DAY_MS INT64_C(86400000)
/** "2026-11-20 19:00:00" and a NUL, with room. */
#define MOMENT_TEXT_SIZE 32

/**
 * Read "2026-11-20", or that with a time: "2026-11-20 19:00", "2026-11-20T19:00:00.123+01:00". An
 * offset or Z behind it is passed over. Years from 1601 to 9999.
 * @param ret_ms  since 1970-01-01 on the same clock; fractions beyond milliseconds are cut
 * @return false: it is neither
 */
bool moment_read(const char *text, size_t size, int64_t *ret_ms);

/** Read "36:00:00", "-00:00:01.5", "3 days 04:05:06", "1 day": PostgreSQL's intervals, but no months. */
bool moment_read_duration(const char *text, size_t size, int64_t *ret_ms);

/** The day of a moment. */
int64_t moment_day(int64_t ms);

/** Write "2026-11-20". */
void moment_write_date(int64_t days, char text[MOMENT_TEXT_SIZE]);

/** Write "2026-11-20 19:00:00". */
void moment_write(int64_t ms, char text[MOMENT_TEXT_SIZE]);

#endif
