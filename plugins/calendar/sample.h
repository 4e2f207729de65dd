/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Weeks of somebody made up, for people who look at kontor before they connect a calendar. The same
 * week is the same each time; weeks differ a little. Pure: knows no files, stores or requests.
 */
#ifndef CALENDAR_SAMPLE_H
#define CALENDAR_SAMPLE_H

#include "event.h"

/**
 * The events of a window.
 * @param ret_events  owned by context
 * @return 0 or -ENOMEM
 */
int kt_sample_events(TALLOC_CTX *context, const struct kt_window *window,
                     struct kt_events *ret_events);

#endif
