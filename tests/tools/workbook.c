/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes a workbook from a description, so that others can read it and compare; CSV if the file's
 * name ends so:
 *
 *   workbook FILE < DESCRIPTION
 *
 * Lines of words; texts are hexadecimal, since they may hold anything, and "." if they are empty:
 *   title TEXT
 *   parameter LABEL VALUE
 *   chart KIND X Y …            KIND as a number of struct report_about, then indices of columns
 *   column TYPE TOTAL TITLE FORMAT
 *   row VALUE …                 "-" NULL, "t" and a text, "i" and an integer, "r" and a number
 *   rows COUNT VALUE …          the same row so many times
 */
#include "reports/csv.h"
#include "reports/xlsx.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COLUMNS_MAX 64u
#define PARAMETERS_MAX 4096u

struct description {
    TALLOC_CTX *memory;
    struct report_about about;
    const char *labels[PARAMETERS_MAX], *values[PARAMETERS_MAX];
    size_t chart_y[COLUMNS_MAX];
    struct report_column columns[COLUMNS_MAX];
    size_t count;
    struct report_sink *sink;
    bool is_begun;
};

/** For temporary files; it goes when we end, whatever happens. */
static char directory[] = "/tmp/kontor-workbook-XXXXXX";

static void remove_directory(void)
{
    if (rmdir(directory) < 0) {
        fprintf(stderr, "%s: %s\n", directory, strerror(errno));
        _exit(1);
    }
}

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static void must(int result, const struct kt_error *error)
{
    if (result < 0)
        die(error->text);
}

static unsigned digit(char character)
{
    return character <= '9' ? (unsigned)(character - '0') : (unsigned)(character - 'a') + 10;
}

/** The text of a hexadecimal word, with a NUL behind. */
static const char *text_of(TALLOC_CTX *context, const char *word, size_t *ret_size)
{
    size_t size = strcmp(word, ".") == 0 ? 0 : strlen(word) / 2;
    char *text = talloc_zero_size(context, size + 1);
    for (size_t i = 0; i < size; i++)
        text[i] = (char)(digit(word[2 * i]) << 4 | digit(word[2 * i + 1]));
    if (ret_size)
        *ret_size = size;
    return text;
}

static const char *next_text(TALLOC_CTX *context)
{
    const char *word = strtok(NULL, " ");
    return word ? text_of(context, word, NULL) : "";
}

static struct report_value value_of(TALLOC_CTX *context, const char *word)
{
    struct report_value value = {.form = REPORT_NULL};
    switch (word[0]) {
    case 't':
        value.form = REPORT_IS_TEXT;
        value.text = text_of(context, word + 1, &value.size);
        break;
    case 'i':
        value.form = REPORT_IS_INTEGER;
        value.integer = strtoll(word + 1, NULL, 10);
        break;
    case 'r':
        value.form = REPORT_IS_REAL;
        value.real = strtod(word + 1, NULL);
        break;
    default:
        break;
    }
    return value;
}

static void begin(struct description *description)
{
    struct kt_error error;
    if (!description->is_begun)
        must(description->sink->begin(description->sink, description->columns, description->count,
                                      &error),
             &error);
    description->is_begun = true;
}

static void add_rows(struct description *description, unsigned long count)
{
    struct report_value values[COLUMNS_MAX] = {{.form = REPORT_NULL}};
    struct kt_error error;
    TALLOC_CTX *row = talloc_new(description->memory);
    begin(description);
    for (size_t i = 0; i < description->count; i++) {
        const char *word = strtok(NULL, " ");
        values[i] = value_of(row, word ? word : "-");
    }
    for (unsigned long i = 0; i < count; i++)
        must(description->sink->row(description->sink, values, &error), &error);
    talloc_free(row);
}

static void read_chart(struct report_about *about, size_t *chart_y)
{
    const char *word = strtok(NULL, " ");
    about->chart = word ? (unsigned)atoi(word) : 0;
    word = strtok(NULL, " ");
    about->chart_x = word ? strtoul(word, NULL, 10) : 0;
    while ((word = strtok(NULL, " ")) && about->chart_count < COLUMNS_MAX)
        chart_y[about->chart_count++] = strtoul(word, NULL, 10);
}

static void read_column(struct description *description)
{
    struct report_column *column = &description->columns[description->count++];
    const char *type = strtok(NULL, " "), *total = strtok(NULL, " ");
    column->name = "column";
    column->type = type ? report_type_find(type) : REPORT_TEXT;
    column->total = total ? (enum report_total)atoi(total) : REPORT_NO_TOTAL;
    column->title = next_text(description->memory);
    column->format = next_text(description->memory);
}

static void read_line(struct description *description, char *line)
{
    struct report_about *about = &description->about;
    const char *word = strtok(line, " ");
    if (strcmp(word, "title") == 0) {
        about->title = next_text(description->memory);
    } else if (strcmp(word, "parameter") == 0 && about->parameter_count < PARAMETERS_MAX) {
        description->labels[about->parameter_count] = next_text(description->memory);
        description->values[about->parameter_count++] = next_text(description->memory);
    } else if (strcmp(word, "chart") == 0) {
        read_chart(about, description->chart_y);
    } else if (strcmp(word, "column") == 0 && description->count < COLUMNS_MAX) {
        read_column(description);
    } else if (strcmp(word, "row") == 0) {
        add_rows(description, 1);
    } else if (strcmp(word, "rows") == 0) {
        const char *count = strtok(NULL, " ");
        add_rows(description, count ? strtoul(count, NULL, 10) : 0);
    } else {
        die("a line is not understood");
    }
}

static bool is_csv(const char *path)
{
    size_t length = strlen(path);
    return length > 4 && strcmp(path + length - 4, ".csv") == 0;
}

int main(int argc, char **argv)
{
    struct description *description = talloc_zero(NULL, struct description);
    char *line = NULL;
    struct kt_error error;
    size_t size = 0;
    ssize_t length;
    int fd = argc == 2 ? open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;
    if (!description || fd < 0 || !mkdtemp(directory))
        die("usage: workbook FILE < DESCRIPTION");
    atexit(remove_directory);
    description->memory = description;
    description->about = (struct report_about){
        .title = "",
        .who = "ada",
        .version = "0123456789abcdef",
        .made_ms = 1795250000000,
        .parameter_labels = description->labels,
        .parameter_values = description->values,
        .chart_y = description->chart_y,
    };
    must(is_csv(argv[1]) ? report_csv_new(description, fd, true, &description->sink, &error)
                         : report_xlsx_new(description, fd, directory, &description->about,
                                           &description->sink, &error),
         &error);
    while ((length = getline(&line, &size, stdin)) > 0) {
        if (line[length - 1] == '\n')
            line[length - 1] = '\0';
        read_line(description, line);
    }
    free(line);
    begin(description);
    int result = description->sink->end(description->sink, NULL, NULL, &error);
    talloc_free(description);
    must(result, &error);
    return close(fd) < 0;
}
