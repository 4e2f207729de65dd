/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The source "an iCalendar file at an address" (https:, http:, webcal:). The address comes from a
 * person: it is a secret of theirs, and must not lead into the operator's own networks.
 */
#ifndef CALENDAR_ICS_URL_H
#define CALENDAR_ICS_URL_H

#include "accounts.h"
#include "service.h"

/**
 * The address as it is fetched: "webcal://" becomes "https://".
 * @return owned by context; NULL: it is no address that could be fetched
 */
char *kt_ics_url_normalise(TALLOC_CTX *context, const char *address);

/** The host of an address, for people. @return owned by context */
char *kt_ics_url_host(TALLOC_CTX *context, const char *address);

/**
 * The source "the file at an address".
 * @param account     whose it is; borrowed, as connection; both live as long as context, which owns
 *                    the source
 */
struct kt_source *kt_ics_url_new(TALLOC_CTX *context, const struct kt_service *service,
                                 const struct kt_account *account,
                                 const struct kt_connection *connection);

/**
 * Look whether there is a calendar at an address.
 * @param person  who wants to know
 * @return 0, or a negative errno and the error
 * Parks.
 */
int kt_ics_url_try(const struct kt_service *service, const char *person, const char *address,
                   int64_t deadline_ms, struct kt_source_error *error);

#endif
