/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PostgreSQL databases, by libpq. What a query may do is decided by the role it connects as; on top
 * of that everything happens in a read-only transaction. Rows come one by one, so that a large
 * result needs no memory here.
 */
#include "source_private.h"

#include "postgres_text.h"
#include "sql_text.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** How often to look whether to cancel while the server is silent. */
#define POLL_MS 100
/** What the server has to answer after a cancellation; then the connection is closed. */
#define CANCEL_ANSWER_MS 3000
#define CONNECT_TIMEOUT_S "10"
/** When a network that has gone silent is given up: this, then a few more tries. */
#define SILENCE_S "10"
#define SILENCE_STEP_S "5"
#define SILENCE_STEPS "4"
#define SILENCE_MS "30000"
/** The statement that is prepared. */
#define STATEMENT "report"

/** Object identifiers of PostgreSQL's own types; they are the same in every server. */
enum {
    OID_BOOL = 16,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_OID = 26,
    OID_FLOAT4 = 700,
    OID_FLOAT8 = 701,
    OID_DATE = 1082,
    OID_TIMESTAMP = 1114,
    OID_TIMESTAMPTZ = 1184,
    OID_INTERVAL = 1186,
    OID_NUMERIC = 1700,
};

struct connection {
    const char *name;
    PGconn *server;
    struct postgres_query *query; /**< as it was prepared, or NULL */
    bool is_broken;               /**< the server did not answer in time: not to be used again */
};

/* ---------------------------------------------------------------- errors */

/** The first line of a message of libpq, which says what is wrong. */
static int first_line(const char *text)
{
    return (int)strcspn(text, "\n");
}

static int error_code(const char *state)
{
    if (!state)
        return -EIO;
    if (strcmp(state, "25006") == 0 || strcmp(state, "42501") == 0)
        return -EPERM; /* read_only_sql_transaction, insufficient_privilege */
    if (strcmp(state, "53200") == 0)
        return -ENOMEM;
    if (strncmp(state, "57", 2) == 0 || strncmp(state, "08", 2) == 0)
        return -EIO; /* the server goes away */
    return -EINVAL;
}

static int tell_connection(const struct connection *connection, struct kt_error *error)
{
    const char *text = PQerrorMessage(connection->server);
    return kt_error_set(error, -EIO, "%s: %.*s", connection->name, first_line(text), text);
}

/** Words for an answer that is an error. */
static int tell_result(const struct connection *connection, const PGresult *answer,
                       struct kt_error *error)
{
    const char *text = PQresultErrorField(answer, PG_DIAG_MESSAGE_PRIMARY);
    const char *state = PQresultErrorField(answer, PG_DIAG_SQLSTATE);
    if (!text)
        return tell_connection(connection, error);
    return kt_error_set(error, error_code(state), "%s: %.*s", connection->name, first_line(text),
                        text);
}

/** The same for a query that could not be prepared, with its line and its names of parameters. */
static int tell_query(const struct connection *connection, const struct source_query *query,
                      const PGresult *answer, struct kt_error *error)
{
    const char *text = PQresultErrorField(answer, PG_DIAG_MESSAGE_PRIMARY);
    const char *position = PQresultErrorField(answer, PG_DIAG_STATEMENT_POSITION);
    const char *state = PQresultErrorField(answer, PG_DIAG_SQLSTATE);
    unsigned lines = 0;
    if (!text)
        return tell_connection(connection, error);
    const char *parameter = postgres_name_in(connection->query, text, &lines);
    if (position)
        lines = postgres_line_of(connection->query, strtoul(position, NULL, 10));
    return kt_error_set(error, error_code(state), "%s:%u: %.*s%s%s%s", query->path,
                        query->line + lines, first_line(text), text, parameter ? " (:" : "",
                        parameter ? parameter : "",
                        parameter ? "); a cast such as ::date says it" : "");
}

/* ---------------------------------------------------------------- opening */

