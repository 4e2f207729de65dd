/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What people and mail programs ask for, under /api/mailer:
 *
 *     GET, POST  settings      what the person has chosen; JSON
 *     GET        preview       the mail of this week, in the browser
 *     POST       send          send me one now
 *     GET, POST  verify        the link in the mail that asks whether an address is right
 *     GET, POST  unsubscribe   the link in each mail; the POST is RFC 8058's, without a login
 */
#ifndef MAILER_ROUTES_H
#define MAILER_ROUTES_H

#include "mailer.h"

#include <kontor/plugin.h>

/** Register them. @return as kt_plugin_route */
int kt_mailer_routes(struct kt_plugin *plugin, struct kt_mailer *mailer);

#endif
