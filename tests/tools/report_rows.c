/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a definition against a database and prints what a sink gets, as lines of JSON: the columns,
 * each row, and how it ended. With --choices NAME the choices of a parameter instead; with
 * --defaults what the form shows. SIGTERM cancels.
 *
 * usage: report_rows [--timeout MS] [--choices NAME | --defaults] DEFINITION ADDRESS [name=value …]
 */
#include "reports/parameters.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ENTERED_MAX 64

static volatile sig_atomic_t is_terminated;

struct rows {
    struct report_sink sink;
    size_t count; /**< of the columns */
};

static void terminate(int number)
{
    (void)number;
    is_terminated = 1;
}

static bool is_cancelled(void *argument)
{
    (void)argument;
    return is_terminated;
}

static void complain(void *argument, const char *text)
{
    (void)argument;
    fprintf(stderr, "%s\n", text);
}

/** Print a line, and give it away at once: the test waits for it. */
static void print(cJSON *line)
{
    char *text = cJSON_PrintUnformatted(line);
    puts(text);
    fflush(stdout);
    cJSON_free(text);
    cJSON_Delete(line);
}

static cJSON *make_value(const struct report_value *value)
{
    char text[32];
    switch (value->form) {
    case REPORT_IS_TEXT: {
        char *copy = strndup(value->text, value->size);
        cJSON *made = cJSON_CreateString(copy);
        free(copy);
        return made;
    }
    case REPORT_IS_INTEGER:
        snprintf(text, sizeof text, "%" PRId64, value->integer);
        return cJSON_CreateRaw(text);
    case REPORT_IS_REAL:
        snprintf(text, sizeof text, "%.17g", value->real);
        return value->real - value->real == 0 ? cJSON_CreateRaw(text) : cJSON_CreateString(text);
    case REPORT_NULL:
        break;
    }
    return cJSON_CreateNull();
}

static int print_columns(struct report_sink *sink, const struct report_column *columns,
                         size_t count, struct kt_error *error)
{
    (void)error;
    cJSON *line = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(line, "columns");
    for (size_t i = 0; i < count; i++) {
        cJSON *pair = cJSON_CreateArray();
        cJSON_AddItemToArray(pair, cJSON_CreateString(columns[i].name));
        cJSON_AddItemToArray(pair, cJSON_CreateString(report_type_name(columns[i].type)));
        cJSON_AddItemToArray(list, pair);
    }
    ((struct rows *)sink)->count = count;
    print(line);
    return 0;
}

static int print_row(struct report_sink *sink, const struct report_value *values,
                     struct kt_error *error)
{
    (void)error;
    cJSON *line = cJSON_CreateArray();
    for (size_t i = 0; i < ((struct rows *)sink)->count; i++)
        cJSON_AddItemToArray(line, make_value(&values[i]));
    print(line);
    return 0;
}

static int print_end(int result, const struct kt_error *error)
{
    cJSON *line = cJSON_CreateObject();
    cJSON_AddStringToObject(line, "end", result < 0 ? strerrorname_np(-result) : "");
    cJSON_AddStringToObject(line, "text", result < 0 ? error->text : "");
    print(line);
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int print_choices(TALLOC_CTX *memory, struct source *source,
                         const struct definition *definition, const char *name,
                         const struct source_limits *limits)
{
    struct kt_error error = {0};
    char **list;
    for (size_t i = 0; i < definition->parameter_count; i++) {
        if (strcmp(definition->parameters[i].name, name) != 0)
            continue;
        int result = source_choices(source, memory, definition->parameters[i].values_query, limits,
                                    &list, &error);
        for (size_t at = 0; result == 0 && list[at]; at += 2) {
            cJSON *pair = cJSON_CreateArray();
            cJSON_AddItemToArray(pair, cJSON_CreateString(list[at]));
            cJSON_AddItemToArray(pair, cJSON_CreateString(list[at + 1]));
            print(pair);
        }
        return print_end(result, &error);
    }
    return EXIT_FAILURE;
}

static int print_defaults(TALLOC_CTX *memory, const struct definition *definition, int64_t now_ms)
{
    cJSON *line = cJSON_CreateObject();
    for (size_t i = 0; i < definition->parameter_count; i++) {
        const char *value = parameter_default(memory, &definition->parameters[i], now_ms);
        cJSON_AddItemToObject(line, definition->parameters[i].name,
                              value ? cJSON_CreateString(value) : cJSON_CreateNull());
    }
    print(line);
    return EXIT_SUCCESS;
}

/** What is asked for on the command line. */
struct task {
    const char *path, *address, *choices;
    bool wants_defaults;
    int64_t timeout_ms;
    struct entered entered[ENTERED_MAX];
    size_t entered_count;
};

static bool read_arguments(char **argv, struct task *task)
{
    for (argv++; *argv && strncmp(*argv, "--", 2) == 0; argv++) {
        task->wants_defaults |= strcmp(*argv, "--defaults") == 0;
        if (strcmp(*argv, "--timeout") == 0 && argv[1])
            task->timeout_ms = atoll(*++argv);
        else if (strcmp(*argv, "--choices") == 0 && argv[1])
            task->choices = *++argv;
    }
    if (!argv[0] || !argv[1])
        return false;
    task->path = *argv++;
    task->address = *argv++;
    for (; *argv && task->entered_count < ENTERED_MAX; argv++) {
        char *equals = strchr(*argv, '=');
        if (!equals)
            return false;
        *equals = '\0';
        task->entered[task->entered_count++] = (struct entered){*argv, equals + 1};
    }
    return true;
}

static int run(TALLOC_CTX *memory, const struct task *task)
{
    const struct definition_problems problems = {complain, NULL};
    const struct source_limits limits = {task->timeout_ms, is_cancelled, NULL};
    struct rows rows = {.sink = {.begin = print_columns, .row = print_row}};
    int64_t now_ms = (int64_t)time(NULL) * 1000; /* the examples are of a shop in UTC */
    struct kt_error error = {0};
    struct definition *definition;
    struct source *source;
    struct bound *bound;
    if (definition_read(memory, task->path, &problems, &definition) < 0)
        return EXIT_FAILURE;
    if (task->wants_defaults)
        return print_defaults(memory, definition, now_ms);
    int result = source_open(memory, definition->source, task->address, &source, &error);
    if (result == 0 && task->choices)
        return print_choices(memory, source, definition, task->choices, &limits);
    if (result == 0)
        result = source_prepare(source, definition, &error);
    if (result == 0)
        result = parameters_bind(memory, definition, task->entered, task->entered_count, now_ms,
                                 &bound, &error);
    if (result == 0)
        result = source_run(source, definition, bound, definition->parameter_count, &limits,
                            &rows.sink, NULL, NULL, &error);
    return print_end(result, &error);
}

int main(int argc, char **argv)
{
    struct task task = {.timeout_ms = 60000};
    (void)argc;
    if (!read_arguments(argv, &task)) {
        fprintf(stderr, "usage: report_rows [--timeout MS] [--choices NAME | --defaults] "
                        "DEFINITION ADDRESS [name=value ...]\n");
        return 2;
    }
    signal(SIGTERM, terminate);
    TALLOC_CTX *memory = talloc_new(NULL);
    int status = run(memory, &task);
    talloc_free(memory);
    return status;
}