static bool is_address(const char *address)
{
    return strncmp(address, "postgresql://", strlen("postgresql://")) == 0 ||
           strncmp(address, "postgres://", strlen("postgres://")) == 0;
}

static int check(const char *address, struct kt_error *error)
{
    char *why = NULL;
    PQconninfoOption *options = PQconninfoParse(address, &why);
    int result = 0;
    /* Behind the first quote libpq repeats what it does not understand: maybe a password. */
    if (!options)
        result = kt_error_set(error, -EINVAL, "this address is not understood%s%.*s",
                              why ? ": " : "", why ? (int)strcspn(why, "\"\n") : 0, why ? why : "");
    PQconninfoFree(options);
    PQfreemem(why);
    return result;
}

static int close_connection(struct connection *connection)
{
    PQfinish(connection->server);
    return 0;
}

/** Notices are for psql. */
static void ignore_notice(void *argument, const PGresult *result)
{
    (void)argument, (void)result;
}

/** A statement whose answer does not matter unless it is an error. */
static int execute(const struct connection *connection, const char *sql, struct kt_error *error)
{
    PGresult *answer = PQexec(connection->server, sql);
    ExecStatusType status = PQresultStatus(answer);
    int result = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK
                     ? 0
                     : tell_result(connection, answer, error);
    PQclear(answer);
    return result;
}

static int open_database(TALLOC_CTX *context, const char *name, const char *address,
                         void **ret_connection, struct kt_error *error)
{
    static const char *const keys[] = {"dbname",
                                       "connect_timeout",
                                       "keepalives_idle",
                                       "keepalives_interval",
                                       "keepalives_count",
                                       "tcp_user_timeout",
                                       "fallback_application_name",
                                       "client_encoding",
                                       NULL};
    const char *const values[] = {
        address,       CONNECT_TIMEOUT_S, SILENCE_S,        SILENCE_STEP_S,
        SILENCE_STEPS, SILENCE_MS,        "kontor-reports", "UTF8",
        NULL};
    /* Each form that fit.c reads, whatever the server's or the role's settings are. */
    static const char setup[] =
        "SET default_transaction_read_only = on; SET standard_conforming_strings = on;"
        "SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres'; SET bytea_output = 'hex';"
        "SET lc_monetary = 'C'";
    struct connection *connection = talloc_zero(context, struct connection);
    if (!connection)
        return kt_error_set(error, -ENOMEM, "out of memory");
    connection->name = name;
    talloc_set_destructor(connection, close_connection);
    connection->server = PQconnectdbParams(keys, values, 1);
    int result =
        PQstatus(connection->server) == CONNECTION_OK ? 0 : tell_connection(connection, error);
    if (result == 0) {
        PQsetNoticeReceiver(connection->server, ignore_notice, NULL);
        result = execute(connection, setup, error);
    }
    if (result < 0)
        talloc_free(connection);
    else
        *ret_connection = connection;
    return result;
}

/* ---------------------------------------------------------------- preparing */

static bool read_type(Oid oid, enum report_type *ret_type)
{
    static const struct {
        Oid oid;
        enum report_type type;
    } types[] = {
        {OID_BOOL, REPORT_BOOLEAN},       {OID_INT8, REPORT_INTEGER},
        {OID_INT2, REPORT_INTEGER},       {OID_INT4, REPORT_INTEGER},
        {OID_OID, REPORT_INTEGER},        {OID_FLOAT4, REPORT_NUMBER},
        {OID_FLOAT8, REPORT_NUMBER},      {OID_DATE, REPORT_DATE},
        {OID_TIMESTAMP, REPORT_DATETIME}, {OID_TIMESTAMPTZ, REPORT_DATETIME},
        {OID_INTERVAL, REPORT_DURATION},  {OID_NUMERIC, REPORT_NUMBER},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].oid == oid)
            return *ret_type = types[i].type, true;
    *ret_type = REPORT_TEXT; /* every other type is known by its text */
    return true;
}

