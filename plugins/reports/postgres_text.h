/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A report's query as PostgreSQL wants it: :name becomes $1, and values become its literals. Knows
 * texts, no connection.
 */
#ifndef REPORTS_POSTGRES_TEXT_H
#define REPORTS_POSTGRES_TEXT_H

#include "source.h"

/** Different parameters of a query; a definition has fewer. */
#define POSTGRES_PARAMETERS_MAX 64u

struct postgres_query {
    const char *sql;
    size_t name_count;
    const char *names[POSTGRES_PARAMETERS_MAX]; /**< of $1, $2, …: each name once */
};

/** Rewrite a query. @return owned by the context; NULL: no memory, or too many parameters */
struct postgres_query *postgres_rewrite(TALLOC_CTX *context, const char *sql);

/** The lines before a place, which the server counts in characters from 1. */
unsigned postgres_line_of(const struct postgres_query *query, size_t position);

/**
 * The name of the parameter that a message calls "$1".
 * @param ret_lines  the lines before its first place in the query
 * @return NULL: the message has none
 */
const char *postgres_name_in(const struct postgres_query *query, const char *message,
                             unsigned *ret_lines);

/**
 * The value of each parameter of the query; choices become an array.
 * @param ret_values  as many as names; owned by the context or borrowed from bound
 * @return 0, -EINVAL, -ENOMEM with the words
 */
int postgres_bind(TALLOC_CTX *context, const struct postgres_query *query,
                  const struct bound *bound, size_t bound_count, const char **ret_values,
                  struct kt_error *error);

#endif
