/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scripts that run within Redis: each is one change, all of it or nothing. And how things are
 * called there; everything of a namespace has its name in braces, so that a cluster keeps it
 * together: kontor:{NAMESPACE}:d:KEY   a document: "REVISION VALUE" kontor:{NAMESPACE}:i       the
 * keys of all documents, a sorted set kontor:{NAMESPACE}:r       the last revision
 *   kontor:{NAMESPACE}:c:KEY   a counter
 *   kontor:{NAMESPACE}:l:KEY   a lease: its token
 *   kontor:{NAMESPACE}:f       the last fence of leases
 *   kontor:schema              the version of all this
 */
#ifndef KT_STORE_REDIS_SCRIPT_H
#define KT_STORE_REDIS_SCRIPT_H

/** The version of what is above. A store with a higher one is refused. */
#define KT_REDIS_SCHEMA 1
#define KT_REDIS_SCHEMA_KEY "kontor:schema"

enum kt_redis_script {
    KT_REDIS_PUT,
    KT_REDIS_DELETE,
    KT_REDIS_SCAN,
    KT_REDIS_CLAIM,
    KT_REDIS_RENEW,
    KT_REDIS_RELEASE,
    KT_REDIS_SCRIPTS
};

/** What scripts answer in place of a revision, fence or 1. */
enum { KT_REDIS_STALE = -1, KT_REDIS_ABSENT = 0 };

/** The texts, by script. */
extern const char *const kt_redis_scripts[KT_REDIS_SCRIPTS] __attribute__((visibility("hidden")));

#endif