static int read_fields(TALLOC_CTX *context, const PGresult *description,
                       const struct source_query *query, struct source_field **ret_fields,
                       size_t *ret_count, struct kt_error *error)
{
    int count = PQnfields(description);
    if (count == 0)
        return kt_error_set(error, -EPERM, "%s:%u: a report asks for rows", query->path,
                            query->line);
    if (count > (int)SOURCE_FIELDS_MAX)
        return kt_error_set(error, -EINVAL, "%s:%u: the query has more than %u columns",
                            query->path, query->line, SOURCE_FIELDS_MAX);
    struct source_field *fields = talloc_zero_array(context, struct source_field, (unsigned)count);
    for (int i = 0; fields && i < count; i++) {
        fields[i].is_typed = read_type(PQftype(description, i), &fields[i].type);
        fields[i].name = talloc_strdup(fields, PQfname(description, i));
        if (!fields[i].name)
            return kt_error_set(error, -ENOMEM, "out of memory");
    }
    *ret_fields = fields;
    *ret_count = (size_t)count;
    return fields ? 0 : kt_error_set(error, -ENOMEM, "out of memory");
}

static int prepare(void *argument, TALLOC_CTX *context, const struct source_query *query,
                   struct source_field **ret_fields, size_t *ret_count, struct kt_error *error)
{
    struct connection *connection = argument;
    const char *at, *wrong = sql_check(query->sql, &at);
    if (wrong)
        return kt_error_set(error, -EINVAL, "%s:%u: %s", query->path,
                            query->line + sql_lines_before(query->sql, at), wrong);
    talloc_free(connection->query);
    connection->query = postgres_rewrite(connection, query->sql);
    if (!connection->query)
        return kt_error_set(error, -ENOMEM, "out of memory");
    int result = execute(connection, "DEALLOCATE ALL", error);
    if (result < 0)
        return result;
    PGresult *answer = PQprepare(connection->server, STATEMENT, connection->query->sql, 0, NULL);
    if (PQresultStatus(answer) == PGRES_COMMAND_OK) {
        PQclear(answer);
        answer = PQdescribePrepared(connection->server, STATEMENT);
    }
    result = PQresultStatus(answer) == PGRES_COMMAND_OK
                 ? read_fields(context, answer, query, ret_fields, ret_count, error)
                 : tell_query(connection, query, answer, error);
    PQclear(answer);
    return result;
}

/* ---------------------------------------------------------------- running */

/** Ask the server to stop, and give it a moment to say that it has. */
static void cancel(struct connection *connection)
{
    char why[256];
    PGcancel *handle = PQgetCancel(connection->server);
    bool is_asked = handle && PQcancel(handle, why, sizeof why);
    PQfreeCancel(handle);
    for (int waited = 0; is_asked && waited < CANCEL_ANSWER_MS;) {
        struct pollfd socket = {.fd = PQsocket(connection->server), .events = POLLIN};
        while (!PQisBusy(connection->server)) {
            PGresult *answer = PQgetResult(connection->server);
            if (!answer)
                return;
            PQclear(answer);
        }
        waited += poll(&socket, 1, POLL_MS) == 0 ? POLL_MS : 1;
        is_asked = PQconsumeInput(connection->server) == 1;
    }
    connection->is_broken = true;
}

/** Wait until the server has said something. @return 0, or why not */
static int await_answer(struct connection *connection, struct source_watch *watch,
                        struct kt_error *error)
{
    while (PQisBusy(connection->server)) {
        struct pollfd socket = {.fd = PQsocket(connection->server), .events = POLLIN};
        if (poll(&socket, 1, POLL_MS) < 0 && errno != EINTR)
            return kt_error_set(error, -errno, "%s: %s", connection->name, strerror(errno));
        if (!PQconsumeInput(connection->server)) {
            connection->is_broken = true;
            return tell_connection(connection, error);
        }
        if (source_watch_check(watch) < 0)
            return source_watch_error(watch, error);
    }
    return 0;
}

