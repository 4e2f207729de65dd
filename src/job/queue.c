/* SPDX-License-Identifier: BSD-2-Clause */
/* Ranks by one sort by realm, turns by another by rank. */
#include "job/queue.h"

#include <stdlib.h>
#include <string.h>

static int compare_age(const struct kt_queue_place *a, const struct kt_queue_place *b)
{
    if (a->queued_ms != b->queued_ms)
        return a->queued_ms < b->queued_ms ? -1 : 1;
    return a->number < b->number ? -1 : a->number > b->number;
}

/** By realm; within one those that run, then those that wait by age. */
static int compare_realm(const void *left, const void *right)
{
    const struct kt_queue_place *a = left, *b = right;
    int result = strcmp(a->realm, b->realm);
    if (result != 0)
        return result;
    return a->is_running != b->is_running ? (a->is_running ? -1 : 1) : compare_age(a, b);
}

static int compare_turn(const void *left, const void *right)
{
    const struct kt_queue_place *a = left, *b = right;
    if (a->is_running != b->is_running)
        return a->is_running ? -1 : 1;
    return a->rank != b->rank ? (a->rank < b->rank ? -1 : 1) : compare_age(a, b);
}

size_t kt_queue_order(struct kt_queue_place *places, size_t count)
{
    size_t running = 0;
    qsort(places, count, sizeof *places, compare_realm);
    for (size_t i = 0; i < count; i++) {
        bool is_same = i > 0 && strcmp(places[i].realm, places[i - 1].realm) == 0;
        places[i].rank = is_same ? places[i - 1].rank + 1 : 0;
        running += places[i].is_running;
    }
    qsort(places, count, sizeof *places, compare_turn);
    return running;
}

bool kt_queue_may_run(const struct kt_queue_place *place, size_t running, uint32_t jobs_max,
                      uint32_t realm_max)
{
    return !place->is_running && running < jobs_max && place->rank < realm_max;
}
