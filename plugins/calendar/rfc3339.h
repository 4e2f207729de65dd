/* SPDX-License-Identifier: BSD-2-Clause */
/* Instants as servers write them (RFC 3339). Knows no zones but offsets. */
#ifndef CALENDAR_RFC3339_H
#define CALENDAR_RFC3339_H

#include <stdint.h>

/** "YYYY-MM-DDTHH:MM:SSZ" and its NUL, with room for any year. */
#define KT_RFC3339_SIZE 32

/**
 * Read "2026-11-16T09:00:00.123+01:00"; fractions of a second are dropped, a leap second is the
 * next one. @return 0 or -EINVAL
 */
int kt_rfc3339_parse(const char *text, int64_t *ret_instant);

/** Write an instant, in UTC. */
void kt_rfc3339_format(int64_t instant, char text[KT_RFC3339_SIZE]);

#endif
