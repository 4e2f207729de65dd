/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From what a person has connected to sources that can be read. Tokens that change while they are
 * used, and calendars that come or go, are written back.
 */
#ifndef CALENDAR_CONNECTIONS_H
#define CALENDAR_CONNECTIONS_H

#include "accounts.h"
#include "service.h"
#include "sources.h"

/**
 * Add the sources of a person.
 * @param account  becomes the sources'
 * @return how many were added
 */
uint32_t kt_connections_open(const struct kt_service *service, struct kt_account *account,
                             struct kt_sources *sources);

/**
 * Whose calendars a request is about: as person.h says, or NULL. Owned by the request or the calling
 * process. Parks.
 */
struct kt_request;
const char *kt_connections_user(const struct kt_request *request);

#endif
