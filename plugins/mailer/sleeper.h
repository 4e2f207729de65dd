/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A person's process: it sleeps without a stack until the mail is due, sends it, and sleeps again.
 * Whatever wakes it (the clock, a change of settings, a restart), it does the same: look what is
 * due now by the settings and the ledger, do that, compute the next time. Knows one person.
 */
#ifndef MAILER_SLEEPER_H
#define MAILER_SLEEPER_H

#include "mailer.h"
#include "settings.h"

#include <kontor/supervisor.h>

/**
 * What the house keeps of a sleeper; shared with its process, in the same worker. There may be a
 * million of them: with a name of up to twelve letters it takes 48 bytes.
 */
struct kt_sleeper {
    const struct kt_mailer *mailer;
    kt_pid pid;        /**< set by the process itself at each start; KT_PID_NONE before the first */
    int64_t wake_ms;   /**< when it will look again, ms since 1970 */
    uint8_t starts;    /**< of the process, up to 255; each crash adds one */
    uint8_t crashes;   /**< of its errands, up to 255 */
    bool is_awake : 1; /**< at the gate, or behind it */
    bool has_changed : 1; /**< the settings, since the errand began */
    char user[];
};

/**
 * The child specification of the supervisor of all sleepers of this worker. One that crashes is
 * started again at once and pauses before it looks, each time longer.
 */
struct kt_child kt_sleepers_child(const struct kt_mailer *mailer);

/** @return by malloc, or NULL */
struct kt_sleeper *kt_sleeper_new(const struct kt_mailer *mailer, const char *user);

/**
 * Start the process, under the supervisor; the sleeper must stay until kt_sleeper_stop, or until
 * the supervisor has ended.
 * @return as kt_supervisor_add_like. Parks.
 */
int kt_sleeper_start(struct kt_sleeper *sleeper);

/**
 * End the process of a sleeper that has started. An errand that has begun ends on its own.
 * @return 0: it may be freed; a negative errno: it can't be stopped now, and goes on. Parks.
 */
int kt_sleeper_stop(struct kt_sleeper *sleeper);

/** Tell a sleeper that the settings have changed: it looks at once, or as soon as it has started.
 */
void kt_sleeper_wake_up(struct kt_sleeper *sleeper);

/** When a sleeper of these settings has something to look at; ms since 1970. */
int64_t kt_sleeper_wake(const struct kt_mailer *mailer, const struct kt_settings *settings,
                        const struct kt_zone *zone, int64_t now_ms);

#endif
