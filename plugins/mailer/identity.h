/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose settings a request is about: the user whom the web server has authenticated; else whoever
 * has signed in at the calendar, which is asked; else nobody. The one place that knows it.
 */
#ifndef MAILER_IDENTITY_H
#define MAILER_IDENTITY_H

#include <kontor/request.h>

/**
 * Find out.
 * @param ret_user  NULL: nobody has signed in; owned by the request or the calling process
 * @return 0, or a negative errno: it can't be said now
 * Parks.
 */
int kt_identity_find(const struct kt_request *request, const char **ret_user);

#endif
