/* SPDX-License-Identifier: BSD-2-Clause */
/* The people part of the breakdown: who was in the meetings, ranked by hours. */
#ifndef CALENDAR_PEOPLE_H
#define CALENDAR_PEOPLE_H

#include "breakdown.h"

/**
 * Fill people and people_count from the counted events.
 * @param context  owns the list
 * @return 0 or -ENOMEM
 */
int kt_people_rank(TALLOC_CTX *context, struct kt_breakdown *breakdown);

#endif
