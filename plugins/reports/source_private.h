/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a kind of database is for source.c. A kind knows its client library; it gives fields and
 * values as they are, without columns and definitions.
 */
#ifndef REPORTS_SOURCE_PRIVATE_H
#define REPORTS_SOURCE_PRIVATE_H

#include "source.h"

/** A query has at most so many columns; a spreadsheet holds 16,384, but nobody reads them. */
#define SOURCE_FIELDS_MAX 1000u

/** SQL, and where it is written. */
struct source_query {
    const char *sql;
    const char *path; /**< of the definition, for messages */
    unsigned line;    /**< of the first line of the SQL */
};

/** A column of a query's result. */
struct source_field {
    const char *name;
    enum report_type type; /**< if is_typed */
    bool is_typed;         /**< else the values decide */
};

/** The time and the patience that a query has. */
struct source_watch {
    const struct source_limits *limits;
    int64_t deadline_ms, next_question_ms; /**< on the monotonic clock */
    int stopped; /**< 0, or why it was ended */
};

/** Whether to go on; cheap enough for thousands of calls a second. @return 0, -ECANCELED, -ETIMEDOUT */
int source_watch_check(struct source_watch *watch);

/** Words for a query that a watch has ended. @return its code */
int source_watch_error(const struct source_watch *watch, struct kt_error *error);

/** Gets a row; may change the values. @return 0 to go on, or a negative errno */
typedef int source_row(void *argument, struct report_value *values);

struct source_kind {
    bool (*is_address)(const char *address);
    /** Whether an address is right, without opening it. */
    int (*check)(const char *address, struct kt_error *error);
    /** @param ret_connection  owned by the context, which closes it */
    int (*open)(TALLOC_CTX *context, const char *name, const char *address, void **ret_connection,
                struct kt_error *error);
    /** As source_load; NULL: there is nothing to load. */
    int (*load)(void *connection, int fd, struct kt_error *error);
    /** Prepare a query, instead of the one before. @param ret_fields  owned by the context */
    int (*prepare)(void *connection, TALLOC_CTX *context, const struct source_query *query,
                   struct source_field **ret_fields, size_t *ret_count, struct kt_error *error);
    /** Run what was prepared. A negative result of row ends it and is returned, without other words. */
    int (*run)(void *connection, const struct bound *bound, size_t bound_count,
               struct source_watch *watch, source_row *row, void *argument,
               struct kt_error *error);
};

extern const struct source_kind source_sqlite, source_postgres, source_calendar;

/** A connection of source_sqlite to an empty database in memory. @return as source_kind.open */
int source_sqlite_open_memory(TALLOC_CTX *context, const char *name, void **ret_connection,
                              struct kt_error *error);

/**
 * Run one statement of our own on it, which may write; queries still can't.
 * @param text  bound as ?1, if the statement has it
 */
int source_sqlite_write(void *connection, const char *statement, const char *text, size_t size,
                        struct kt_error *error);

#endif
