/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events without what they were found in: of a calendar of years a week is kept, and the rest can
 * go.
 */
#ifndef CALENDAR_EVENT_COPY_H
#define CALENDAR_EVENT_COPY_H

#include "event.h"

/**
 * Copy events with all that they point to; details that several have in common, and equal texts,
 * once.
 * @param context     owns the copies
 * @param ret_events  nothing of it is of the events that were copied
 * @return 0 or -ENOMEM: what was copied is the context's all the same
 * Does not park. On any thread.
 */
int kt_events_copy(TALLOC_CTX *context, const struct kt_events *events,
                   struct kt_events *ret_events);

#endif
