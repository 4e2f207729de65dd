/* SPDX-License-Identifier: BSD-2-Clause */
/* The server of identity.h, and how the calendar itself asks it about limits. */
#ifndef CALENDAR_IDENTITY_SERVER_H
#define CALENDAR_IDENTITY_SERVER_H

#include "service.h"

#include <kontor/plugin.h>

/** Start the server. @param service lives as long as the worker @return as kt_plugin_child */
int kt_identity_server_start(struct kt_plugin *plugin, struct kt_service *service);

/**
 * Ask whether a request may begin a sign-in now; it is counted if so.
 * @param address  whose mailbox gets a mail; NULL: nobody's
 * @return whether it may; otherwise the request has been answered
 * Parks.
 */
struct kt_request;
bool kt_sign_in_may_begin(struct kt_request *request, const char *address);

#endif
