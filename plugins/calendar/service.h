/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all handlers of the plugin share: the options as they are used. Made at the start, never
 * changed, lives as long as the worker.
 */
#ifndef CALENDAR_SERVICE_H
#define CALENDAR_SERVICE_H

#include "breakdown.h"
#include "fetches.h"
#include "google.h"
#include "ics.h"
#include "secrets.h"
#include "source.h"
#include "turns.h"

struct kt_service {
    struct kt_source *file;           /**< the calendar of the configuration; NULL: there is none */
    const struct kt_secrets *secrets; /**< NULL: nothing can be connected, there is no key */
    struct kt_fetches *fetches;       /**< by which other servers are asked */
    struct kt_turns *looks;           /**< at what people have connected: 1 each */
    struct kt_turns *uploads;         /**< looks of those who have not signed in: 1 each */
    struct kt_turns *texts;           /**< iCalendar texts that are read: 1 each */
    struct kt_google_options google;  /**< client_id NULL: Google can't be connected */
    const char *public_url; /**< where people find kontor, without a slash at its end; or NULL */
    bool sign_in_mail;      /**< people may sign in by a link that is sent to them */
    const char *const *sign_in_domains; /**< whose people may; see kt_domains_have */
    struct kt_ics_options ics;
    struct kt_series_limits limits;
    size_t file_size_max;
    int64_t timeout_ms;   /**< for all sources together */
    const char *timezone; /**< when the request names none */
    uint32_t week_start;  /**< 0 = Monday, 6 = Sunday */
    size_t events_listed_max, people_listed_max;
    struct kt_breakdown_options breakdown;
};

#endif
