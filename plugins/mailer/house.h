/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All sleepers of a worker. Each worker takes a slot, a key of the registry ("mailer/0" …); each
 * user belongs to one of the slots that are taken, by rendezvous hashing: when a slot comes or goes
 * only its share moves. A worker that is started in the place of a crashed one takes its slot, and
 * finds its sleepers in the store. Who runs is the business of the sleepers' supervisor; the house
 * says who shall.
 */
#ifndef MAILER_HOUSE_H
#define MAILER_HOUSE_H

#include "ledger.h"
#include "mailer.h"

#include <kontor/supervisor.h>

/** What a worker's house tells of itself. */
struct kt_house_counts {
    uint32_t slot;
    uint64_t sleepers;
    uint64_t sent, failed, skipped, tried_again; /**< mails since the start of the worker */
    int64_t started_ms; /**< how long the last reading of the store took; -1: not yet done */
};

struct kt_house;
struct kt_plugin;

/** @param plugin  under whose name the figures are published @return lives as long as the worker */
struct kt_house *kt_house_new(const struct kt_mailer *mailer, struct kt_plugin *plugin);

/**
 * The house's child specification. When it starts no sleeper may run: what it knew of them is gone,
 * and it starts them from the store.
 */
struct kt_child kt_house_child(struct kt_house *house);

/**
 * Tell all workers that the settings of a user have changed; the one whose user it is starts, wakes
 * or ends the sleeper. Parks.
 */
void kt_house_tell(const char *user);

/** Count a mail's fate, for kontorctl and the published figures. */
void kt_house_count(struct kt_house *house, enum kt_ledger_state state);

/** Does not park. */
void kt_house_counts(const struct kt_house *house, struct kt_house_counts *ret_counts);

/**
 * When the first of all sleepers wakes, ms since 1970; 0: there is none. Looks at each of them: not
 * to be asked often when there may be a million. Does not park.
 */
int64_t kt_house_next_wake(const struct kt_house *house);

/** The slot that a user belongs to, of those whose bit is set; UINT32_MAX: none is. Pure. */
uint32_t kt_house_slot(const char *user, uint64_t slots);

#endif
