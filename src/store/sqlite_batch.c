/* SPDX-License-Identifier: BSD-2-Clause */
/* Queues of operations, and what is taken from them. */
#include "store/sqlite_batch.h"

#include <errno.h>
#include <time.h>

/** A batch of more bytes than this takes no further ones. */
#define BYTES_MAX ((int64_t)8 << 20)
/** How long the rest of what a turn of the loop asks is waited for. A turn takes a millisecond
 * unless somebody computes in it; before its end nobody in this worker could take an answer. */
#define TURN_MS 10

/* ---------------------------------------------------------------- queues */

void kt_sqlite_queue_init(struct kt_sqlite_queue *queue)
{
    queue->first = NULL;
    queue->last = &queue->first;
}

void kt_sqlite_queue_append(struct kt_sqlite_queue *queue, struct kt_sqlite_operation *operation)
{
    operation->next = NULL;
    *queue->last = operation;
    queue->last = &operation->next;
}

struct kt_sqlite_operation *kt_sqlite_queue_take(struct kt_sqlite_queue *queue)
{
    struct kt_sqlite_operation *operation = queue->first;
    if (operation && !(queue->first = operation->next))
        queue->last = &queue->first;
    return operation;
}

bool kt_sqlite_is_awaited(const struct kt_sqlite_desk *desk, const struct kt_sqlite_queue *queue)
{
    return !queue->first && !atomic_load(&desk->is_closing);
}

size_t kt_sqlite_sort_out(struct kt_sqlite_operation **operations, size_t count,
                          int64_t *ret_deadline_ms)
{
    size_t left = 0;
    *ret_deadline_ms = 0;
    for (size_t i = 0; i < count; i++) {
        struct kt_sqlite_operation *operation = operations[i];
        operation->status = -ECANCELED;
        if (atomic_load(&operation->is_abandoned))
            continue;
        if (operation->deadline_ms > *ret_deadline_ms)
            *ret_deadline_ms = operation->deadline_ms;
        operations[i] = operations[left];
        operations[left++] = operation;
    }
    return left;
}

/* ---------------------------------------------------------------- a batch */

static bool has_room(const struct kt_sqlite_batch *batch)
{
    return batch->count < KT_SQLITE_BATCH_MAX && batch->bytes_left > 0;
}

/** Whether the turn in which they were asked may ask more of them; the desk is locked. */
static bool may_grow(const struct kt_sqlite_batch *batch)
{
    return has_room(batch) && batch->desk->is_asking && batch->desk->turns == batch->turn;
}

/** Take writes that wait, to the end of the batch; the desk is locked. @return how many */
static size_t take_some(struct kt_sqlite_batch *batch)
{
    struct kt_sqlite_queue *writes = &batch->desk->writes;
    size_t before = batch->count;
    while (writes->first && has_room(batch)) {
        struct kt_sqlite_operation *operation = kt_sqlite_queue_take(writes);
        batch->bytes_left -= (int64_t)operation->value_bytes;
        batch->operations[batch->count++] = operation;
    }
    return batch->count - before;
}

/** Wait for more of a turn that is not over; the desk is locked. */
static void await_more(struct kt_sqlite_desk *desk)
{
    struct timespec until;
    int status = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += TURN_MS * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    desk->is_writer_idle = true;
    while (desk->is_asking && kt_sqlite_is_awaited(desk, &desk->writes) && status != ETIMEDOUT)
        status = pthread_cond_timedwait(&desk->has_writes, &desk->lock, &until);
    desk->is_writer_idle = false;
}

/** Take what the turn has asked since, waiting for it if need be. @return how many */
static size_t take_rest(struct kt_sqlite_batch *batch)
{
    struct kt_sqlite_desk *desk = batch->desk;
    pthread_mutex_lock(&desk->lock);
    if (!desk->writes.first)
        await_more(desk);
    size_t taken = take_some(batch);
    batch->is_whole = taken == 0 || !may_grow(batch);
    pthread_mutex_unlock(&desk->lock);
    return taken;
}

/** As kt_sqlite_group's. */
static bool add_more(struct kt_sqlite_group *group)
{
    struct kt_sqlite_batch *batch = (struct kt_sqlite_batch *)group;
    struct kt_sqlite_operation **operations = batch->operations;
    size_t before = group->count;
    int64_t deadline_ms;
    while (!batch->is_whole && group->count == before) {
        size_t end = batch->count;
        size_t left = kt_sqlite_sort_out(operations + end, take_rest(batch), &deadline_ms);
        for (size_t i = end; i < end + left; i++) { /* before what nobody waits for */
            struct kt_sqlite_operation *operation = operations[i];
            operations[i] = operations[group->count];
            operations[group->count++] = operation;
        }
    }
    return group->count > before;
}

void kt_sqlite_batch_take(struct kt_sqlite_batch *batch, struct kt_sqlite_desk *desk)
{
    batch->group = (struct kt_sqlite_group){.operations = batch->operations, .add_more = add_more};
    batch->desk = desk;
    batch->count = 0;
    batch->bytes_left = BYTES_MAX;
    batch->group.count = take_some(batch);
    batch->turn = desk->turns;
    batch->is_whole = !may_grow(batch);
}
