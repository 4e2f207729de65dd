/* SPDX-License-Identifier: BSD-2-Clause */
/* Opened time zones, kept: a million sleepers live in a few hundred of them. One set per worker. */
#ifndef MAILER_ZONES_H
#define MAILER_ZONES_H

#include "calendar/zone.h"

/** @return the zone of this name, which lives as long as the worker; NULL: there is none */
const struct kt_zone *kt_zones_get(const char *name);

#endif
