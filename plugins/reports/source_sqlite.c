/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SQLite databases, "sqlite:/path/to.db". Whatever a query says, it can only read this one file:
 * the connection is read-only, and an authorizer lets nothing through but reading.
 */
#include "source_private.h"

#include "sql_text.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define SCHEME "sqlite:"
/** Instructions of SQLite's machine between two looks at the clock: well below a millisecond. */
#define PROGRESS_STEPS 10000
/** How long a writer may keep the database locked, when nothing else sets a limit. */
#define BUSY_TIMEOUT_MS 5000
#define BUSY_STEP_MS 10
/** Bytes of one value: what a report could show, and a query needs in between. */
#define VALUE_MAX_BYTES (64 * 1024 * 1024)
/** A blob is shown in hex as long as it fits in a cell of a spreadsheet. */
#define BLOB_MAX_BYTES 16000

/** 2^53 - 1: beyond, a real is not every whole number. */
#define REAL_WHOLE_MAX INT64_C(9007199254740991)

struct connection {
    const char *name;
    sqlite3 *database;
    sqlite3_stmt *statement;
    const char *refused;        /**< what the authorizer has refused last */
    struct source_watch *watch; /**< of the query that runs, or NULL */
};

/* ---------------------------------------------------------------- what is allowed */

static bool is_dangerous(const char *function)
{
    return strcasecmp(function, "load_extension") == 0 ||
           strcasecmp(function, "fts3_tokenizer") == 0;
}

/** Whether a table stands for a pragma, such as pragma_database_list. */
static bool is_pragma(const char *table)
{
    return table && strncasecmp(table, "pragma_", strlen("pragma_")) == 0;
}

/** Whether a table shows, or even writes, pages of the file itself. */
static bool is_about_the_file(const char *table)
{
    return table && (strcasecmp(table, "dbstat") == 0 || strcasecmp(table, "sqlite_dbpage") == 0);
}

static int authorize(void *argument, int action, const char *first, const char *second,
                     const char *database, const char *trigger)
{
    struct connection *connection = argument;
    (void)first, (void)database, (void)trigger;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
        return SQLITE_OK;
    case SQLITE_READ:
        /* Newer versions of SQLite ask for nothing else when these are prepared. */
        if (is_pragma(first))
            connection->refused = "pragmas are not allowed";
        else if (is_about_the_file(first))
            connection->refused = "a report can only read";
        else
            return SQLITE_OK;
        return SQLITE_DENY;
    case SQLITE_FUNCTION:
        if (!is_dangerous(second))
            return SQLITE_OK;
        connection->refused = "this function is not allowed";
        return SQLITE_DENY;
    case SQLITE_ATTACH:
        connection->refused = "other databases are not allowed";
        return SQLITE_DENY;
    case SQLITE_PRAGMA:
        connection->refused = "pragmas are not allowed";
        return SQLITE_DENY;
    default:
        connection->refused = "a report can only read";
        return SQLITE_DENY;
    }
}

