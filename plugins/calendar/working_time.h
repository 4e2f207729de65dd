/* SPDX-License-Identifier: BSD-2-Clause */
/* When people work, as the configuration writes it. Knows no options, no zones. */
#ifndef CALENDAR_WORKING_TIME_H
#define CALENDAR_WORKING_TIME_H

#include <stdint.h>

/**
 * Read days such as "monday-friday" or "sun-thu, saturday": English names or their beginnings, from
 * three letters on; a range may go over the end of the week.
 * @param ret_days  bit 0: Monday … bit 6: Sunday
 * @return 0 or -EINVAL
 */
int kt_working_days_parse(const char *text, uint32_t *ret_days);

/**
 * Read hours such as "09:00-17:30"; the end, at most 24:00, is after the begin.
 * @param ret_from  seconds of the local day, as ret_to
 * @return 0 or -EINVAL
 */
int kt_working_hours_parse(const char *text, int32_t *ret_from, int32_t *ret_to);

#endif