static void read_row(const PGresult *answer, struct report_value *values, int count)
{
    for (int i = 0; i < count; i++) {
        if (PQgetisnull(answer, 0, i)) {
            values[i].form = REPORT_NULL;
            continue;
        }
        values[i].form = REPORT_IS_TEXT;
        values[i].text = PQgetvalue(answer, 0, i);
        values[i].size = (size_t)PQgetlength(answer, 0, i);
    }
}

/** The server has its own clock for the same limit; whichever is first. */
static int tell_answer(const struct connection *connection, const PGresult *answer,
                       struct source_watch *watch, struct kt_error *error)
{
    const char *state = PQresultErrorField(answer, PG_DIAG_SQLSTATE);
    if (state && strcmp(state, "57014") == 0) {
        if (source_watch_check(watch) == 0)
            watch->stopped = -ETIMEDOUT;
        return source_watch_error(watch, error);
    }
    return tell_result(connection, answer, error);
}

/** Hand over one answer. @return 0, or why to end */
static int take_answer(const struct connection *connection, const PGresult *answer,
                       struct source_watch *watch, struct report_value *values, source_row *row,
                       void *argument, struct kt_error *error)
{
    switch (PQresultStatus(answer)) {
    case PGRES_SINGLE_TUPLE:
        if (source_watch_check(watch) < 0)
            return source_watch_error(watch, error);
        read_row(answer, values, PQnfields(answer));
        return row(argument, values);
    case PGRES_TUPLES_OK: /* the end of the rows */
        return 0;
    default:
        return tell_answer(connection, answer, watch, error);
    }
}

static int take_answers(struct connection *connection, struct source_watch *watch, source_row *row,
                        void *argument, struct kt_error *error)
{
    struct report_value *values = talloc_array(connection, struct report_value, SOURCE_FIELDS_MAX);
    int result = values ? 0 : kt_error_set(error, -ENOMEM, "out of memory");
    bool has_ended = false;
    while (result == 0 && !has_ended) {
        result = await_answer(connection, watch, error);
        if (result < 0)
            break;
        PGresult *answer = PQgetResult(connection->server);
        has_ended = !answer;
        if (answer)
            result = take_answer(connection, answer, watch, values, row, argument, error);
        PQclear(answer);
    }
    if (!has_ended && !connection->is_broken)
        cancel(connection);
    talloc_free(values);
    return result;
}

static int begin(const struct connection *connection, const struct source_watch *watch,
                 struct kt_error *error)
{
    char sql[128];
    snprintf(sql, sizeof sql,
             "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;"
             "SET LOCAL statement_timeout = %lld",
             (long long)watch->limits->timeout_ms);
    return execute(connection, sql, error);
}

static int run(void *argument, const struct bound *bound, size_t bound_count,
               struct source_watch *watch, source_row *row, void *row_argument,
               struct kt_error *error)
{
    struct connection *connection = argument;
    const char *values[POSTGRES_PARAMETERS_MAX];
    if (connection->is_broken)
        return kt_error_set(error, -EIO, "%s: the connection is lost", connection->name);
    TALLOC_CTX *memory = talloc_new(connection);
    int result = memory
                     ? postgres_bind(memory, connection->query, bound, bound_count, values, error)
                     : kt_error_set(error, -ENOMEM, "out of memory");
    if (result == 0)
        result = begin(connection, watch, error);
    if (result == 0 &&
        (!PQsendQueryPrepared(connection->server, STATEMENT, (int)connection->query->name_count,
                              values, NULL, NULL, 0) ||
         !PQsetSingleRowMode(connection->server)))
        result = tell_connection(connection, error);
    if (result == 0)
        result = take_answers(connection, watch, row, row_argument, error);
    if (!connection->is_broken)
        PQclear(PQexec(connection->server, "ROLLBACK"));
    talloc_free(memory);
    return result;
}

const struct source_kind source_postgres = {
    .is_address = is_address,
    .check = check,
    .open = open_database,
    .prepare = prepare,
    .run = run,
};
