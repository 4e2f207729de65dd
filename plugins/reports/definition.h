/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A report's definition: a file of SQL whose leading comments say what it is; see kontor-reports(5).
 * Knows text and its meaning, no databases.
 */
#ifndef REPORTS_DEFINITION_H
#define REPORTS_DEFINITION_H

#include "sink.h"
#include "wall_clock.h"

#include <talloc.h>

/** The source that is people's own calendars, and the parameters that say which days. */
#define DEFINITION_CALENDAR "calendar"
#define DEFINITION_FROM "from"
#define DEFINITION_TO "to"
#define DEFINITION_ZONE "zone"

enum parameter_type {
    PARAMETER_DATE,
    PARAMETER_DATETIME,
    PARAMETER_INTEGER,
    PARAMETER_NUMBER,
    PARAMETER_TEXT,
    PARAMETER_CHOICE,
    PARAMETER_CHOICES, /**< several of them: bound as a JSON array, for json_each or = ANY */
    PARAMETER_TYPES,   /**< how many there are; no type */
};

struct parameter {
    const char *name; /**< [a-z][a-z0-9_]*, ":name" in the query */
    const char *label;
    enum parameter_type type;
    bool is_required;
    const char *default_value; /**< as written: "today-2", "5", …; NULL: none */
    const char *values_query;  /**< SQL for the choices; NULL when `choices` lists them */
    const char *const *choices; /**< ends with NULL; NULL when a query does */
    unsigned line;             /**< where it is declared */
};

struct definition {
    const char *name;  /**< the file's name without .sql: [a-z][a-z0-9-]*, at most 32 */
    const char *path;
    const char *title, *summary; /**< summary: "" if there is none */
    const char *source; /**< name of a source of the configuration, or DEFINITION_CALENDAR */
    bool is_personal;   /**< of that: its rows are those of whoever asks, and nobody else's */
    const char *const *roles; /**< ends with NULL; empty: everybody */
    const struct wall_clock *clock; /**< which says what day it is; NULL: that of the plugin */
    int64_t timeout_ms, retention_ms;
    size_t parameter_count;
    const struct parameter *parameters;
    size_t column_count; /**< declared ones; what the query has besides is text or number by its values */
    const struct report_column *columns;
    const unsigned *column_lines; /**< where each is declared */
    enum report_chart chart;
    const char *chart_x;
    const char *const *chart_y; /**< ends with NULL */
    const char *sql; /**< one statement that asks, at least to the eye; see sql_text.h */
    unsigned sql_line;  /**< the line of the file that the SQL begins in */
    char version[17];   /**< hash of the file in hex: another query is another report */
};

/** Where and what: "sales.sql:7: …". The callee of `complain` keeps them all. */
struct definition_problems {
    void (*complain)(void *argument, const char *text);
    void *argument;
};

/**
 * Read one definition.
 * @param ret_definition  owned by the context
 * @return 0, -EINVAL (the problems say why, with file and line), -ENOMEM, or what opening it gave
 */
int definition_read(TALLOC_CTX *context, const char *path,
                    const struct definition_problems *problems,
                    struct definition **ret_definition);

/** Read every *.sql of a directory, in the order of names. @return as definition_read */
int definitions_read(TALLOC_CTX *context, const char *directory,
                     const struct definition_problems *problems, struct definition ***ret_list,
                     size_t *ret_count);

#endif
