/* SPDX-License-Identifier: BSD-2-Clause */
/* A thread's connection with the file of the store. */
#ifndef KT_STORE_SQLITE_PLACE_H
#define KT_STORE_SQLITE_PLACE_H

#include "store/sqlite_thread.h"

/** Belongs to one thread. */
struct kt_sqlite_place {
    struct kt_sqlite_desk *desk;
    struct kt_sqlite_file *file; /**< NULL: none is open */
    int turn_fd;           /**< the lock for writing; -1: there is none, it may only be read */
    int checkpoint_frames; /**< in the log when they were last moved to the database */
};

/** Have a connection with the file that is there now, opening it if need be. @return 0 or a
 * negative errno, which the log has been told once */
int kt_sqlite_enter(struct kt_sqlite_place *place, int64_t deadline_ms);

/** Close it; the next kt_sqlite_enter opens it again. */
void kt_sqlite_leave(struct kt_sqlite_place *place);

/** Tell the log, but not again and again, what SQLite says of the file. @param text  its words */
void kt_sqlite_complain(struct kt_sqlite_desk *desk, int status, const char *text);

#endif
