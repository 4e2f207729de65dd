/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last requests that took long, with where their time went. Decided when a request is over, so
 * the others pay nothing for it. A fixed ring. Paths and queries are not kept, for they can hold
 * what is nobody's business; the route is.
 */
#ifndef KT_SLOW_H
#define KT_SLOW_H

#include <cjson/cJSON.h>
#include <kontor/request.h>
#include <stdint.h>

/** Requests that are kept. */
#define KT_SLOW_MAX 64u

/** Note a request that is over. One that has asked for an endless deadline is long on purpose. */
void kt_slow_note(const struct kt_request *request, uint64_t took_ns);

/** How many there were since the worker's start. */
KT_PUBLIC uint64_t kt_slow_total(void);

/** As kt_observe_slow. @return the caller's */
KT_PUBLIC cJSON *kt_slow_list(void);

#endif
