/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For other plugins, which compile this in: whom a request is from. The user whom the web server has
 * authenticated; else whoever has signed in at the calendar, which is asked; else nobody.
 */
#ifndef CALENDAR_IDENTITY_CLIENT_H
#define CALENDAR_IDENTITY_CLIENT_H

#include <kontor/request.h>

/**
 * Find out.
 * @param ret_user  NULL: nobody has signed in; owned by the request or the calling process
 * @return 0, or a negative errno: it can't be said now
 * Parks.
 */
int kt_identity_find(const struct kt_request *request, const char **ret_user);

#endif
