/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Group commit. A group that fails is rolled back whole and done again in two halves, down to the
 * one that is at fault: so nobody shares the failure of another. Only an error of the disk is taken
 * for all at once, since nobody knows what is written after it.
 */
#include "store/sqlite_group.h"

#include <errno.h>
#include <stdio.h>

static void set_all(struct kt_sqlite_operation **operations, size_t count, int status)
{
    for (size_t i = 0; i < count; i++)
        operations[i]->status = status;
}

/** Whether another try of fewer can end otherwise. */
static bool is_divisible(int status)
{
    switch (status & 0xff) {
    case SQLITE_IOERR:
        return status == SQLITE_IOERR_DATA; /* one page is damaged: not all need it */
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_NOTADB:
        return false;
    default:
        return true;
    }
}

static int ask_number(struct kt_sqlite_file *file, int64_t *ret_number)
{
    sqlite3_stmt *statement;
    int status = kt_sqlite_prepare(file, KT_SQLITE_REVISION, &statement);
    if (status != SQLITE_OK)
        return status;
    status = kt_sqlite_step(statement);
    *ret_number = status == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    /* without it, revisions would be given twice */
    return status == SQLITE_ROW ? SQLITE_OK : status == SQLITE_DONE ? SQLITE_CORRUPT : status;
}

static int set_number(struct kt_sqlite_file *file, int64_t number)
{
    sqlite3_stmt *statement;
    int status = kt_sqlite_prepare(file, KT_SQLITE_REVISION_SET, &statement);
    if (status == SQLITE_OK)
        status = sqlite3_bind_int64(statement, 1, number);
    if (status != SQLITE_OK)
        return status;
    status = kt_sqlite_step(statement);
    sqlite3_reset(statement);
    return status == SQLITE_DONE ? SQLITE_OK : status;
}

/** Whether any of them gives out a number. */
static bool needs_number(struct kt_sqlite_operation *const *operations, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (operations[i]->kind == KT_SQLITE_OP_PUT || operations[i]->kind == KT_SQLITE_OP_CLAIM)
            return true;
    return false;
}

/** One transaction. @return SQLITE_OK, or SQLite's status: then nothing of it was made, or, after
 * an error of the disk, nobody knows */
static int try_all(struct kt_sqlite_file *file, struct kt_sqlite_operation **operations,
                   size_t count)
{
    int64_t number = 0, before = 0;
    int status = kt_sqlite_run(file, KT_SQLITE_BEGIN_WRITE);
    if (status != SQLITE_OK)
        return status;
    if (needs_number(operations, count))
        status = ask_number(file, &number);
    before = number;
    for (size_t i = 0; i < count && status == SQLITE_OK; i++)
        status = kt_sqlite_write(file, operations[i], &number);
    if (status == SQLITE_OK && number != before)
        status = set_number(file, number);
    if (status == SQLITE_OK)
        status = kt_sqlite_run(file, KT_SQLITE_COMMIT);
    return status;
}

void kt_sqlite_commit(struct kt_sqlite_file *file, struct kt_sqlite_operation **operations,
                      size_t count, struct kt_sqlite_outcome *outcome)
{
    int status = try_all(file, operations, count);
    if (status == SQLITE_OK)
        return;
    int result = kt_sqlite_errno(file, status);
    outcome->status = status;
    snprintf(outcome->text, sizeof outcome->text, "%s",
             status == SQLITE_CORRUPT ? sqlite3_errstr(status) : sqlite3_errmsg(file->db));
    if (!sqlite3_get_autocommit(file->db) && kt_sqlite_run(file, KT_SQLITE_ROLLBACK) != SQLITE_OK)
        outcome->is_broken = true;
    if (count == 1 || !is_divisible(status) || outcome->is_broken) {
        set_all(operations, count, result);
        if (!is_divisible(status) && (status & 0xff) != SQLITE_BUSY)
            outcome->is_broken = true;
        return;
    }
    kt_sqlite_commit(file, operations, count / 2, outcome);
    if (outcome->is_broken)
        set_all(operations + count / 2, count - count / 2, result);
    else
        kt_sqlite_commit(file, operations + count / 2, count - count / 2, outcome);
}
