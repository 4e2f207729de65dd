/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operations that write. Each looks first and changes then; since a transaction that writes is
 * alone, nothing comes between.
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
    bool is_there = false;
    int64_t revision = 0;
    int status = SQLITE_OK;
    if (operation->revision != KT_STORE_ANY)
        status = look(file, KT_SQLITE_GET_REVISION, operation, &is_there, &revision);
    if (status != SQLITE_OK)
        return status;
    /* a document that is not there has revision 0, which is KT_STORE_NEW */
    if (operation->revision != KT_STORE_ANY && (uint64_t)revision != operation->revision) {
        operation->status = -ESTALE;
        return SQLITE_OK;
    }
    revision = *number + 1;
    uint64_t sum =
        kt_sqlite_sum(operation->name_space, operation->name_space_bytes, operation->key,
                      operation->key_bytes, revision, operation->data, operation->value_bytes);
    status = prepare(file, KT_SQLITE_PUT, operation, &statement);
    if (status == SQLITE_OK)
        status = sqlite3_bind_int64(statement, 3, revision);
    if (status == SQLITE_OK)
        status = sqlite3_bind_int64(statement, 4, (int64_t)sum);
    if (status == SQLITE_OK)
        status = sqlite3_bind_blob(statement, 5, operation->data, (int)operation->value_bytes,
                                   SQLITE_STATIC);
    if (status == SQLITE_OK)
        status = change(statement);
    if (status == SQLITE_OK)
        operation->number = (uint64_t)(*number = revision);
    return status;
}

static int delete_document(struct kt_sqlite_file *file, struct kt_sqlite_operation *operation)
{
    sqlite3_stmt *statement;
    bool is_there;
    int64_t revision;
    int status = look(file, KT_SQLITE_GET_REVISION, operation, &is_there, &revision);
    if (status != SQLITE_OK)
        return status;
    if (!is_there)
        operation->status = -ENOENT;
    else if (operation->revision != KT_STORE_ANY && (uint64_t)revision != operation->revision)
        operation->status = -ESTALE;
    if (operation->status < 0)
        return SQLITE_OK;
    status = prepare(file, KT_SQLITE_DELETE, operation, &statement);
    return status == SQLITE_OK ? change(statement) : status;
}

/* ---------------------------------------------------------------- counters */

static int add(struct kt_sqlite_file *file, struct kt_sqlite_operation *operation)
{
    sqlite3_stmt *statement;
    bool is_there;
    int64_t value;
    int status = look(file, KT_SQLITE_COUNTER, operation, &is_there, &value);
    if (status != SQLITE_OK)
        return status;
    if (__builtin_add_overflow(value, operation->delta, &operation->value)) {
        operation->status = -ERANGE;
        return SQLITE_OK;
    }
    status = prepare(file, KT_SQLITE_COUNTER_SET, operation, &statement);
    if (status == SQLITE_OK)
        status = sqlite3_bind_int64(statement, 3, operation->value);
    return status == SQLITE_OK ? change(statement) : status;
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
    if (status == SQLITE_OK && sqlite3_changes(file->db) == 0)
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
