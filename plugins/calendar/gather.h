/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several things at once, a process for each, and all results together. Each has a deadline in
 * common with the others; one that fails leaves the others alone.
 */
#ifndef CALENDAR_GATHER_H
#define CALENDAR_GATHER_H

#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

/** How many things one gathering does; each is a process with a stack. */
#define KT_GATHER_MAX 64u

/**
 * One of the things, in a process of its own.
 * @param shared  read by all at the same time, also by their work on the thread pool
 * @param result  zeroed; to be filled, and to own what it points to
 */
typedef void kt_gather_function(void *shared, uint32_t index, void *result);

/**
 * Do count things at once and wait for them.
 * @param context      owns the results
 * @param shared       a talloc root, which becomes theirs: it goes when nobody needs it any more
 * @param count        at most KT_GATHER_MAX
 * @param result_size  bytes of one result
 * @param deadline_ms  by kt_now_ms; what has no result by then is ended
 * @param ret_results  count pointers, NULL where there is no result: late, or failed
 * @return 0, -E2BIG, -EAGAIN (too many processes), -ENOMEM
 * Parks. When the caller ends meanwhile, so do they. Messages of others that come to the caller
 * meanwhile are dropped: it is for processes that have none, such as those of requests.
 */
int kt_gather(TALLOC_CTX *context, kt_gather_function *function, void *shared, uint32_t count,
              size_t result_size, int64_t deadline_ms, void **ret_results);

#endif
