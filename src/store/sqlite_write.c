/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operations that write: each is one statement where that can look and change at once. Where it
 * can't, nothing comes between, since a transaction that writes is alone.
 */
#include "store/sqlite_operation.h"

#include <errno.h>
#include <time.h>

/** The time of leases: they are the same for all OS processes of this machine. */
static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/** Get a statement with the name bound. @return SQLITE_OK or SQLite's status */
static int prepare(struct kt_sqlite_file *file, enum kt_sqlite_statement number,
                   const struct kt_sqlite_operation *operation, sqlite3_stmt **ret_statement)
{
    int status = kt_sqlite_prepare(file, number, ret_statement);
    return status == SQLITE_OK ? kt_sqlite_bind_name(*ret_statement, operation) : status;
}

/** Run a statement that changes something. @return SQLITE_OK or SQLite's status */
static int change(sqlite3_stmt *statement)
{
    int status = kt_sqlite_step(statement);
    sqlite3_reset(statement);
    return status == SQLITE_DONE ? SQLITE_OK : status;
}

/** Whether the last statement has changed anything. */
static bool has_changed(const struct kt_sqlite_file *file)
{
    return sqlite3_changes(file->db) > 0;
}

/** Ask for the one number there is under the name. @return SQLITE_OK or SQLite's status */
static int look(struct kt_sqlite_file *file, enum kt_sqlite_statement number,
                const struct kt_sqlite_operation *operation, bool *ret_is_there, int64_t *ret_value)
{
    sqlite3_stmt *statement;
    int status = prepare(file, number, operation, &statement);
    if (status != SQLITE_OK)
        return status;
    status = kt_sqlite_step(statement);
    *ret_is_there = status == SQLITE_ROW;
    *ret_value = status == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return status == SQLITE_ROW || status == SQLITE_DONE ? SQLITE_OK : status;
}

/* ---------------------------------------------------------------- documents */

static int put_document(struct kt_sqlite_file *file, struct kt_sqlite_operation *operation,
                        int64_t *number)
{
    sqlite3_stmt *statement;
    bool is_any = operation->revision == KT_STORE_ANY;
    bool is_new = operation->revision == KT_STORE_NEW;
    int64_t revision = *number + 1;
    uint64_t sum = kt_sqlite_sum(operation->name_space, operation->name_space_bytes, operation->key,
                                 operation->key_bytes, revision, operation->value_to_put,
                                 operation->value_bytes);
    int status = prepare(file,
                         is_any   ? KT_SQLITE_PUT
                         : is_new ? KT_SQLITE_PUT_NEW
                                  : KT_SQLITE_PUT_AFTER,
                         operation, &statement);
    if (status == SQLITE_OK)
        status = sqlite3_bind_int64(statement, 3, revision);
    if (status == SQLITE_OK)
        status = sqlite3_bind_int64(statement, 4, (int64_t)sum);
    if (status == SQLITE_OK)
        status = sqlite3_bind_blob(statement, 5, operation->value_to_put,
                                   (int)operation->value_bytes, SQLITE_STATIC);
    if (status == SQLITE_OK && !is_any && !is_new)
        status = sqlite3_bind_int64(statement, 6, (int64_t)operation->revision);
    if (status == SQLITE_OK)
        status = change(statement);
    if (status != SQLITE_OK)
        return status;
    if (has_changed(file))
        operation->number = (uint64_t)(*number = revision);
    else
        operation->status = -ESTALE;
    return SQLITE_OK;
}

static int delete_document(struct kt_sqlite_file *file, struct kt_sqlite_operation *operation)
{
    sqlite3_stmt *statement;
    bool is_there = false, is_any = operation->revision == KT_STORE_ANY;
    int64_t revision;
    int status =
        prepare(file, is_any ? KT_SQLITE_DELETE : KT_SQLITE_DELETE_AFTER, operation, &statement);
    if (status == SQLITE_OK && !is_any)
        status = sqlite3_bind_int64(statement, 3, (int64_t)operation->revision);
    if (status == SQLITE_OK)
        status = change(statement);
    if (status != SQLITE_OK || has_changed(file))
        return status;
    if (!is_any)
        status = look(file, KT_SQLITE_GET_REVISION, operation, &is_there, &revision);
    operation->status = is_there ? -ESTALE : -ENOENT;
    return status;
}

/* ---------------------------------------------------------------- counters */

