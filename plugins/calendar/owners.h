/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * By which e-mail addresses a person is known in calendars that don't say whose they are: as the
 * user, as they have said, and by what else they have connected. Pure: knows no requests, no store.
 */
#ifndef CALENDAR_OWNERS_H
#define CALENDAR_OWNERS_H

#include "accounts.h"

struct cJSON;

/**
 * The addresses of whoever an account belongs to, as the owners of what a connection of theirs
 * brings: their user name if it is an address, those that they have entered, and those of the
 * connection itself. An iCalendar address has none, so it takes those of all other connections.
 * @param context     owns the list and its texts
 * @param connection  NULL: of a file that belongs to none, as an iCalendar address
 * @return lower case, each once, ended by NULL
 * Ends the calling process without memory.
 */
const char *const *kt_owners_of(TALLOC_CTX *context, const struct kt_account *account,
                                const struct kt_connection *connection);

/**
 * Read addresses that a person enters: a list of texts, at most KT_ADDRESSES_MAX. What is entered
 * twice counts once, empty texts don't.
 * @param context    owns the texts
 * @param ret_wrong  the text that is no address, borrowed from the list; NULL: it is no list of
 *                   texts
 * @return 0, -EINVAL (see ret_wrong), -E2BIG (too many)
 */
int kt_owners_read(TALLOC_CTX *context, const struct cJSON *list,
                   struct kt_addresses *ret_addresses, const char **ret_wrong);

#endif