static int set_limits(sqlite3 *database)
{
    static const struct {
        int what, value;
    } limits[] = {
        {SQLITE_LIMIT_LENGTH, VALUE_MAX_BYTES},   {SQLITE_LIMIT_ATTACHED, 0},
        {SQLITE_LIMIT_EXPR_DEPTH, 500},           {SQLITE_LIMIT_COMPOUND_SELECT, 100},
        {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000}, {SQLITE_LIMIT_TRIGGER_DEPTH, 1},
        {SQLITE_LIMIT_WORKER_THREADS, 0},         {SQLITE_LIMIT_VARIABLE_NUMBER, 999},
    };
    static const struct {
        int what, value;
    } switches[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},
        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
        {SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0},
        {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
        {SQLITE_DBCONFIG_DQS_DML, 0}, /* a "name" that is no column is a mistake, not a text */
        {SQLITE_DBCONFIG_DQS_DDL, 0},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        sqlite3_limit(database, limits[i].what, limits[i].value);
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
        if (sqlite3_db_config(database, switches[i].what, switches[i].value, NULL) != SQLITE_OK)
            return -EIO;
    return 0;
}

/* ---------------------------------------------------------------- errors */

static int error_code(int code)
{
    switch (code & 0xff) {
    case SQLITE_AUTH:
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return -EPERM;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_ERROR:
    case SQLITE_RANGE:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
        return -EINVAL;
    default:
        return -EIO;
    }
}

/** Whether the file itself is not what is wrong. */
static bool is_readable(const struct connection *connection)
{
    const char *path = sqlite3_db_filename(connection->database, "main");
    return path && *path && access(path, R_OK) == 0;
}

static int tell(struct connection *connection, int code, struct kt_error *error)
{
    const char *text = sqlite3_errmsg(connection->database);
    if ((code & 0xff) == SQLITE_INTERRUPT && connection->watch && connection->watch->stopped)
        return source_watch_error(connection->watch, error);
    if ((code & 0xff) == SQLITE_BUSY && connection->watch && connection->watch->stopped)
        return source_watch_error(connection->watch, error);
    if (((code & 0xff) == SQLITE_READONLY || (code & 0xff) == SQLITE_CANTOPEN) &&
        is_readable(connection))
        return kt_error_set(error, -EIO,
                            "%s: the directory of a database in WAL mode must be "
                            "writable",
                            connection->name);
    if ((code & 0xff) == SQLITE_BUSY)
        text = "somebody writes to the database and keeps it locked";
    return kt_error_set(error, error_code(code), "%s: %s", connection->name, text);
}

/** Words for a query that could not be prepared, with the line where SQLite knows the place. */
static int tell_query(struct connection *connection, const struct source_query *query, int code,
                      struct kt_error *error)
{
    int offset = sqlite3_error_offset(connection->database);
    unsigned line = query->line;
    if (offset > 0)
        line += sql_lines_before(query->sql, query->sql + offset);
    if (connection->refused) /* for functions and tables of modules SQLite has other codes */
        return kt_error_set(error, -EPERM, "%s:%u: %s", query->path, line, connection->refused);
    return kt_error_set(error, error_code(code), "%s:%u: %s", query->path, line,
                        sqlite3_errmsg(connection->database));
}

/* ---------------------------------------------------------------- opening */

static bool is_address(const char *address)
{
    return strncmp(address, SCHEME, strlen(SCHEME)) == 0;
}

static int check(const char *address, struct kt_error *error)
{
    if (address[strlen(SCHEME)] != '/')
        return kt_error_set(error, -EINVAL, "%s: the path begins with a slash", address);
    return 0;
}

static int close_connection(struct connection *connection)
{
    sqlite3_finalize(connection->statement);
    sqlite3_close(connection->database);
    return 0;
}

/** Called by SQLite now and then while it works. @return whether it shall stop */
static int watch_progress(void *argument)
{
    struct connection *connection = argument;
    return connection->watch && source_watch_check(connection->watch) < 0;
}

/** Called by SQLite when somebody has locked the database. @return whether to try again */
static int wait_for_lock(void *argument, int count)
{
    struct connection *connection = argument;
    bool is_over = connection->watch ? source_watch_check(connection->watch) < 0
                                     : count >= BUSY_TIMEOUT_MS / BUSY_STEP_MS;
    if (is_over)
        return 0;
    sqlite3_sleep(BUSY_STEP_MS);
    return 1;
}

static int open_file(TALLOC_CTX *context, const char *name, const char *path, int flags,
                     void **ret_connection, struct kt_error *error)
{
    /* SQLite makes tables of json_each and json_tree when they are first used, which the authorizer
       would refuse later; choices are JSON arrays. */
    static const char setup[] = "PRAGMA query_only = 1; PRAGMA temp_store = MEMORY;"
                                "PRAGMA cell_size_check = 1; PRAGMA trusted_schema = 0;"
                                "SELECT count(*) FROM sqlite_schema;"
                                "SELECT 1 FROM json_each('[]'), json_tree('[]')";
    struct connection *connection = talloc_zero(context, struct connection);
    if (!connection)
        return kt_error_set(error, -ENOMEM, "out of memory");
    connection->name = name;
    talloc_set_destructor(connection, close_connection);
    int code =
        sqlite3_open_v2(path, &connection->database, flags | SQLITE_OPEN_NOMUTEX, NULL);
    int result = code == SQLITE_OK ? set_limits(connection->database) : 0;
    if (code == SQLITE_OK && result == 0) {
        sqlite3_busy_handler(connection->database, wait_for_lock, connection);
        code = sqlite3_exec(connection->database, setup, NULL, NULL, NULL);
    }
    if (code != SQLITE_OK)
        result = tell(connection, code, error);
    else if (result < 0)
        kt_error_set(error, result, "%s: this SQLite can't be made safe", name);
    if (result < 0) {
        talloc_free(connection);
        return result;
    }
    sqlite3_progress_handler(connection->database, PROGRESS_STEPS, watch_progress, connection);
    sqlite3_set_authorizer(connection->database, authorize, connection);
    *ret_connection = connection;
    return 0;
}

static int open_database(TALLOC_CTX *context, const char *name, const char *address,
                         void **ret_connection, struct kt_error *error)
{
    return open_file(context, name, address + strlen(SCHEME), SQLITE_OPEN_READONLY, ret_connection,
                     error);
}

int source_sqlite_open_memory(TALLOC_CTX *context, const char *name, void **ret_connection,
                              struct kt_error *error)
{
    return open_file(context, name, ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                     ret_connection, error);
}

/** Let this room itself write, or nobody. @return SQLite's code */
static int set_writable(struct connection *connection, bool is_writable)
{
    sqlite3_set_authorizer(connection->database, NULL, NULL);
    int code = sqlite3_exec(connection->database,
                            is_writable ? "PRAGMA query_only = 0" : "PRAGMA query_only = 1", NULL,
                            NULL, NULL);
    if (!is_writable)
        sqlite3_set_authorizer(connection->database, authorize, connection);
    return code;
}

int source_sqlite_write(void *argument, const char *statement, const char *text, size_t size,
                        struct kt_error *error)
{
    struct connection *connection = argument;
    sqlite3_stmt *prepared = NULL;
    int code = set_writable(connection, true);
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(connection->database, statement, -1, &prepared, NULL);
    if (code == SQLITE_OK && sqlite3_bind_parameter_count(prepared) > 0)
        code = sqlite3_bind_text64(prepared, 1, text, size, SQLITE_STATIC, SQLITE_UTF8);
    if (code == SQLITE_OK && sqlite3_step(prepared) != SQLITE_DONE)
        code = sqlite3_errcode(connection->database);
    int result = code == SQLITE_OK ? 0 : tell(connection, code, error);
    sqlite3_finalize(prepared);
    if (set_writable(connection, false) != SQLITE_OK && result == 0)
        result = tell(connection, SQLITE_ERROR, error);
    return result;
}

/* ---------------------------------------------------------------- preparing */

/** The type that a table's declaration tells; SQLite's own rules of affinity, and dates. */
static bool read_declared(const char *declared, enum report_type *ret_type)
{
    static const struct {
        const char *word;
        enum report_type type;
    } words[] = {
        {"DATETIME", REPORT_DATETIME}, {"TIMESTAMP", REPORT_DATETIME}, {"DATE", REPORT_DATE},
        {"BOOL", REPORT_BOOLEAN},      {"INT", REPORT_INTEGER},        {"CHAR", REPORT_TEXT},
        {"CLOB", REPORT_TEXT},         {"TEXT", REPORT_TEXT},          {"REAL", REPORT_NUMBER},
        {"FLOA", REPORT_NUMBER},       {"DOUB", REPORT_NUMBER},        {"NUMERIC", REPORT_NUMBER},
        {"DECIMAL", REPORT_NUMBER},
    };
    for (size_t i = 0; declared && i < sizeof words / sizeof *words; i++) {
        if (strcasestr(declared, words[i].word)) {
            *ret_type = words[i].type;
            return true;
        }
    }
    return false;
}

/** What stands behind the statement must be nothing; and its parameters have names. */
static int check_statement(struct connection *connection, const struct source_query *query,
                           const char *rest, struct kt_error *error)
{
    const char *at;
    const char *wrong = sql_check(query->sql, &at);
    for (struct sql_piece piece; !wrong && (piece = sql_next(&rest)).kind != SQL_END;)
        if (piece.kind != SQL_BLANK && piece.kind != SQL_SEMICOLON) {
            wrong = "a report is one statement only";
            at = piece.text;
        }
    if (wrong)
        return kt_error_set(error, -EINVAL, "%s:%u: %s", query->path,
                            query->line + sql_lines_before(query->sql, at), wrong);
    if (!sqlite3_stmt_readonly(connection->statement))
        return kt_error_set(error, -EPERM, "%s:%u: a report can only read", query->path,
                            query->line);
    for (int i = 1; i <= sqlite3_bind_parameter_count(connection->statement); i++) {
        const char *name = sqlite3_bind_parameter_name(connection->statement, i);
        if (!name || *name != ':')
            return kt_error_set(error, -EINVAL, "%s:%u: parameters have names, such as :from",
                                query->path, query->line);
    }
    return 0;
}

static int prepare(void *argument, TALLOC_CTX *context, const struct source_query *query,
                   struct source_field **ret_fields, size_t *ret_count, struct kt_error *error)
{
    struct connection *connection = argument;
    const char *rest;
    sqlite3_finalize(connection->statement);
    connection->statement = NULL;
    connection->refused = NULL;
    int code =
        sqlite3_prepare_v3(connection->database, query->sql, -1, 0, &connection->statement, &rest);
    if (code != SQLITE_OK)
        return tell_query(connection, query, code, error);
    if (!connection->statement)
        return kt_error_set(error, -EINVAL, "%s:%u: there is no query", query->path, query->line);
    int result = check_statement(connection, query, rest, error);
    if (result < 0)
        return result;
    int count = sqlite3_column_count(connection->statement);
    if (count > (int)SOURCE_FIELDS_MAX)
        return kt_error_set(error, -EINVAL, "%s:%u: the query has more than %u columns",
                            query->path, query->line, SOURCE_FIELDS_MAX);
    struct source_field *fields =
        talloc_zero_array(context, struct source_field, (unsigned)count + 1);
    if (!fields)
        return kt_error_set(error, -ENOMEM, "out of memory");
    for (int i = 0; i < count; i++) {
        const char *name = sqlite3_column_name(connection->statement, i);
        fields[i].name = name ? talloc_strdup(fields, name) : NULL;
        if (!fields[i].name)
            return kt_error_set(error, -ENOMEM, "out of memory");
        fields[i].is_typed =
            read_declared(sqlite3_column_decltype(connection->statement, i), &fields[i].type);
    }
    *ret_fields = fields;
    *ret_count = (size_t)count;
    return 0;
}

/* ---------------------------------------------------------------- running */

/** As a real, so that 7 / 2 is 3.5; but a whole number that would become another is itself. */
static int bind_number(sqlite3_stmt *statement, int index, const char *text)
{
    char *end;
    errno = 0;
    long long whole = strtoll(text, &end, 10);
    bool is_whole = !*end && errno == 0;
    if (is_whole && (whole > REAL_WHOLE_MAX || whole < -REAL_WHOLE_MAX))
        return sqlite3_bind_int64(statement, index, whole);
    return sqlite3_bind_double(statement, index, strtod(text, NULL));
}

static int bind_value(sqlite3_stmt *statement, int index, const struct bound *bound)
{
    if (!bound->value)
        return sqlite3_bind_null(statement, index);
    if (bound->type == PARAMETER_INTEGER)
        return sqlite3_bind_int64(statement, index, strtoll(bound->value, NULL, 10));
    if (bound->type == PARAMETER_NUMBER)
        return bind_number(statement, index, bound->value);
    return sqlite3_bind_text(statement, index, bound->value, -1, SQLITE_TRANSIENT);
}

static int bind_all(struct connection *connection, const struct bound *bound, size_t bound_count,
                    struct kt_error *error)
{
    sqlite3_stmt *statement = connection->statement;
    sqlite3_clear_bindings(statement);
    for (int i = 1; i <= sqlite3_bind_parameter_count(statement); i++) {
        const char *name = sqlite3_bind_parameter_name(statement, i) + 1;
        size_t index = 0;
        while (index < bound_count && strcmp(bound[index].name, name) != 0)
            index++;
        if (index == bound_count)
            return kt_error_set(error, -EINVAL, "%s: nothing is given for the parameter :%s",
                                connection->name, name);
        int code = bind_value(statement, i, &bound[index]);
        if (code != SQLITE_OK)
            return tell(connection, code, error);
    }
    return 0;
}

/** A blob as "\x0a0b", as PostgreSQL writes it; a larger one only says so. */
static char *blob_text(TALLOC_CTX *context, const unsigned char *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    if (size > BLOB_MAX_BYTES)
        return talloc_asprintf(context, "(%zu bytes)", size);
    char *text = talloc_size(context, 2 * size + 3), *at = text;
    if (!text)
        return NULL;
    *at++ = '\\';
    *at++ = 'x';
    for (size_t i = 0; i < size; i++) {
        *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 15];
    }
    *at = '\0';
    return text;
}

