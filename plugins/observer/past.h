/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The history of a worker outside of it: in a memory file of the registry, which stays when the
 * worker ends. Whoever finds one whose worker has ended adds it to its own, so that nothing of the
 * last hour is lost or counted twice, whether a worker crashes, is reloaded, or is one less.
 */
#ifndef OBSERVER_PAST_H
#define OBSERVER_PAST_H

#include "history.h"

/** The keys begin like this; behind it is the pid of the observer. */
#define PAST_PREFIX "observer-past/"

struct past;

/** @return owned by the context; NULL: no memory */
struct past *past_new(TALLOC_CTX *context, struct history *history);

/** Take over what workers have left that have ended, then write down all there is. Parks. */
void past_keep(struct past *past);

#endif
