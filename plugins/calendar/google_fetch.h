/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All pages of a list at Google: the calendars of a person, the events of one calendar. With a
 * token that is taken as it is; knows no accounts.
 */
#ifndef CALENDAR_GOOGLE_FETCH_H
#define CALENDAR_GOOGLE_FETCH_H

#include "google_api.h"
#include "google_page.h"

/** Calendars of one account that are looked at; more are left out. */
#define KT_GOOGLE_CALENDARS_MAX 50u

/** What is asked, of each calendar alike; borrowed for the calls. */
struct kt_google_query {
    const struct kt_google_options *options;
    const char *person;    /**< for whom; NULL: not known yet */
    const char *token;     /**< the access token */
    const char *zone_name; /**< in which days are days */
    int64_t start, end;    /**< instants */
    int64_t deadline_ms;   /**< by kt_now_ms */
};

/**
 * Read the list of calendars, in the order in which Google has it.
 * @param context  owns items and texts
 * @return 0; -EKEYEXPIRED: the token is no longer good; another negative errno and the error filled
 * Parks, as the other one.
 */
int kt_google_fetch_list(TALLOC_CTX *context, const struct kt_google_query *query,
                         struct kt_google_calendars *ret_calendars, struct kt_source_error *error);

/**
 * Read the events of a calendar.
 * @param context     owns the events
 * @param ret_events  with its warnings
 * @return as kt_google_fetch_list
 */
int kt_google_fetch_events(TALLOC_CTX *context, const struct kt_google_query *query, const char *id,
                           struct kt_google_events **ret_events, struct kt_source_error *error);

#endif
