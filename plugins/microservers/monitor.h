/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The monitor: looks at the table, has its rows counted down, begins anew. Each worker has one; the
 * one that has registered MONITOR_KEY works, and the others wait for its end. Where several
 * machines share a store, a lease in the store decides between them.
 */
#ifndef MICROSERVERS_MONITOR_H
#define MICROSERVERS_MONITOR_H

#include <kontor/server.h>

#define MONITOR_KEY "microservers/monitor"

/** What it can be asked, by kt_registry_call. Answers of the first two are a JSON text with its
 * NUL, those of the others an int: 0, or a negative errno. */
enum {
    MONITOR_STATUS = 1, /**< nothing to say; see docs/kontor-microservers.7 */
    MONITOR_HISTORY,    /**< an int64_t: after this time, ms since 1970 → an array of samples */
    MONITOR_START,      /**< a byte: 't' ticks together, 's' spread, '-' as before */
    MONITOR_STOP,
};

/** The longest a question may wait. */
#define MONITOR_TIMEOUT_MS 5000

/** Its argument is the struct microservers. */
extern const struct kt_server monitor_server;

#endif
