/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The web server's connections as people want to see them: who is on the other side, what is in
 * work. As in slow.h, requests are shown by their route, never by path or query.
 */
#ifndef KT_CONNECTIONS_H
#define KT_CONNECTIONS_H

#include "fastcgi/engine.h"

#include <cjson/cJSON.h>

/** As kt_observe_connections. @param engine  NULL: there is none (any more) @return the caller's */
cJSON *kt_connections_list(const struct kt_engine *engine);

#endif
