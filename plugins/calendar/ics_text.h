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
 * @param text     stays untouched, and does not go before this returns or the calling process ends
 * @param owners   lower-case addresses, NULL-terminated, which live as long as text: whose calendar
 *                 it is, unless the text says that it is another one's
 * @return 0, or a negative errno and the error filled
 * Parks.
 */
int kt_ics_text_events(TALLOC_CTX *context, const struct kt_service *service, const char *text,
                       size_t size, const char *const *owners,
                       const struct kt_source_question *question,
                       struct kt_source_answer *ret_answer, struct kt_source_error *error);

/**
 * The events of many texts that are one calendar, and the owners'; see kt_ics_read_all.
 * @param texts  owned as text above, with what they point to
 */
int kt_ics_texts_events(TALLOC_CTX *context, const struct kt_service *service,
                        const struct kt_ics_text *texts, size_t count, const char *const *owners,
                        const struct kt_source_question *question,
                        struct kt_source_answer *ret_answer, struct kt_source_error *error);

/**
 * The source "this text".
 * @param context  owns it
 * @param text     borrowed; must live as long as the calling process, as owners
 * @param owners   who it is that looks, if the text names no other owner; as above
 */
struct kt_source *kt_ics_text_new(TALLOC_CTX *context, const struct kt_service *service,
                                  const char *text, size_t size, const char *const *owners);

#endif
