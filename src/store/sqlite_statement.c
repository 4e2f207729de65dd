/* SPDX-License-Identifier: BSD-2-Clause */
/* The statements of a connection: their SQL, and that each is prepared once. */
#include "store/sqlite_file.h"

#include <stddef.h>

static const char *const statements[KT_SQLITE_STATEMENTS] = {
    [KT_SQLITE_BEGIN_READ] = "BEGIN",
    [KT_SQLITE_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [KT_SQLITE_COMMIT] = "COMMIT",
    [KT_SQLITE_ROLLBACK] = "ROLLBACK",
    [KT_SQLITE_GET] = "SELECT revision, sum, value FROM documents WHERE name_space = ? AND key = ?",
    [KT_SQLITE_GET_REVISION] = "SELECT revision FROM documents WHERE name_space = ? AND key = ?",
    [KT_SQLITE_PUT] =
        "INSERT INTO documents (name_space, key, revision, sum, value) VALUES (?1, ?2, ?3, ?4, ?5)"
        " ON CONFLICT DO UPDATE SET revision = ?3, sum = ?4, value = ?5",
    [KT_SQLITE_PUT_NEW] =
        "INSERT INTO documents (name_space, key, revision, sum, value) VALUES (?1, ?2, ?3, ?4, ?5)"
        " ON CONFLICT DO NOTHING",
    [KT_SQLITE_PUT_AFTER] = "UPDATE documents SET revision = ?3, sum = ?4, value = ?5"
                            " WHERE name_space = ?1 AND key = ?2 AND revision = ?6",
    [KT_SQLITE_DELETE] = "DELETE FROM documents WHERE name_space = ? AND key = ?",
    [KT_SQLITE_DELETE_AFTER] =
        "DELETE FROM documents WHERE name_space = ? AND key = ? AND revision = ?",
    [KT_SQLITE_SCAN_FROM] =
        "SELECT key, revision, sum, value FROM documents WHERE name_space = ?1 AND key >= ?2"
        " AND key < ?3 ORDER BY key LIMIT ?4",
    [KT_SQLITE_SCAN_AFTER] =
        "SELECT key, revision, sum, value FROM documents WHERE name_space = ?1 AND key > ?2"
        " AND key < ?3 ORDER BY key LIMIT ?4",
    [KT_SQLITE_NEXT_SPACE] = "SELECT name_space FROM documents WHERE name_space > ?1"
                             " ORDER BY name_space LIMIT 1",
    [KT_SQLITE_NEXT_COUNTER] =
        "SELECT name_space, key, value FROM counters WHERE (name_space, key) > (?1, ?2)"
        " ORDER BY name_space, key LIMIT 1",
    [KT_SQLITE_CHECK] = "PRAGMA integrity_check(1)",
    [KT_SQLITE_COUNTER] = "SELECT value FROM counters WHERE name_space = ? AND key = ?",
    [KT_SQLITE_COUNTER_NEW] = "INSERT INTO counters (name_space, key, value) VALUES (?, ?, ?)",
    /* one search in place of two, for it and for UPDATE … RETURNING, which fills a table */
    [KT_SQLITE_COUNTER_ADD] =
        "UPDATE counters SET value = kontor_add(value, ?3) WHERE name_space = ?1 AND key = ?2",
    [KT_SQLITE_LEASE] = "SELECT until_ms FROM leases WHERE name_space = ? AND key = ?",
    [KT_SQLITE_LEASE_SET] =
        "INSERT INTO leases (name_space, key, token, fence, until_ms) VALUES (?1, ?2, ?3, ?4, ?5)"
        " ON CONFLICT DO UPDATE SET token = ?3, fence = ?4, until_ms = ?5",
    [KT_SQLITE_LEASE_RENEW] = "UPDATE leases SET until_ms = ?5 WHERE name_space = ?1 AND key = ?2"
                              " AND token = ?3 AND until_ms > ?4",
    [KT_SQLITE_LEASE_DELETE] = "DELETE FROM leases WHERE name_space = ?1 AND key = ?2"
                               " AND token = ?3 AND until_ms > ?4",
    /* each claim takes a few of those along that nobody released */
    [KT_SQLITE_LEASES_PURGE] =
        "DELETE FROM leases WHERE (name_space, key) IN"
        " (SELECT name_space, key FROM leases WHERE until_ms < ? ORDER BY until_ms LIMIT 4)",
    [KT_SQLITE_REVISION] = "SELECT value FROM numbers WHERE name = 'revision'",
    [KT_SQLITE_REVISION_SET] = "UPDATE numbers SET value = ? WHERE name = 'revision'",
};

/** kontor_add(value, sum) */
static void add(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct kt_sqlite_sum *sum = count == 2 ? sqlite3_value_pointer(values[1], KT_SQLITE_SUM) : NULL;
    if (!sum) {
        sqlite3_result_error_code(context, SQLITE_MISUSE);
        return;
    }
    sum->is_over = __builtin_add_overflow(sqlite3_value_int64(values[0]), sum->delta, &sum->value);
    if (sum->is_over)
        sqlite3_result_error_code(context, SQLITE_TOOBIG);
    else
        sqlite3_result_int64(context, sum->value);
}

int kt_sqlite_define(sqlite3 *db)
{
    return sqlite3_create_function_v2(db, "kontor_add", 2, SQLITE_UTF8 | SQLITE_DIRECTONLY, NULL,
                                      add, NULL, NULL, NULL);
}

int kt_sqlite_prepare(struct kt_sqlite_file *file, enum kt_sqlite_statement number,
                      sqlite3_stmt **ret_statement)
{
    sqlite3_stmt **statement = &file->statements[number];
    int status = SQLITE_OK;
    if (!*statement)
        status = sqlite3_prepare_v3(file->db, statements[number], -1, SQLITE_PREPARE_PERSISTENT,
                                    statement, NULL);
    *ret_statement = *statement;
    return status;
}

int kt_sqlite_run(struct kt_sqlite_file *file, enum kt_sqlite_statement number)
{
    sqlite3_stmt *statement;
    int status = kt_sqlite_prepare(file, number, &statement);
    if (status != SQLITE_OK)
        return status;
    status = sqlite3_step(statement);
    sqlite3_reset(statement);
    return status == SQLITE_DONE || status == SQLITE_ROW ? SQLITE_OK : status;
}
