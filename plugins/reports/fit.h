/* SPDX-License-Identifier: BSD-2-Clause */
/* Values as databases give them, into the form that the type of their column has. */
#ifndef REPORTS_FIT_H
#define REPORTS_FIT_H

#include "value.h"

/**
 * Give a value the form of its column's type; one that has no such form stays as it is.
 *
 * Texts: "12.50" is a number, "2026-11-20" a date, "36:00:00" a duration, "t", "true" a boolean.
 * Numbers: a duration is in seconds; a date or date-time is in seconds since 1970 if it is an
 * integer, a Julian day if it is real, as SQLite stores them.
 */
void value_fit(enum report_type type, struct report_value *value);

#endif