/** @return false: no memory */
static bool read_value(TALLOC_CTX *scratch, sqlite3_stmt *statement, int index,
                       struct report_value *value)
{
    switch (sqlite3_column_type(statement, index)) {
    case SQLITE_INTEGER:
        value->form = REPORT_IS_INTEGER;
        value->integer = sqlite3_column_int64(statement, index);
        return true;
    case SQLITE_FLOAT:
        value->form = REPORT_IS_REAL;
        value->real = sqlite3_column_double(statement, index);
        return true;
    case SQLITE_TEXT:
        value->form = REPORT_IS_TEXT;
        value->text = (const char *)sqlite3_column_text(statement, index);
        value->size = (size_t)sqlite3_column_bytes(statement, index);
        return value->text;
    case SQLITE_BLOB: {
        const void *bytes = sqlite3_column_blob(statement, index);
        value->form = REPORT_IS_TEXT;
        value->text = blob_text(scratch, bytes, (size_t)sqlite3_column_bytes(statement, index));
        value->size = value->text ? strlen(value->text) : 0;
        return value->text;
    }
    default:
        value->form = REPORT_NULL;
        return true;
    }
}

static int step(struct connection *connection, TALLOC_CTX *scratch, struct report_value *values,
                source_row *row, void *argument, struct kt_error *error)
{
    sqlite3_stmt *statement = connection->statement;
    int count = sqlite3_column_count(statement), code, result = 0;
    while (result == 0 && (code = sqlite3_step(statement)) != SQLITE_DONE) {
        if (code != SQLITE_ROW)
            return tell(connection, code, error);
        if (sqlite3_column_count(statement) != count) /* SQLite has prepared "SELECT *" anew */
            return kt_error_set(error, -EAGAIN, "%s: somebody has changed the tables meanwhile",
                                connection->name);
        if (source_watch_check(connection->watch) < 0)
            return source_watch_error(connection->watch, error);
        for (int i = 0; i < count; i++)
            if (!read_value(scratch, statement, i, &values[i]))
                return kt_error_set(error, -ENOMEM, "out of memory");
        result = row(argument, values);
        talloc_free_children(scratch);
    }
    return result;
}

static int run(void *argument, const struct bound *bound, size_t bound_count,
               struct source_watch *watch, source_row *row, void *row_argument,
               struct kt_error *error)
{
    struct connection *connection = argument;
    unsigned count = (unsigned)sqlite3_column_count(connection->statement);
    struct report_value *values = talloc_zero_array(connection, struct report_value, count + 1);
    TALLOC_CTX *scratch = talloc_new(values);
    int result = scratch ? bind_all(connection, bound, bound_count, error)
                         : kt_error_set(error, -ENOMEM, "out of memory");
    connection->watch = watch;
    if (result == 0)
        result = step(connection, scratch, values, row, row_argument, error);
    connection->watch = NULL;
    sqlite3_reset(connection->statement);
    talloc_free(values);
    return result;
}

const struct source_kind source_sqlite = {
    .is_address = is_address,
    .check = check,
    .open = open_database,
    .prepare = prepare,
    .run = run,
};
