/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iCalendar text that came from somewhere (an address, a server, a browser) to events: read and
 * expanded on the thread pool, then forgotten.
 */
#ifndef CALENDAR_ICS_TEXT_H
#define CALENDAR_ICS_TEXT_H

#include "service.h"

/**
 * The events of a text.
 * @param context  owns the events
 * @param text     owned by a talloc root of its own or below kt_work_tree; stays untouched and must
 *                 not go before this returns, whatever happens to the process
 * @param owners   lower-case addresses, NULL-terminated, which live as long as text; NULL: as the
 *                 text says
 * @return 0, or a negative errno and the error filled
 * Parks.
 */
int kt_ics_text_events(TALLOC_CTX *context, const struct kt_service *service, const char *text,
                       size_t size, const char *const *owners,
                       const struct kt_source_question *question,
                       struct kt_source_answer *ret_answer, struct kt_source_error *error);

/**
 * The source "this text".
 * @param context  owns it
 * @param text     borrowed; must live as long as the calling process
 */
struct kt_source *kt_ics_text_new(TALLOC_CTX *context, const struct kt_service *service,
                                  const char *text, size_t size);

#endif
