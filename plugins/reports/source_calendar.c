/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Somebody's own calendars as a source: a database in memory with four tables, which are filled
 * from the rows that the calendar gave to the worker. What a query says is read by SQLite, with the
 * same bounds as a database of its own. Knows the names of the rows' columns, and no calendars.
 */
#include "source_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** What stands for an address. */
#define ADDRESS "calendar:"
/** The largest rows; SQLite takes no larger value either. */
#define ROWS_MAX_BYTES ((off_t)64 * 1024 * 1024)
#define STATEMENT_MAX_BYTES 2048u

/** A table, as kontor-reports(5) describes it: the columns have the names that the rows have. */
struct table {
    const char *name, *const *columns;
};

static const char *const event_columns[] = {
    "date DATE",
    "start DATETIME",
    "end DATETIME",
    "offset TEXT",
    "hours REAL",
    "days INTEGER",
    "title TEXT",
    "kind TEXT",
    "size TEXT",
    "series TEXT",
    "organiser TEXT",
    "mine TEXT",
    "response TEXT",
    "people INTEGER",
    "names TEXT",
    "addresses TEXT",
    "calendar TEXT",
    NULL,
};

static const char *const person_columns[] = {
    "name TEXT",         "address TEXT",       "hours REAL",
    "meetings INTEGER",  "one_to_one INTEGER", "one_to_one_hours REAL",
    "organised INTEGER", "first DATETIME",     NULL,
};

static const char *const day_columns[] = {
    "date DATE",
    "hours REAL",
    "meeting_hours REAL",
    "conflict_hours REAL",
    "one_off_hours REAL",
    "recurring_hours REAL",
    "own_hours REAL",
    "focus_hours REAL",
    "after_hours REAL",
    "working_hours REAL",
    "focusable_hours REAL",
    "fragmented_hours REAL",
    NULL,
};

static const char *const series_columns[] = {
    "title TEXT", "meetings INTEGER", "hours REAL", "person_hours REAL", NULL,
};

static const struct table tables[] = {
    {"events", event_columns},
    {"people", person_columns},
    {"days", day_columns},
    {"series", series_columns},
};
#define TABLES (sizeof tables / sizeof *tables)

static bool is_address(const char *address)
{
    return strcmp(address, ADDRESS) == 0;
}

static int check(const char *address, struct kt_error *error)
{
    (void)address;
    (void)error;
    return 0;
}

/** "CREATE TABLE days (date DATE, …)" */
static void write_create(const struct table *table, char text[STATEMENT_MAX_BYTES])
{
    size_t used = (size_t)snprintf(text, STATEMENT_MAX_BYTES, "CREATE TABLE %s (", table->name);
    for (size_t i = 0; table->columns[i]; i++)
        used += (size_t)snprintf(text + used, STATEMENT_MAX_BYTES - used, "%s\"%.*s\"%s",
                                 i > 0 ? ", " : "", (int)strcspn(table->columns[i], " "),
                                 table->columns[i], strchr(table->columns[i], ' '));
    snprintf(text + used, STATEMENT_MAX_BYTES - used, ")");
}

/** "INSERT INTO days SELECT value->>'date', … FROM json_each(?1, '$.days')" */
static void write_insert(const struct table *table, char text[STATEMENT_MAX_BYTES])
{
    size_t used = (size_t)snprintf(text, STATEMENT_MAX_BYTES, "INSERT INTO %s SELECT", table->name);
    for (size_t i = 0; table->columns[i]; i++)
        used += (size_t)snprintf(text + used, STATEMENT_MAX_BYTES - used, "%svalue->>'%.*s'",
                                 i > 0 ? ", " : " ", (int)strcspn(table->columns[i], " "),
                                 table->columns[i]);
    snprintf(text + used, STATEMENT_MAX_BYTES - used, " FROM json_each(?1, '$.%s')", table->name);
}

static int open_tables(TALLOC_CTX *context, const char *name, const char *address,
                       void **ret_connection, struct kt_error *error)
{
    char statement[STATEMENT_MAX_BYTES];
    void *connection;
    (void)address;
    int result = source_sqlite_open_memory(context, name, &connection, error);
    for (size_t i = 0; i < TABLES && result == 0; i++) {
        write_create(&tables[i], statement);
        result = source_sqlite_write(connection, statement, "", 0, error);
    }
    if (result == 0)
        *ret_connection = connection;
    return result;
}

/** Read the rows; their offset is not ours alone, so it stays. @return 0 or a negative errno */
static int read_rows(TALLOC_CTX *context, int fd, char **ret_text, size_t *ret_size)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return -errno;
    if (status.st_size > ROWS_MAX_BYTES)
        return -EFBIG;
    size_t size = (size_t)status.st_size, used = 0;
    char *text = talloc_size(context, size + 1);
    if (!text)
        return -ENOMEM;
    while (used < size) {
        ssize_t got = pread(fd, text + used, size - used, (off_t)used);
        if (got == 0 || (got < 0 && errno != EINTR))
            return got < 0 ? -errno : -EIO;
        used += got > 0 ? (size_t)got : 0;
    }
    *ret_text = text;
    *ret_size = size;
    return 0;
}

static int load(void *connection, int fd, struct kt_error *error)
{
    char statement[STATEMENT_MAX_BYTES], *text = NULL;
    TALLOC_CTX *memory = talloc_new(NULL);
    size_t size = 0;
    int result = memory ? read_rows(memory, fd, &text, &size) : -ENOMEM;
    if (result < 0)
        kt_error_set(error, result, "the rows of the calendar can't be read: %s",
                     strerror(-result));
    for (size_t i = 0; i < TABLES && result == 0; i++) {
        write_insert(&tables[i], statement);
        result = source_sqlite_write(connection, statement, text, size, error);
    }
    talloc_free(memory);
    return result;
}

static int prepare(void *connection, TALLOC_CTX *context, const struct source_query *query,
                   struct source_field **ret_fields, size_t *ret_count, struct kt_error *error)
{
    return source_sqlite.prepare(connection, context, query, ret_fields, ret_count, error);
}

static int run(void *connection, const struct bound *bound, size_t bound_count,
               struct source_watch *watch, source_row *row, void *argument, struct kt_error *error)
{
    return source_sqlite.run(connection, bound, bound_count, watch, row, argument, error);
}

const struct source_kind source_calendar = {
    .is_address = is_address,
    .check = check,
    .open = open_tables,
    .load = load,
    .prepare = prepare,
    .run = run,
};
