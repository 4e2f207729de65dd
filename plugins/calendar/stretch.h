/* SPDX-License-Identifier: BSD-2-Clause */
/* Stretches of time: what they share, and their unions. Pure arithmetic on instants. */
#ifndef CALENDAR_STRETCH_H
#define CALENDAR_STRETCH_H

#include "breakdown.h"

/** The seconds, or days, that two stretches share. */
static inline int64_t kt_overlap(int64_t start, int64_t end, int64_t from, int64_t to)
{
    int64_t first = start > from ? start : from;
    int64_t last = end < to ? end : to;

    return last > first ? last - first : 0;
}

/** The index of the day in which an instant lies; of the first or last one if before or after. */
uint32_t kt_window_find(const struct kt_window *window, int64_t instant);

/** A list in order that grows at its end; no two of them overlap or touch. */
struct kt_stretches {
    struct kt_stretch *items; /**< room for as many as the caller will add */
    size_t count;
};

/** Add one that doesn't begin before the last one did; empty ones are left out. */
void kt_stretches_add(struct kt_stretches *stretches, int64_t start, int64_t end);

#endif
