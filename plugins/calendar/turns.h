/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Something there is only so much of, such as memory, shared fairly between people. One person has
 * at most a part of it at once; who wants more than there is waits, and people who wait have their
 * turns one after the other, however much each of them wants. Bounded: of one person only so many
 * wait, and nobody after their deadline. Of this worker; knows nothing of what it is shared for.
 */
#ifndef CALENDAR_TURNS_H
#define CALENDAR_TURNS_H

#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

struct kt_turns;
struct kt_turn;

/** How much there is. */
struct kt_turns_limits {
    size_t all;           /**< for all people together; SIZE_MAX: any amount */
    size_t each;          /**< for one person */
    uint32_t waiting_max; /**< of one person: so many may wait */
};

/**
 * @return owned by context, which has to outlive all turns; NULL without memory
 * Does not park.
 */
struct kt_turns *kt_turns_new(TALLOC_CTX *context, const struct kt_turns_limits *limits);

/**
 * Take some of it, or wait for that. It is given back by talloc_free, or with the context; so also
 * when the process ends, whether it has it or waits.
 * @param context      of the calling process; owns the turn
 * @param person       whose turn it is, any text; copied
 * @param amount       how much is wanted
 * @param deadline_ms  by kt_now_ms
 * @return 0; -EMSGSIZE: there is never so much for one person; -EBUSY: too many wait already;
 *         -ETIMEDOUT: it was not there in time
 * Parks if it has to wait. Messages of others that come meanwhile are dropped: it is for processes
 * that have none, such as those of requests.
 */
int kt_turns_take(TALLOC_CTX *context, struct kt_turns *turns, const char *person, size_t amount,
                  int64_t deadline_ms, struct kt_turn **ret_turn);

/** Give a part of it back. @param amount  what remains, at most what there is. Does not park. */
void kt_turn_shrink(struct kt_turn *turn, size_t amount);

#endif
