/* SPDX-License-Identifier: BSD-2-Clause */
/* What an event counts as. One event at a time; knows no window. */
#ifndef CALENDAR_KIND_H
#define CALENDAR_KIND_H

#include "breakdown.h"

/** By the first rule that fits. */
enum kt_kind kt_kind_of(const struct kt_event *event);

/** The size of a meeting. */
enum kt_size kt_size_of(const struct kt_event *event, uint32_t large_over);

#endif
