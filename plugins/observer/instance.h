/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The observer of one worker: answers what others want to know of it, and remembers the last hour.
 * Registered as "observer/<pid>" in the registry, so that any worker can ask all.
 */
#ifndef OBSERVER_INSTANCE_H
#define OBSERVER_INSTANCE_H

#include <kontor/server.h>

/** The keys of all instances begin like this. */
#define INSTANCE_PREFIX "observer/"

/** Questions; each is a JSON text with its NUL, as is the answer. */
enum {
    INSTANCE_WORKER =
        1, /**< nothing to say → as kt_observe_worker, with "cpu_ms", "memory_bytes" */
    INSTANCE_PROCESSES,   /**< see processes.h */
    INSTANCE_KILL,        /**< {"pid": hex} → {"killed": bool, "is_self": bool: the
                               process is the observer that is asked, "label"} */
    INSTANCE_HISTORY,     /**< {"after_ms"} → {"samples"}, oldest first; see history.h */
    INSTANCE_SLOW,        /**< nothing to say → {"worker", "requests"}, as kt_observe_slow */
    INSTANCE_CONNECTIONS, /**< nothing to say → as kt_observe_connections, with "worker" */
    INSTANCE_MAILER,      /**< nothing to say → {"worker", "now_ms", "mailer"}, the latter as
                               the plugin tells `kontorctl mailer`; none unless that is loaded */
};

/** What is registered with the key: who it is, should it not answer. */
#define INSTANCE_VALUE "{\"worker\":%.0f,\"generation\":%.0f,\"pid\":%.0f}"

/** The longest a question may wait. */
#define INSTANCE_TIMEOUT_MS 2000

extern const struct kt_server instance_server;

#endif
