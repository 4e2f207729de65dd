/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening the file of a store. A new one is made under another name and moved to its place when it
 * is whole: so an empty or half-made file is never taken for a new store whose documents are gone.
 */
#include "store/sqlite_file.h"

#include "store/sqlite_log.h"
#include "store/sqlite_pages.h"
#include "store/sqlite_turn.h"

#include <errno.h>
#include <fcntl.h>
#include <kontor/log.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/** Marks our files: "kntr". */
#define APPLICATION_ID 0x6b6e7472
/** The longest path, with its NUL. */
#define PATH_MAX_BYTES 1024
/** A new store is made under this name. */
#define NEW_SUFFIX "-new"
/** How long until a lock of SQLite's that another holds is asked for again. */
#define BUSY_PAUSE_NS 500000
#define TEXT(number) TEXT_OF(number)
#define TEXT_OF(number) #number

/** For each version of the tables, what makes it of the one before; version 1 of nothing. */
static const char *const migrations[] = {
    "CREATE TABLE documents (name_space TEXT NOT NULL, key TEXT NOT NULL,"
    " revision INTEGER NOT NULL, sum INTEGER NOT NULL, value BLOB NOT NULL,"
    " PRIMARY KEY (name_space, key)) WITHOUT ROWID;"
    "CREATE TABLE counters (name_space TEXT NOT NULL, key TEXT NOT NULL, value INTEGER NOT NULL,"
    " PRIMARY KEY (name_space, key)) WITHOUT ROWID;"
    "CREATE TABLE leases (name_space TEXT NOT NULL, key TEXT NOT NULL, token TEXT NOT NULL,"
    " fence INTEGER NOT NULL, until_ms INTEGER NOT NULL,"
    " PRIMARY KEY (name_space, key)) WITHOUT ROWID;"
    "CREATE INDEX leases_until ON leases (until_ms);"
    /* the last number that was given to a document or a lease; none is given twice */
    "CREATE TABLE numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT INTO numbers VALUES ('revision', 0);",
};
#define VERSION ((int)(sizeof migrations / sizeof *migrations))

/* Durable when a call returns: the log is synced at each commit. Checkpoints are ours to begin. */
static const char *const settings =
    "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -16000;"
    "PRAGMA journal_size_limit = 67108864; PRAGMA temp_store = MEMORY;"
    "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;";

/* ---------------------------------------------------------------- what SQLite says */

int kt_sqlite_errno(struct kt_sqlite_file *file, int status)
{
    int system_errno = file->db ? sqlite3_system_errno(file->db) : 0;
    switch (status & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return atomic_load(file->is_closing) ? -ENOTCONN : -ETIMEDOUT;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_READONLY:
        return -EROFS;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return -ENOTCONN;
    case SQLITE_IOERR:
        if (status == SQLITE_IOERR_NOMEM)
            return -ENOMEM;
        /* of a sync nobody knows what it has written */
        if (status != SQLITE_IOERR_FSYNC && (system_errno == ENOSPC || system_errno == EDQUOT))
            return -ENOSPC;
        return -EIO;
    default:
        return -EIO;
    }
}

/** Wait a little for a lock of another connection. @return whether to try again */
static int on_busy(void *argument, int count)
{
    const struct kt_sqlite_file *file = argument;
    (void)count;
    if (atomic_load(file->is_closing) || kt_sqlite_now_ms() >= file->deadline_ms)
        return 0;
    nanosleep(&(struct timespec){.tv_nsec = BUSY_PAUSE_NS}, NULL);
    return 1;
}

static int on_commit(void *argument, sqlite3 *db, const char *name, int frames)
{
    struct kt_sqlite_file *file = argument;
    (void)db;
    (void)name;
    file->frames = frames;
    return SQLITE_OK;
}

/** Tell what went wrong with the file as a whole. @return the negative errno */
static int complain(struct kt_sqlite_file *file, int status, const char *path,
                    struct kt_error *error)
{
    int system_errno = file->db ? sqlite3_system_errno(file->db) : 0;
    if ((status & 0xff) == SQLITE_IOERR && (status == SQLITE_IOERR_DATA))
        return kt_error_set(
            error, -EIO, "%s is damaged, or was written to by another program than kontor", path);
    return kt_error_set(error, kt_sqlite_errno(file, status), "%s: %s%s%s", path,
                        file->db ? sqlite3_errmsg(file->db) : sqlite3_errstr(status),
                        system_errno ? ": " : "", system_errno ? strerror(system_errno) : "");
}

/** Ask for one number. @return SQLITE_OK or SQLite's status */
static int ask_number(sqlite3 *db, const char *sql, int *ret_number)
{
    sqlite3_stmt *statement = NULL;
    int status = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (status == SQLITE_OK)
        status = sqlite3_step(statement);
    if (status == SQLITE_ROW) {
        *ret_number = sqlite3_column_int(statement, 0);
        status = SQLITE_OK;
    }
    sqlite3_finalize(statement);
    return status == SQLITE_DONE ? SQLITE_ERROR : status;
}

