/* SPDX-License-Identifier: BSD-2-Clause */
/* From the fields of a query to the columns of a report, and its rows into a sink. */
#include "source_private.h"

#include "fit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/** How often somebody is asked whether to cancel. */
#define QUESTION_MS 50
/** Choices of a parameter, and bytes of one; nobody picks from a longer list or reads more. */
#define CHOICES_MAX 1000u
#define CHOICE_MAX_BYTES 1000u

struct source {
    const char *name;
    const struct source_kind *kind;
    void *connection;
    const struct definition *prepared; /**< whose query is prepared, or NULL */
    TALLOC_CTX *memory;                /**< of the columns */
    struct report_column *columns;
    bool *is_typed; /**< of each column: its type is known before the first row */
    size_t column_count;
};

/* ---------------------------------------------------------------- patience */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct source_watch start_watch(const struct source_limits *limits)
{
    return (struct source_watch){.limits = limits, .deadline_ms = now_ms() + limits->timeout_ms};
}

int source_watch_check(struct source_watch *watch)
{
    int64_t now = now_ms();
    if (watch->stopped)
        return watch->stopped;
    if (now >= watch->deadline_ms) {
        watch->stopped = -ETIMEDOUT;
    } else if (watch->limits->is_cancelled && now >= watch->next_question_ms) {
        watch->next_question_ms = now + QUESTION_MS;
        if (watch->limits->is_cancelled(watch->limits->argument))
            watch->stopped = -ECANCELED;
    }
    return watch->stopped;
}

int source_watch_error(const struct source_watch *watch, struct kt_error *error)
{
    if (watch->stopped == -ETIMEDOUT)
        return kt_error_set(error, -ETIMEDOUT, "the query took longer than %.3g s",
                            (double)watch->limits->timeout_ms / 1000);
    return kt_error_set(error, watch->stopped, "the query was cancelled");
}

/* ---------------------------------------------------------------- opening */

static const struct source_kind *find_kind(const char *address)
{
    static const struct source_kind *const kinds[] = {&source_sqlite, &source_postgres,
                                                      &source_calendar};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i]->is_address(address))
            return kinds[i];
    return NULL;
}

int source_check(const char *address, struct kt_error *error)
{
    const struct source_kind *kind = find_kind(address);
    if (!kind)
        return kt_error_set(error, -EINVAL, "an address begins with sqlite:/ or postgresql://");
    return kind->check(address, error);
}

int source_open(TALLOC_CTX *context, const char *name, const char *address,
                struct source **ret_source, struct kt_error *error)
{
    struct kt_error why;
    int result = source_check(address, &why);
    if (result < 0)
        return kt_error_set(error, result, "%s: %s", name, why.text);
    struct source *source = talloc_zero(context, struct source);
    if (!source)
        return kt_error_set(error, -ENOMEM, "out of memory");
    source->name = talloc_strdup(source, name);
    source->kind = find_kind(address);
    source->memory = talloc_new(source);
    result = source->name && source->memory
                 ? source->kind->open(source, name, address, &source->connection, error)
                 : kt_error_set(error, -ENOMEM, "out of memory");
    if (result < 0)
        talloc_free(source);
    else
        *ret_source = source;
    return result;
}

int source_load(struct source *source, int fd, struct kt_error *error)
{
    return source->kind->load ? source->kind->load(source->connection, fd, error) : 0;
}

/* ---------------------------------------------------------------- columns */

/** The names of all fields, as far as a message has room. */
static const char *list_fields(const struct source_field *fields, size_t count, char *text,
                               size_t size)
{
    size_t length = 0;
    *text = '\0';
    for (size_t i = 0; i < count && length < size; i++)
        length += (size_t)snprintf(text + length, size - length, "%s%s", i > 0 ? ", " : "",
                                   fields[i].name);
    return text;
}

static size_t find_field(const struct source_field *fields, size_t count, const char *name)
{
    size_t index = 0;
    while (index < count && strcmp(fields[index].name, name) != 0)
        index++;
    return index;
}

