/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A source runs a query and gives its rows to a sink. Sources are databases that the configuration
 * names, SQLite and PostgreSQL, and whoever asks' own calendars. They block: in a worker only on the thread pool, in a job as it is.
 */
#ifndef REPORTS_SOURCE_H
#define REPORTS_SOURCE_H

#include "definition.h"

/** A bound parameter; the text form is canonical (see parameters.h). */
struct bound {
    const char *name;
    enum parameter_type type;
    const char *value; /**< NULL: SQL NULL */
};

/** What a query may use, and how it is stopped. */
struct source_limits {
    int64_t timeout_ms;
    bool (*is_cancelled)(void *argument); /**< asked several times a second */
    void *argument;
};

struct source;

/**
 * Open a source for one query or a few.
 * @param address  "sqlite:/path/to.db" or a PostgreSQL connection string "postgresql://…" (libpq)
 * @param ret_source  owned by the context, which closes it
 * @return 0 or a negative errno with words that name the source, and no password
 */
int source_open(TALLOC_CTX *context, const char *name, const char *address,
                struct source **ret_source, struct kt_error *error);

/**
 * Give a source the rows that it is about, if it has none of its own: those of a calendar.
 * @param fd  a file that kt_job_input names
 * @return 0, also for a source that needs none, or a negative errno with the words
 */
int source_load(struct source *source, int fd, struct kt_error *error);

/** Whether an address is one, without opening it. @return 0, -EINVAL with the words */
int source_check(const char *address, struct kt_error *error);

/**
 * Prepare a query and compare it with its definition: every parameter known, every declared column
 * there. @return 0, -EINVAL with the words, where the database knows it with the line in the file
 */
int source_prepare(struct source *source, const struct definition *definition,
                   struct kt_error *error);

/** As source_prepare, and the queries for choices before it; for `kontord -t`. */
int source_check_definition(struct source *source, const struct definition *definition,
                            struct kt_error *error);

/**
 * The columns of the query that was prepared last, in its order: declared ones as they are declared,
 * others as the database knows them. The types of those that it does not know are decided by the
 * first row.
 * @return borrowed until the next query is prepared
 */
const struct report_column *source_columns(const struct source *source, size_t *ret_count);

/**
 * Run a definition's query into a sink: begin (also when there is no row), rows, but not end.
 * Columns and values come in the query's order.
 * @param rows  called after every row with how many there were; true ends it (-ECANCELED); may be NULL
 * @return 0, -ECANCELED, -ETIMEDOUT, -EPERM (the query wants to write) … with the words
 */
int source_run(struct source *source, const struct definition *definition,
               const struct bound *bound, size_t bound_count, const struct source_limits *limits,
               struct report_sink *sink, bool (*rows)(void *argument, uint64_t count),
               void *argument, struct kt_error *error);

/**
 * Run a query for the choices of a parameter: its first column is the value, its second, if there
 * is one, the label. @param ret_list  owned by the context: value, label, value, label …, NULL
 */
int source_choices(struct source *source, TALLOC_CTX *context, const char *sql,
                   const struct source_limits *limits, char ***ret_list, struct kt_error *error);

#endif
