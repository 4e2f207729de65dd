/* SPDX-License-Identifier: BSD-2-Clause */
/* The statements of a connection: their SQL, and that each is prepared once. */
#include "store/sqlite_file.h"

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
    [KT_SQLITE_DELETE] = "DELETE FROM documents WHERE name_space = ? AND key = ?",
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
    [KT_SQLITE_COUNTER_SET] = "INSERT INTO counters (name_space, key, value) VALUES (?1, ?2, ?3)"
                              " ON CONFLICT DO UPDATE SET value = ?3",
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