static int check_fields(const struct definition *definition, const struct source_field *fields,
                        size_t count, struct kt_error *error)
{
    char list[KT_ERROR_TEXT_MAX / 2];
    for (size_t i = 0; i < count; i++)
        if (find_field(fields, count, fields[i].name) < i)
            return kt_error_set(error, -EINVAL, "%s:%u: the query has two columns '%s'",
                                definition->path, definition->sql_line, fields[i].name);
    for (size_t i = 0; i < definition->column_count; i++)
        if (find_field(fields, count, definition->columns[i].name) == count)
            return kt_error_set(error, -EINVAL, "%s:%u: the query has no column '%s', but %s",
                                definition->path, definition->column_lines[i],
                                definition->columns[i].name,
                                list_fields(fields, count, list, sizeof list));
    return 0;
}

static struct report_column make_column(const struct definition *definition,
                                        const struct source_field *field, bool *ret_is_typed)
{
    for (size_t i = 0; i < definition->column_count; i++) {
        if (strcmp(definition->columns[i].name, field->name) == 0) {
            *ret_is_typed = true;
            return definition->columns[i];
        }
    }
    *ret_is_typed = field->is_typed;
    return (struct report_column){.name = field->name,
                                  .title = field->name,
                                  .type = field->is_typed ? field->type : REPORT_NUMBER};
}

int source_prepare(struct source *source, const struct definition *definition,
                   struct kt_error *error)
{
    const struct source_query query = {definition->sql, definition->path, definition->sql_line};
    struct source_field *fields;
    size_t count;
    source->prepared = NULL;
    source->column_count = 0;
    talloc_free_children(source->memory);
    int result =
        source->kind->prepare(source->connection, source->memory, &query, &fields, &count, error);
    if (result == 0)
        result = check_fields(definition, fields, count, error);
    if (result < 0)
        return result;
    source->columns = talloc_array(source->memory, struct report_column, (unsigned)count);
    source->is_typed = talloc_array(source->memory, bool, (unsigned)count);
    if (!source->columns || !source->is_typed)
        return kt_error_set(error, -ENOMEM, "out of memory");
    for (size_t i = 0; i < count; i++)
        source->columns[i] = make_column(definition, &fields[i], &source->is_typed[i]);
    source->column_count = count;
    source->prepared = definition;
    return 0;
}

int source_check_definition(struct source *source, const struct definition *definition,
                            struct kt_error *error)
{
    int result = 0;
    source->prepared = NULL;
    source->column_count = 0;
    for (size_t i = 0; i < definition->parameter_count && result == 0; i++) {
        const struct parameter *parameter = &definition->parameters[i];
        const struct source_query query = {parameter->values_query, definition->path,
                                           parameter->line};
        struct source_field *fields;
        size_t count;
        talloc_free_children(source->memory);
        if (parameter->values_query)
            result = source->kind->prepare(source->connection, source->memory, &query, &fields,
                                           &count, error);
    }
    return result == 0 ? source_prepare(source, definition, error) : result;
}

const struct report_column *source_columns(const struct source *source, size_t *ret_count)
{
    *ret_count = source->column_count;
    return source->columns;
}

/* ---------------------------------------------------------------- rows */

/** One run into a sink. */
struct run {
    struct source *source;
    struct report_sink *sink;
    bool (*rows)(void *argument, uint64_t count);
    void *argument;
    struct kt_error *error;
    uint64_t count;
    bool has_begun;
};

/** Columns that nobody has declared get the type of their first value. @param values  NULL: none */
static int begin(struct run *run, const struct report_value *values)
{
    struct source *source = run->source;
    run->has_begun = true;
    for (size_t i = 0; i < source->column_count && values; i++)
        if (!source->is_typed[i])
            source->columns[i].type =
                values[i].form == REPORT_IS_TEXT ? REPORT_TEXT : REPORT_NUMBER;
    return run->sink->begin(run->sink, source->columns, source->column_count, run->error);
}

