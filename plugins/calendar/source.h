/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sources of events: window in, events out. An iCalendar file is one; others (servers on the
 * network) fit behind the same function, since it may park.
 */
#ifndef CALENDAR_SOURCE_H
#define CALENDAR_SOURCE_H

#include "event.h"

#include <kontor/error.h>

struct kt_source {
    const char *name; /**< for people and for Server-Timing: a token of letters */
    /**
     * Read the events of a window, as they are now.
     * @param context     owns the events and all that they point to
     * @param warnings    added to
     * @param error       filled on failure: a sentence for the person, without secrets or paths
     * @return 0 or a negative errno
     * Parks.
     */
    int (*read)(struct kt_source *source, TALLOC_CTX *context, const struct kt_window *window,
                struct kt_events *ret_events, struct kt_warnings *warnings, struct kt_error *error);
};

#endif
