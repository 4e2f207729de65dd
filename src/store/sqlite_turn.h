/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose turn it is to write: a lock between OS processes that, unlike SQLite's own, nobody can take
 * again and again past others who wait. Its file stands beside that of the store.
 */
#ifndef KT_STORE_SQLITE_TURN_H
#define KT_STORE_SQLITE_TURN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/** What is behind the path of a store in that of its lock. */
#define KT_SQLITE_TURN_SUFFIX "-turn"

/** Milliseconds of the monotonic clock, from any thread. */
int64_t kt_sqlite_now_ms(void);

/** Open the lock of a store, which is made if needed. @return a descriptor or a negative errno */
int kt_sqlite_turn_open(const char *path);

/**
 * Wait for the turn. It goes with the descriptor at the latest.
 * @param is_closing  gives up when it becomes true
 * @return 0, -ETIMEDOUT, -ENOTCONN (closing), another negative errno
 */
int kt_sqlite_turn_take(int fd, int64_t deadline_ms, const atomic_bool *is_closing);

/** Let the next one. */
void kt_sqlite_turn_give(int fd);

#endif
