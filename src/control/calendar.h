/* SPDX-License-Identifier: BSD-2-Clause */
/* kontorctl calendar: what an iCalendar file holds between two days; needs no kontord. */
#ifndef KT_CONTROL_CALENDAR_H
#define KT_CONTROL_CALENDAR_H

#include "control/calendar_options.h"

#include <stdbool.h>

struct kt_calendar_command {
    const char *file;
    const char *from, *to;          /**< YYYY-MM-DD; to is exclusive */
    const char *zone;               /**< NULL: UTC */
    const char *owner;              /**< an e-mail address; NULL: as the file says */
    bool is_breakdown;              /**< the numbers instead of the occurrences */
    struct kt_calendar_words words; /**< what the numbers go by */
};

/** @return the exit status; what is wrong has been told */
int kt_calendar_command(const struct kt_calendar_command *command);

#endif
