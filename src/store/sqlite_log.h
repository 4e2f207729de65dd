/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether the log of a store (its file "-wal") is whole. SQLite takes damage in it for its end, as
 * after a power failure, and forgets what was committed behind that without a word.
 */
#ifndef KT_STORE_SQLITE_LOG_H
#define KT_STORE_SQLITE_LOG_H

#include <kontor/error.h>

/**
 * Look at the log before SQLite does. The caller has the turn, so nobody writes.
 * @param path  of the store
 * @return 0 (also when there is none), -EIO with the words: transactions would be forgotten that
 *         were acknowledged; -ENOMEM. Damage in the very last transaction can't be told from a
 *         power failure, and is 0.
 */
int kt_sqlite_log_check(const char *path, struct kt_error *error);

#endif
