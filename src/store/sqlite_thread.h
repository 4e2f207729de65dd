/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The threads of a store in SQLite: one writes, a few read. Operations come to them through two
 * queues and go back through a third one. Whoever takes from a queue takes all that waits: so
 * writes that waited for one sync of the disk share the next.
 */
#ifndef KT_STORE_SQLITE_THREAD_H
#define KT_STORE_SQLITE_THREAD_H

#include "store/sqlite_operation.h"

#include <pthread.h>

/** Threads that read: one more than one, so that a long list doesn't hold up all others. */
#define KT_SQLITE_READERS 2u

struct kt_sqlite_queue {
    struct kt_sqlite_operation *first, **last;
};

/** Make it an empty one. */
void kt_sqlite_queue_init(struct kt_sqlite_queue *queue);

void kt_sqlite_queue_append(struct kt_sqlite_queue *queue, struct kt_sqlite_operation *operation);

/** What the loop and the threads share. */
struct kt_sqlite_desk {
    const char *path;
    pthread_mutex_t lock; /**< of what follows, down to is_closing */
    pthread_cond_t has_reads, has_writes;
    struct kt_sqlite_queue reads, writes, done;
    unsigned idle_readers;
    bool is_writer_idle;
    bool is_lost;       /**< it could not be opened; then: */
    int64_t retry_ms;   /**< not before this */
    int64_t pause_ms;   /**< the last pause */
    int lost_code;      /**< what callers get until then */
    uint64_t complaint; /**< a sum of the last one in the log, and when that was */
    int64_t complained_ms;
    atomic_bool is_closing;
    pthread_mutex_t open_lock; /**< of the following; connections are closed one after the other */
    dev_t open_device;         /**< which file was looked at and is open, ... */
    ino_t open_inode;
    unsigned open_count;          /**< ... by so many connections */
    void (*tell)(void *argument); /**< called when done is no longer empty, from a thread */
    void *argument;
    unsigned thread_count;
    pthread_t threads[KT_SQLITE_READERS + 1];
};

/** A desk without threads. @param path  borrowed */
void kt_sqlite_desk_init(struct kt_sqlite_desk *desk, const char *path,
                         void (*tell)(void *argument), void *argument);

/** Start the threads if they don't run. @return 0 or a negative errno */
int kt_sqlite_desk_start(struct kt_sqlite_desk *desk);

/** Hand an operation to the threads that read. */
void kt_sqlite_desk_put_read(struct kt_sqlite_desk *desk, struct kt_sqlite_operation *operation);

/** Hand operations to the thread that writes. @param writes  becomes empty */
void kt_sqlite_desk_put_writes(struct kt_sqlite_desk *desk, struct kt_sqlite_queue *writes);

/** Take all that are done. @return a list */
struct kt_sqlite_operation *kt_sqlite_desk_take(struct kt_sqlite_desk *desk);

/** End the threads; what they had taken is done. @return a list of all that is left, done or not */
struct kt_sqlite_operation *kt_sqlite_desk_close(struct kt_sqlite_desk *desk);

#endif
