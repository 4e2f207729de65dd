/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Google's calendar API says: pages of events, of calendars, and errors, as text. Pure: knows
 * neither HTTP nor processes, and runs on any thread. Whatever the text is, it is bounded.
 */
#ifndef CALENDAR_GOOGLE_PAGE_H
#define CALENDAR_GOOGLE_PAGE_H

#include "blocks.h"
#include "event.h"
#include "text_pool.h"

/** The fields that are read; anything else needn't be sent. */
#define KT_GOOGLE_EVENT_FIELDS                                                                     \
    "nextPageToken,items(id,iCalUID,status,summary,start(date,dateTime),end(date,dateTime),"       \
    "endTimeUnspecified,recurringEventId,originalStartTime(date,dateTime),transparency,eventType," \
    "attendees(email,displayName,self,resource,responseStatus,additionalGuests),"                  \
    "attendeesOmitted,organizer(email,displayName,self))"
#define KT_GOOGLE_LIST_FIELDS                                                                      \
    "nextPageToken,items(id,summary,summaryOverride,primary,selected,hidden,deleted,accessRole)"

/** The longest page token and calendar id that are accepted, with a NUL. */
#define KT_GOOGLE_TOKEN_MAX 2048u
#define KT_GOOGLE_ID_MAX 512u
/** Attendees of one event that are read; more are counted, not named. */
#define KT_GOOGLE_ATTENDEES_MAX 1000u

/** The events of one calendar, page by page. */
struct kt_google_events {
    TALLOC_CTX *owner; /**< owns all below; used by one thread at a time */
    struct kt_text_pool *texts;
    struct kt_blocks details; /**< and the people in them */
    size_t events_max;
    struct kt_events events;
    size_t capacity;
    struct kt_warnings warnings;
    bool is_full;                        /**< more than events_max: the rest was left out */
    char next_page[KT_GOOGLE_TOKEN_MAX]; /**< "": that was the last page */
};

/** @param owner  owns the result and what it holds. @return NULL without memory */
struct kt_google_events *kt_google_events_new(TALLOC_CTX *owner, size_t events_max);

/**
 * Add the events of a page; what is cancelled, or has no readable time, is left out, the latter
 * with a warning.
 * @return 0, -EBADMSG (no such page; what was added before stays), -ENOMEM
 */
int kt_google_events_add(struct kt_google_events *events, const char *text, size_t size);

/** A calendar of a person. */
struct kt_google_calendar {
    const char *id, *name;
    bool is_primary;
    bool is_chosen; /**< its events count; the default: the primary one, and one's own that are
                       shown */
};

/** A person's calendars. */
struct kt_google_calendars {
    struct kt_google_calendar *items;
    uint32_t count;
    const char *next_page; /**< while it is read; NULL: that was the last page */
};

/**
 * Add the calendars of a page, those left out that are deleted or hidden.
 * @param context  owns items, texts and the next page's token
 * @param max      more are left out
 * @return 0, -EBADMSG, -ENOMEM
 */
int kt_google_calendars_add(TALLOC_CTX *context, struct kt_google_calendars *calendars,
                            uint32_t max, const char *text, size_t size);

/** Carry over what is chosen to a fresh list, for the calendars that both know. */
void kt_google_calendars_keep(struct kt_google_calendars *fresh,
                              const struct kt_google_calendars *known);

/** An error's first reason, "" when it has none. @return whether it is about limits of use */
bool kt_google_error_read(const char *text, size_t size, char *reason, size_t reason_size);

#endif
