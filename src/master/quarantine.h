/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which plugins are left out because they keep crashing workers, and for how long. Pure arithmetic
 * on times and names; knows no workers.
 *
 *   well → quarantined    (so many crashes, each within a period of the one before)
 *   quarantined → probation   (its back-off is over, or somebody released it)
 *   probation → quarantined   (one crash within a period; the back-off is twice as long)
 *   probation → well      (a period without a crash)
 */
#ifndef KT_QUARANTINE_H
#define KT_QUARANTINE_H

#include <kontor/error.h>
#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

/** Letters of a plugin's name that are kept, with a NUL; longer ones are never loaded. */
#define KT_SUSPECT_NAME_MAX 32
/** Room for the backtrace of a crash in words. */
#define KT_BACKTRACE_TEXT_MAX 1000

/** When a plugin is left out; from the settings. */
struct kt_quarantine_policy {
    uint32_t crashes;  /**< so many make it so; 0: never */
    int64_t period_ms; /**< each within this of the one before, and what ends a probation */
    int64_t time_ms, time_max_ms; /**< the first back-off, doubled up to the last */
};

/** The death of a worker that a plugin is at fault for. */
struct kt_plugin_crash {
    const char *plugin;
    const char *text;      /**< signal, process, plugin in words */
    const char *backtrace; /**< "crash.so+0x1a2b crash.so+…", "" when unknown */
    int64_t unix_ms;
    int64_t now_ms;      /**< monotonic */
    int64_t starting_ms; /**< how long the worker took to start: it could not crash sooner */
};

/** A plugin that has crashed a worker. */
struct kt_suspect {
    struct kt_suspect *next;
    char name[KT_SUSPECT_NAME_MAX];
    uint32_t crashes;       /**< of the present series */
    uint64_t crashes_total; /**< since the master or its configuration knows it */
    int64_t last_ms;        /**< the last crash or release, monotonic */
    int64_t time_ms;        /**< the last back-off, 0: none in the present series */
    int64_t until_ms;       /**< the end of its quarantine, monotonic; 0: not in quarantine */
    int64_t crash_unix_ms;
    char text[KT_ERROR_TEXT_MAX]; /**< of the last crash */
    char backtrace[KT_BACKTRACE_TEXT_MAX];
};

struct kt_quarantine {
    struct kt_suspect *suspects;
    uint32_t version; /**< changes with the set of those in quarantine */
};

/** @return owned by the context, NULL when out of memory */
struct kt_quarantine *kt_quarantine_new(TALLOC_CTX *context);

/**
 * A plugin has crashed a worker.
 * @param ret_is_new  set to whether it is in quarantine from now on
 * @return the plugin's record, NULL when out of memory
 */
const struct kt_suspect *kt_quarantine_crash(struct kt_quarantine *quarantine,
                                             const struct kt_quarantine_policy *policy,
                                             const struct kt_plugin_crash *crash, bool *ret_is_new);

/** Put one whose back-off is over on probation. @return it, NULL: there is none (any more) */
const struct kt_suspect *kt_quarantine_expire(struct kt_quarantine *quarantine, int64_t now_ms);

/** When kt_quarantine_expire has something to do; INT64_MAX: never. */
int64_t kt_quarantine_deadline(const struct kt_quarantine *quarantine);

/**
 * Put a plugin on probation before its time.
 * @param name  NULL: all of them
 * @return how many were in quarantine
 */
unsigned kt_quarantine_release(struct kt_quarantine *quarantine, const char *name, int64_t now_ms);

/** Forget plugins that are not in this list of names, separated by blanks. */
void kt_quarantine_forget_others(struct kt_quarantine *quarantine, const char *names);

/** The record of a plugin; NULL: it has never crashed. */
const struct kt_suspect *kt_quarantine_find(const struct kt_quarantine *quarantine,
                                            const char *name);

/** What has become of a plugin, in a word: "quarantined", "probation", "well". */
const char *kt_suspect_state(const struct kt_suspect *suspect,
                             const struct kt_quarantine_policy *policy, int64_t now_ms);

#endif
