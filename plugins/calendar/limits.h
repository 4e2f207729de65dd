/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How often sign-in may begin: for one address (whose mailbox would be filled), from one client,
 * and altogether (whose mail server would be blamed). Bounded memory: as many entries as
 * altogether may begin until the first of them no longer matters. Pure but for its key by chance.
 */
#ifndef CALENDAR_LIMITS_H
#define CALENDAR_LIMITS_H

#include <stdint.h>
#include <talloc.h>

struct kt_limits;

/** @return owned by context; NULL without memory */
struct kt_limits *kt_limits_new(TALLOC_CTX *context);

/**
 * Ask whether sign-in may begin now; it is counted if so.
 * @param client   who asks: an IP address (of IPv6 the network, /64), or any other text
 * @param address  whose mailbox gets a mail; NULL: nobody's
 * @param now_ms   of any clock that never goes back
 * @return 0: it may; else in how many milliseconds to ask again
 */
int64_t kt_limits_begin(struct kt_limits *limits, const char *client, const char *address,
                        int64_t now_ms);

#endif
