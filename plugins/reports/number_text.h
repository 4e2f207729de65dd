/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers, dates and durations as text, the same for every kind of file. A report has millions of
 * them, so these write straight into a buffer; a number read back is the very same number.
 */
#ifndef REPORTS_NUMBER_TEXT_H
#define REPORTS_NUMBER_TEXT_H

#include <stdbool.h>
#include <stdint.h>

/** Room for any of the texts below. No NUL is written. */
#define NUMBER_TEXT_MAX 40

#define DAY_MS INT64_C(86400000)

/** The first day and the one after the last that have a year of four digits, 0000 to 9999. */
#define DAY_FIRST INT64_C(-719528)
#define DAY_END INT64_C(2932897)

/** All of them: @return behind the last character */
char *number_put_unsigned(char *at, uint64_t value);
char *number_put_integer(char *at, int64_t value);

/**
 * The shortest decimal that reads back as the same value; "NaN", "Infinity", "-Infinity". Expects
 * LC_NUMERIC to be C, as it is in a program that never calls setlocale.
 */
char *number_put_real(char *at, double value);

/** 2026-11-20. @param days  since 1970-01-01; a plain number when its year has no four digits */
char *number_put_date(char *at, int64_t days);

/** 2026-11-20 19:00:00, with .123 where there are milliseconds. @param ms  since 1970-01-01 */
char *number_put_datetime(char *at, int64_t ms);

/** 27:05:00, -0:00:01, with .123 where there are milliseconds. */
char *number_put_duration(char *at, int64_t ms);

#endif
