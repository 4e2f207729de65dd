/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Workers that accept from the same sockets, and how many connections each of them has, in memory
 * that they share. Whoever is ahead of another pauses before it accepts who comes, so that one who
 * has fewer gets them: a connection stays with the worker that has taken it. Nobody waits for
 * anybody: a worker that stands still costs the others no more than these pauses.
 */
#ifndef KT_BALANCE_H
#define KT_BALANCE_H

#include <kontor/error.h>
#include <stdbool.h>
#include <stdint.h>

/** Who has so many connections more than the one who has the fewest is ahead. */
#define KT_BALANCE_AHEAD 16u

struct kt_balance;

/**
 * Make one before the workers are forked; all places are empty.
 * @param count  of places, one for each worker
 * @return NULL: no memory
 */
KT_PUBLIC struct kt_balance *kt_balance_new(uint32_t count);

/** Free it in this OS process; the others keep it. NULL is nothing. */
KT_PUBLIC void kt_balance_free(struct kt_balance *balance);

/** Tell the others how many connections the worker in this place has. */
void kt_balance_tell(struct kt_balance *balance, uint32_t place, uint32_t connections);

/** The worker in this place takes no more, or is gone: nobody compares with it. */
KT_PUBLIC void kt_balance_leave(struct kt_balance *balance, uint32_t place);

/** Whether the worker in this place is ahead. Looks at all places: ask once for many accepts. */
bool kt_balance_is_ahead(const struct kt_balance *balance, uint32_t place);

#endif