/* ---------------------------------------------------------------- connections */

static int connect_file(const char *path, const atomic_bool *is_closing, int64_t deadline_ms,
                        struct kt_sqlite_file **ret_file, struct kt_error *error)
{
    struct kt_sqlite_file *file = calloc(1, sizeof *file);
    struct stat found;
    if (!file)
        return kt_error_set(error, -ENOMEM, "out of memory");
    file->is_closing = is_closing;
    file->deadline_ms = deadline_ms;
    if (stat(path, &found) == 0) {
        file->device = found.st_dev;
        file->inode = found.st_ino;
    }
    int status = sqlite3_open_v2(path, &file->db,
                                 SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                                     SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE,
                                 KT_SQLITE_PAGES);
    if (status == SQLITE_OK) {
        sqlite3_busy_handler(file->db, on_busy, file);
        sqlite3_db_config(file->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        sqlite3_limit(file->db, SQLITE_LIMIT_WORKER_THREADS, 0);
        status = sqlite3_exec(file->db, settings, NULL, NULL, NULL);
    }
    if (status == SQLITE_OK)
        status = kt_sqlite_define(file->db);
    if (status == SQLITE_OK)
        sqlite3_wal_hook(file->db, on_commit, file);
    if (status != SQLITE_OK) {
        int result = complain(file, status, path, error);
        kt_sqlite_close(file);
        return result;
    }
    *ret_file = file;
    return 0;
}

void kt_sqlite_close(struct kt_sqlite_file *file)
{
    if (!file)
        return;
    for (size_t i = 0; i < KT_SQLITE_STATEMENTS; i++)
        sqlite3_finalize(file->statements[i]);
    sqlite3_close(file->db);
    free(file);
}

bool kt_sqlite_is_same(const struct kt_sqlite_file *file, const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 && found.st_dev == file->device && found.st_ino == file->inode;
}

/** Bring the tables from a version to ours. @return SQLITE_OK or SQLite's status */
static int migrate(sqlite3 *db, int version)
{
    char mark[64];
    int status = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    for (; status == SQLITE_OK && version < VERSION; version++)
        status = sqlite3_exec(db, migrations[version], NULL, NULL, NULL);
    snprintf(mark, sizeof mark, "PRAGMA user_version = %d", VERSION);
    if (status == SQLITE_OK)
        status = sqlite3_exec(db, mark, NULL, NULL, NULL);
    return status == SQLITE_OK ? sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) : status;
}

/* ---------------------------------------------------------------- a new store */