static int take_row(void *argument, struct report_value *values)
{
    struct run *run = argument;
    struct source *source = run->source;
    int result = run->has_begun ? 0 : begin(run, values);
    for (size_t i = 0; i < source->column_count; i++)
        value_fit(source->columns[i].type, &values[i]);
    if (result == 0)
        result = run->sink->row(run->sink, values, run->error);
    run->count++;
    if (result == 0 && run->rows && run->rows(run->argument, run->count))
        result = kt_error_set(run->error, -ECANCELED, "the query was cancelled");
    return result;
}

int source_run(struct source *source, const struct definition *definition,
               const struct bound *bound, size_t bound_count, const struct source_limits *limits,
               struct report_sink *sink, bool (*rows)(void *argument, uint64_t count),
               void *argument, struct kt_error *error)
{
    struct run run = {source, sink, rows, argument, error, 0, false};
    struct source_watch watch = start_watch(limits);
    int result = source->prepared == definition ? 0 : source_prepare(source, definition, error);
    if (result == 0)
        result = source->kind->run(source->connection, bound, bound_count, &watch, take_row, &run,
                                   error);
    if (result == 0 && !run.has_begun)
        result = begin(&run, NULL);
    return result;
}

/* ---------------------------------------------------------------- choices */

struct choices {
    char **list;
    size_t count, field_count; /**< of pairs; of the query */
    struct kt_error *error;
};

static char *value_text(TALLOC_CTX *context, const struct report_value *value)
{
    switch (value->form) {
    case REPORT_IS_TEXT:
        return talloc_strndup(context, value->text, value->size);
    case REPORT_IS_INTEGER:
        return talloc_asprintf(context, "%" PRId64, value->integer);
    case REPORT_IS_REAL:
        return talloc_asprintf(context, "%.15g", value->real);
    case REPORT_NULL:
        break;
    }
    return talloc_strdup(context, "");
}

static int take_choice(void *argument, struct report_value *values)
{
    struct choices *choices = argument;
    if (values[0].form == REPORT_NULL) /* is no choice, but the absence of one */
        return 0;
    if (choices->count == CHOICES_MAX)
        return kt_error_set(choices->error, -E2BIG, "there are more than %u choices", CHOICES_MAX);
    for (size_t i = 0; i < 2 && i < choices->field_count; i++)
        if (values[i].form == REPORT_IS_TEXT && values[i].size > CHOICE_MAX_BYTES)
            return kt_error_set(choices->error, -E2BIG, "a choice has more than %u bytes",
                                CHOICE_MAX_BYTES);
    char **pair = &choices->list[2 * choices->count];
    bool has_label = choices->field_count > 1 && values[1].form != REPORT_NULL;
    pair[0] = value_text(choices->list, &values[0]);
    pair[1] = value_text(choices->list, &values[has_label ? 1 : 0]);
    if (!pair[0] || !pair[1])
        return kt_error_set(choices->error, -ENOMEM, "out of memory");
    choices->count++;
    return 0;
}

int source_choices(struct source *source, TALLOC_CTX *context, const char *sql,
                   const struct source_limits *limits, char ***ret_list, struct kt_error *error)
{
    const struct source_query query = {sql, source->name, 1};
    struct source_watch watch = start_watch(limits);
    struct choices choices = {.error = error};
    struct source_field *fields;
    source->prepared = NULL;
    source->column_count = 0;
    talloc_free_children(source->memory);
    choices.list = talloc_zero_array(context, char *, 2 * CHOICES_MAX + 1);
    int result = choices.list ? source->kind->prepare(source->connection, source->memory, &query,
                                                      &fields, &choices.field_count, error)
                              : kt_error_set(error, -ENOMEM, "out of memory");
    if (result == 0)
        result =
            source->kind->run(source->connection, NULL, 0, &watch, take_choice, &choices, error);
    if (result < 0)
        talloc_free(choices.list);
    else
        *ret_list = choices.list;
    return result;
}
