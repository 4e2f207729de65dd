/* SPDX-License-Identifier: BSD-2-Clause */
/* What workers ask about entries, and the answers; word of changes to those who subscribed. */
#ifndef KT_QUESTIONS_H
#define KT_QUESTIONS_H

#include "registry/registry_private.h"

/**
 * Answer a question about entries.
 * @param fd  came with it and becomes the callee's; -1: none; less: why it did not come
 * @return 0, or -EPROTO when it is none
 */
int kt_question_answer(struct kt_registry_process *registry, struct kt_connection_to_worker *worker,
                       const struct kt_frame *frame, int fd);

/** Tell workers of a change; the callback of the book. */
void kt_question_changed(enum kt_registry_event event, const struct kt_cell *cell, void *registry);

/** A worker that was not told of everything is told that, once it has read what waits. */
void kt_question_tell_lost(struct kt_connection_to_worker *worker);

#endif
