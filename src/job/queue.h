/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose turn is it? Pure arithmetic: FIFO within a realm, fair between realms. A job's rank is how
 * many of its realm run or wait before it; the lowest rank is next, then who has waited longest. So
 * a realm that queues hundreds delays another's first job by no more than one turn.
 */
#ifndef KT_JOB_QUEUE_H
#define KT_JOB_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** One job that waits for its turn, or runs. */
struct kt_queue_place {
    const char *realm; /**< borrowed */
    int64_t queued_ms; /**< since when */
    uint64_t number;   /**< decides between two of the same moment */
    bool is_running;   /**< it runs: counted, and not given a turn */
    void *job;         /**< the caller's */
    uint32_t rank;     /**< set by kt_queue_order */
};

/**
 * Put jobs in the order of their turns: first those that run, then those that wait, the next first.
 * @return how many run
 */
size_t kt_queue_order(struct kt_queue_place *places, size_t count);

/**
 * Whether the index-th of an ordered queue may begin now.
 * @param running    how many run, those included that were just told to
 * @param jobs_max   how many may
 * @param realm_max  how many of one realm may
 */
bool kt_queue_may_run(const struct kt_queue_place *place, size_t running, uint32_t jobs_max,
                      uint32_t realm_max);

#endif
