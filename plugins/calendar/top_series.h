/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of the breakdown that says which series of meetings cost most. */
#ifndef CALENDAR_TOP_SERIES_H
#define CALENDAR_TOP_SERIES_H

#include "breakdown.h"

/**
 * Fill series and series_count from the counted events.
 * @param context  owns the list
 * @return 0 or -ENOMEM
 */
int kt_series_rank(TALLOC_CTX *context, struct kt_breakdown *breakdown);

#endif
