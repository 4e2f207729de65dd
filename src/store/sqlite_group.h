/* SPDX-License-Identifier: BSD-2-Clause */
/* Many operations that write in one transaction, which is one sync of the disk. */
#ifndef KT_STORE_SQLITE_GROUP_H
#define KT_STORE_SQLITE_GROUP_H

#include "store/sqlite_operation.h"

/** How a group went, for the connection. */
struct kt_sqlite_outcome {
    int status;     /**< SQLite's, of the last thing that failed; SQLITE_OK: nothing did */
    bool is_broken; /**< the connection should not be used any more */
    char text[KT_ERROR_TEXT_MAX]; /**< what SQLite said of it */
};

/**
 * Do them all; fills their answers. When 0 is one's status it is on the disk. One that fails does
 * not take the others along.
 */
void kt_sqlite_commit(struct kt_sqlite_file *file, struct kt_sqlite_operation **operations,
                      size_t count, struct kt_sqlite_outcome *outcome);

#endif