static int sync_directory(const char *path)
{
    char copy[PATH_MAX_BYTES];
    snprintf(copy, sizeof copy, "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = fd < 0 || fsync(fd) < 0 ? -errno : 0;
    if (fd >= 0)
        close(fd);
    return result;
}

/** Make an empty file that is only ours; root makes it for whoever has the directory. */
static int make_empty(const char *path)
{
    char copy[PATH_MAX_BYTES];
    struct stat directory;
    snprintf(copy, sizeof copy, "%s", path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int result = 0;
    if (geteuid() == 0 &&
        (stat(dirname(copy), &directory) < 0 || fchown(fd, directory.st_uid, directory.st_gid) < 0))
        result = -errno;
    close(fd);
    return result;
}

/** Tables, marks and the form of pages. @return SQLITE_OK or SQLite's status */
static int fill_new(sqlite3 *db)
{
    int reserved = KT_SQLITE_RESERVED_BYTES;
    int status =
        sqlite3_exec(db, "PRAGMA page_size = " TEXT(KT_SQLITE_PAGE_BYTES), NULL, NULL, NULL);
    if (status == SQLITE_OK)
        status = sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
    if (status == SQLITE_OK)
        status =
            sqlite3_exec(db, "PRAGMA application_id = " TEXT(APPLICATION_ID), NULL, NULL, NULL);
    if (status == SQLITE_OK)
        status = migrate(db, 0);
    if (status == SQLITE_OK)
        status = sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
    return status;
}

/** Make a store. The caller has the turn, and has seen that there is none. */
static int make_store(const char *path, const atomic_bool *is_closing, int64_t deadline_ms,
                      struct kt_error *error)
{
    static const char *const leftovers[] = {"", "-journal", "-wal", "-shm"};
    char new_path[PATH_MAX_BYTES], other[PATH_MAX_BYTES + 16];
    struct kt_sqlite_file *file = NULL;
    struct stat found;
    snprintf(other, sizeof other, "%s-wal", path);
    if (stat(other, &found) == 0 && found.st_size > 0)
        return kt_error_set(error, -EIO,
                            "%s is missing, but its log %s is there: bring the one "
                            "back, or remove the other",
                            path, other);
    int length = snprintf(new_path, sizeof new_path, "%s" NEW_SUFFIX, path);
    if (length < 0 || (size_t)length >= sizeof new_path)
        return kt_error_set(error, -ENOTCONN, "the path of the store is too long");
    for (size_t i = 0; i < sizeof leftovers / sizeof *leftovers; i++) {
        snprintf(other, sizeof other, "%s%s", new_path, leftovers[i]);
        unlink(other);
    }
    int result = make_empty(new_path);
    if (result < 0)
        return kt_error_set(error, -ENOTCONN, "%s cannot be made: %s", path, strerror(-result));
    result = connect_file(new_path, is_closing, deadline_ms, &file, error);
    if (result < 0)
        return result;
    int status = fill_new(file->db);
    if (status != SQLITE_OK)
        result = complain(file, status, new_path, error);
    kt_sqlite_close(file);
    if (result == 0 && (rename(new_path, path) < 0 || (errno = -sync_directory(path)) != 0))
        result = kt_error_set(error, -ENOTCONN, "%s cannot be made: %s", path, strerror(errno));
    if (result < 0)
        unlink(new_path);
    else
        kt_log_notice("a new store was made: %s", path);
    return result;
}

/* ---------------------------------------------------------------- opening */

/** Look whether this is a store that we know. */
static int check_store(struct kt_sqlite_file *file, const char *path, bool may_write,
                       struct kt_error *error)
{
    int application = 0, version = 0, page_bytes = 0, reserved = -1;
    int status = ask_number(file->db, "PRAGMA application_id", &application);
    if (status == SQLITE_OK)
        status = ask_number(file->db, "PRAGMA user_version", &version);
    if (status == SQLITE_OK)
        status = ask_number(file->db, "PRAGMA page_size", &page_bytes);
    if (status == SQLITE_OK)
        status = sqlite3_file_control(file->db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
    if (status != SQLITE_OK)
        return complain(file, status, path, error);
    if (application != APPLICATION_ID || page_bytes != KT_SQLITE_PAGE_BYTES ||
        reserved != KT_SQLITE_RESERVED_BYTES)
        return kt_error_set(error, -EIO, "%s is a database, but no store of kontor's", path);
    if (version > VERSION)
        return kt_error_set(error, -ENOTCONN,
                            "%s has version %d, and this kontor knows versions up to %d: it was "
                            "written by a newer one",
                            path, version, VERSION);
    if (version < VERSION && may_write) {
        status = migrate(file->db, version);
        if (status != SQLITE_OK)
            return complain(file, status, path, error);
        kt_log_notice("the store %s was brought from version %d to %d", path, version, VERSION);
    }
    return 0;
}

static int open_in_turn(const char *path, bool may_write, int64_t deadline_ms,
                        const atomic_bool *is_closing, struct kt_sqlite_file **ret_file,
                        struct kt_error *error)
{
    struct stat found;
    struct kt_sqlite_file *file = NULL;
    int result = 0;
    if (stat(path, &found) < 0) {
        result = -errno;
        if (result != -ENOENT || !may_write)
            return kt_error_set(error, -ENOTCONN, "%s: %s", path, strerror(-result));
        result = make_store(path, is_closing, deadline_ms, error);
    } else if (found.st_size == 0) {
        /* SQLite would take it for a new database */
        result = kt_error_set(
            error, -EIO, "%s is empty, and a store never is: bring it back, or remove it", path);
    }
    if (result == 0 && may_write)
        result = kt_sqlite_log_check(path, error);
    if (result == 0)
        result = connect_file(path, is_closing, deadline_ms, &file, error);
    if (result == 0)
        result = check_store(file, path, may_write, error);
    if (result < 0)
        kt_sqlite_close(file);
    else
        *ret_file = file;
    return result;
}

int kt_sqlite_open(const char *path, int turn_fd, int64_t deadline_ms,
                   const atomic_bool *is_closing, struct kt_sqlite_file **ret_file,
                   struct kt_error *error)
{
    if (kt_sqlite_pages_register() < 0)
        return kt_error_set(error, -ENOTCONN, "SQLite cannot be used");
    int result = 0;
    if (turn_fd >= 0)
        result = kt_sqlite_turn_take(turn_fd, deadline_ms, is_closing);
    if (result < 0)
        return kt_error_set(error, result, "%s: its lock: %s", path, strerror(-result));
    result = open_in_turn(path, turn_fd >= 0, deadline_ms, is_closing, ret_file, error);
    if (turn_fd >= 0)
        kt_sqlite_turn_give(turn_fd);
    return result;
}

int kt_sqlite_open_another(const char *path, int64_t deadline_ms, const atomic_bool *is_closing,
                           struct kt_sqlite_file **ret_file, struct kt_error *error)
{
    return connect_file(path, is_closing, deadline_ms, ret_file, error);
}
