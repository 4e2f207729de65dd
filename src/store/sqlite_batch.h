/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a thread takes from a queue to do it at once. The writer's batch grows while the turn of the
 * loop that asks it goes on: it works on the first ones meanwhile, and commits when the turn is
 * over. Each commit is a sync of the disk; one for the first ones would keep the others waiting.
 */
#ifndef KT_STORE_SQLITE_BATCH_H
#define KT_STORE_SQLITE_BATCH_H

#include "store/sqlite_group.h"
#include "store/sqlite_thread.h"

/** What the writer commits at once: a transaction of more would take longer than its sync. */
#define KT_SQLITE_BATCH_MAX 1024u

/** The writer's. */
struct kt_sqlite_batch {
    struct kt_sqlite_group group; /**< those that somebody waits for; they come first */
    struct kt_sqlite_desk *desk;
    size_t count;       /**< of all */
    int64_t bytes_left; /**< until it is large enough */
    bool is_whole;      /**< nothing is added any more */
    unsigned turn;      /**< the loop's, in which they were asked */
    struct kt_sqlite_operation *operations[KT_SQLITE_BATCH_MAX];
};

/** Begin a batch with the writes that wait; the desk is locked. Its group adds those to itself that
 * the same turn of the loop asks later. */
void kt_sqlite_batch_take(struct kt_sqlite_batch *batch, struct kt_sqlite_desk *desk);

/**
 * Drop those that nobody waits for.
 * @param ret_deadline_ms  the last one's of the others, as kt_sqlite_now_ms
 * @return how many are left; they come first
 */
size_t kt_sqlite_sort_out(struct kt_sqlite_operation **operations, size_t count,
                          int64_t *ret_deadline_ms);

/** Whether a queue is empty, and may get something; the desk is locked. */
bool kt_sqlite_is_awaited(const struct kt_sqlite_desk *desk, const struct kt_sqlite_queue *queue);

#endif
