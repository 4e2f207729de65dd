/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One call of the store on its way from the loop to a thread and back, and what it does with the
 * file. The loop makes it and frees it; between, it is the thread's that took it from the queue.
 */
#ifndef KT_STORE_SQLITE_OPERATION_H
#define KT_STORE_SQLITE_OPERATION_H

#include "process/runtime.h"
#include "store/backend.h"
#include "store/sqlite_file.h"

enum kt_sqlite_kind {
    KT_SQLITE_OP_GET,
    KT_SQLITE_OP_SCAN,
    KT_SQLITE_OP_NEXT_SPACE,
    KT_SQLITE_OP_NEXT_COUNTER,
    KT_SQLITE_OP_CHECK,
    KT_SQLITE_OP_COUNTER, /**< read one; the last that reads */
    KT_SQLITE_OP_PUT,
    KT_SQLITE_OP_DELETE,
    KT_SQLITE_OP_ADD,
    KT_SQLITE_OP_CLAIM,
    KT_SQLITE_OP_RENEW,
    KT_SQLITE_OP_RELEASE,
};

struct kt_sqlite_operation {
    struct kt_sqlite_operation *next;
    enum kt_sqlite_kind kind;
    atomic_bool is_abandoned; /**< nobody waits for it any more: not to be begun */
    struct kt_ticket ticket;  /**< who waits */
    bool *ret_is_gone; /**< told when it is freed under who waits: woken by something else, that has
                            not run yet. NULL when abandoned; loop only */
    int64_t deadline_ms;
    /* what is asked; the texts and the value follow the operation, as long as they are */
    const char *name_space, *key, *after; /**< after: NULL, or of a scan */
    const void *value_to_put;
    size_t name_space_bytes, key_bytes, after_bytes, value_bytes;
    uint64_t revision;
    uint32_t limit;
    int64_t delta, ttl_ms;
    char token[33];
    /* the answer */
    int status;
    void *memory;    /**< talloc, without a parent: a document, page or entry */
    uint64_t number; /**< the new revision, the fence */
    int64_t value;   /**< of the counter */
    char asked[];
};

static inline bool kt_sqlite_is_read(enum kt_sqlite_kind kind)
{
    return kind <= KT_SQLITE_OP_COUNTER;
}

/**
 * Do one that reads; fills the answer.
 * @return SQLITE_OK, also when it found nothing, or SQLite's status; SQLITE_CORRUPT also when the
 *         sum of a document is wrong
 */
int kt_sqlite_read(struct kt_sqlite_file *file, struct kt_sqlite_operation *operation);

/**
 * Do one that writes, within a transaction; fills the answer.
 * @param number  the last that was given; goes up when a new one is
 * @return as kt_sqlite_read; after a failure the transaction must be rolled back
 */
int kt_sqlite_write(struct kt_sqlite_file *file, struct kt_sqlite_operation *operation,
                    int64_t *number);

/** The sum over a document. */
uint64_t kt_sqlite_sum(const char *name_space, size_t name_space_bytes, const char *key,
                       size_t key_bytes, int64_t revision, const void *value, size_t value_bytes);

/** Bind namespace and key to the first two parameters. @return SQLITE_OK or SQLite's status */
int kt_sqlite_bind_name(sqlite3_stmt *statement, const struct kt_sqlite_operation *operation);

/** Step to the only row of a statement that is bound. @return SQLITE_ROW, SQLITE_DONE, or SQLite's
 * status */
int kt_sqlite_step(sqlite3_stmt *statement);

#endif
