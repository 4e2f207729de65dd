/* SPDX-License-Identifier: BSD-2-Clause */
/* What other plugins keep of a person: the weekly mail, reports of the person's own calendar. */
#ifndef CALENDAR_ELSEWHERE_H
#define CALENDAR_ELSEWHERE_H

/**
 * Have all plugins that are loaded forget a person.
 * @return NULL: they have; else what can't be reached now, for people: "the weekly mail"
 * Parks.
 */
const char *kt_elsewhere_forget(const char *user);

#endif