/** Make a counter that is not there. */
static int make_counter(struct kt_sqlite_file *file, struct kt_sqlite_operation *operation)
{
    sqlite3_stmt *statement;
    int status = prepare(file, KT_SQLITE_COUNTER_NEW, operation, &statement);
    if (status == SQLITE_OK)
        status = sqlite3_bind_int64(statement, 3, operation->delta);
    if (status == SQLITE_OK)
        status = change(statement);
    operation->value = operation->delta;
    return status;
}

static int add(struct kt_sqlite_file *file, struct kt_sqlite_operation *operation)
{
    sqlite3_stmt *statement;
    struct kt_sqlite_sum sum = {.delta = operation->delta};
    int status = prepare(file, KT_SQLITE_COUNTER_ADD, operation, &statement);
    if (status == SQLITE_OK)
        status = sqlite3_bind_pointer(statement, 3, &sum, KT_SQLITE_SUM, NULL);
    if (status == SQLITE_OK)
        status = change(statement);
    if (status == SQLITE_TOOBIG && sum.is_over) {
        operation->status = -ERANGE;
        return SQLITE_OK;
    }
    if (status == SQLITE_OK && !has_changed(file))
        return make_counter(file, operation);
    operation->value = sum.value;
    return status;
}

/* ---------------------------------------------------------------- leases */

/** Forget some leases that are long over. @return SQLITE_OK or SQLite's status */
static int purge(struct kt_sqlite_file *file, int64_t now)
{
    sqlite3_stmt *statement;
    int status = kt_sqlite_prepare(file, KT_SQLITE_LEASES_PURGE, &statement);
    if (status == SQLITE_OK)
        status = sqlite3_bind_int64(statement, 1, now);
    return status == SQLITE_OK ? change(statement) : status;
}

static int claim(struct kt_sqlite_file *file, struct kt_sqlite_operation *operation,
                 int64_t *number)
{
    sqlite3_stmt *statement;
    bool is_there;
    int64_t until, now = now_ms();
    int status = look(file, KT_SQLITE_LEASE, operation, &is_there, &until);
    if (status != SQLITE_OK)
        return status;
    if (is_there && until > now) {
        operation->status = -EEXIST;
        return SQLITE_OK;
    }
    status = purge(file, now);
    if (status == SQLITE_OK)
        status = prepare(file, KT_SQLITE_LEASE_SET, operation, &statement);
    if (status == SQLITE_OK)
        status = sqlite3_bind_text(statement, 3, operation->token, -1, SQLITE_STATIC);
    if (status == SQLITE_OK)
        status = sqlite3_bind_int64(statement, 4, *number + 1);
    if (status == SQLITE_OK)
        status = sqlite3_bind_int64(statement, 5, now + operation->ttl_ms);
    if (status == SQLITE_OK)
        status = change(statement);
    if (status == SQLITE_OK)
        operation->number = (uint64_t)++ * number;
    return status;
}

/** Renew or release a lease that is still held. */
static int change_lease(struct kt_sqlite_file *file, struct kt_sqlite_operation *operation)
{
    sqlite3_stmt *statement;
    int64_t now = now_ms();
    bool renews = operation->kind == KT_SQLITE_OP_RENEW;
    int status = prepare(file, renews ? KT_SQLITE_LEASE_RENEW : KT_SQLITE_LEASE_DELETE, operation,
                         &statement);
    if (status == SQLITE_OK)
        status = sqlite3_bind_text(statement, 3, operation->token, -1, SQLITE_STATIC);
    if (status == SQLITE_OK)
        status = sqlite3_bind_int64(statement, 4, now);
    if (status == SQLITE_OK && renews)
        status = sqlite3_bind_int64(statement, 5, now + operation->ttl_ms);
    if (status == SQLITE_OK)
        status = change(statement);
    if (status == SQLITE_OK && !has_changed(file))
        operation->status = -ESTALE;
    return status;
}

int kt_sqlite_write(struct kt_sqlite_file *file, struct kt_sqlite_operation *operation,
                    int64_t *number)
{
    operation->status = 0;
    switch (operation->kind) {
    case KT_SQLITE_OP_PUT:
        return put_document(file, operation, number);
    case KT_SQLITE_OP_DELETE:
        return delete_document(file, operation);
    case KT_SQLITE_OP_ADD:
        return add(file, operation);
    case KT_SQLITE_OP_CLAIM:
        return claim(file, operation, number);
    case KT_SQLITE_OP_RENEW:
    case KT_SQLITE_OP_RELEASE:
    default:
        return change_lease(file, operation);
    }
}
