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

/** The last number that was given, within a transaction. */
struct numbers {
    bool is_known;
    int64_t before, last;
};

/** Do one, which may give out a number. @return SQLITE_OK or SQLite's status */
static int try_one(struct kt_sqlite_file *file, struct kt_sqlite_operation *operation,
                   struct numbers *numbers)
{
    bool numbered = operation->kind == KT_SQLITE_OP_PUT || operation->kind == KT_SQLITE_OP_CLAIM;
    if (numbered && !numbers->is_known) {
        int status = ask_number(file, &numbers->before);
        if (status != SQLITE_OK)
            return status;
        numbers->is_known = true;
        numbers->last = numbers->before;
    }
    return kt_sqlite_write(file, operation, &numbers->last);
}

/** One transaction. @return SQLITE_OK, or SQLite's status: then nothing of it was made, or, after
 * an error of the disk, nobody knows */
static int try_all(struct kt_sqlite_file *file, struct kt_sqlite_group *group)
{
    struct numbers numbers = {0};
    size_t done = 0;
    int status = kt_sqlite_run(file, KT_SQLITE_BEGIN_WRITE);
    if (status != SQLITE_OK)
        return status;
    do {
        while (done < group->count && status == SQLITE_OK)
            status = try_one(file, group->operations[done++], &numbers);
    } while (status == SQLITE_OK && group->add_more && group->add_more(group));
    if (status == SQLITE_OK && numbers.last != numbers.before)
        status = set_number(file, numbers.last);
    if (status == SQLITE_OK)
        status = kt_sqlite_run(file, KT_SQLITE_COMMIT);
    return status;
}

void kt_sqlite_commit(struct kt_sqlite_file *file, struct kt_sqlite_group *group,
                      struct kt_sqlite_outcome *outcome)
{
    int status = try_all(file, group);
    if (status == SQLITE_OK)
        return;
    struct kt_sqlite_operation **operations = group->operations;
    size_t count = group->count;
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
    struct kt_sqlite_group first = {.operations = operations, .count = count / 2};
    struct kt_sqlite_group second = {.operations = operations + count / 2,
                                     .count = count - count / 2};
    kt_sqlite_commit(file, &first, outcome);
    if (outcome->is_broken)
        set_all(second.operations, second.count, result);
    else
        kt_sqlite_commit(file, &second, outcome);
}
