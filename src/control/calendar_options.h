/* SPDX-License-Identifier: BSD-2-Clause */
/* What kontorctl's breakdown of a calendar goes by: words of the command line into numbers. */
#ifndef KT_CONTROL_CALENDAR_OPTIONS_H
#define KT_CONTROL_CALENDAR_OPTIONS_H

#include "calendar/breakdown.h"

/** As the plugin's options of the same names; NULL: its default. */
struct kt_calendar_words {
    const char *working_days, *working_hours, *focus_at_least, *large_over;
};

/**
 * Read them.
 * @param ret_wrong  the flag that makes no sense, and what it expects; static; set with -EINVAL
 * @return 0 or -EINVAL
 */
int kt_calendar_options_read(const struct kt_calendar_words *words,
                             struct kt_breakdown_options *ret_options, const char **ret_wrong);

#endif
