/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables of text for a terminal.
 */
#include "control/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define GAP "  "

struct kt_table {
    const char *const *headings;
    size_t columns;
    size_t count, size; /**< cells */
    char **cells;
};

struct kt_table *kt_table_new(const char *const *headings)
{
    struct kt_table *table = calloc(1, sizeof(*table));
    if (table == NULL)
        return NULL;
    table->headings = headings;
    while (headings[table->columns] != NULL)
        table->columns++;
    return table;
}

/** Make a text harmless for a terminal, in place. */
static void clean(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

void kt_table_cell(struct kt_table *table, const char *format, ...)
{
    if (table->count == table->size) {
        size_t size = table->size == 0 ? 64 : table->size * 2;
        char **cells = realloc(table->cells, size * sizeof(*cells));
        if (cells == NULL)
            return;
        table->cells = cells;
        table->size = size;
    }
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length >= 0)
        text = malloc((size_t)length + 1);
    if (text != NULL) {
        va_start(arguments, format);
        vsnprintf(text, (size_t)length + 1, format, arguments);
        va_end(arguments);
        clean(text);
    }
    table->cells[table->count++] = text;
}

bool kt_table_has_rows(const struct kt_table *table)
{
    return table->count > 0;
}

static const char *heading(const struct kt_table *table, size_t column, bool *ret_is_right)
{
    const char *text = table->headings[column];
    *ret_is_right = text[0] == '>';
    return *ret_is_right ? text + 1 : text;
}

/** Characters of UTF-8 text. */
static int width_of(const char *text)
{
    int width = 0;
    for (; text != NULL && *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void print_cell(FILE *stream, const char *text, int width, bool is_right, bool is_last)
{
    int padding = width - width_of(text);
    if (is_right)
        fprintf(stream, "%*s", padding, "");
    fputs(text != NULL ? text : "", stream);
    if (!is_right && !is_last)
        fprintf(stream, "%*s", padding, "");
    fputs(is_last ? "\n" : GAP, stream);
}

void kt_table_print(struct kt_table *table, int indent, FILE *stream)
{
    int widths[KT_TABLE_COLUMNS_MAX] = {0};
    bool is_right[KT_TABLE_COLUMNS_MAX];
    size_t columns = table->columns;
    for (size_t i = 0; i < columns; i++)
        widths[i] = width_of(heading(table, i, &is_right[i]));
    for (size_t i = 0; i < table->count; i++)
        if (width_of(table->cells[i]) > widths[i % columns])
            widths[i % columns] = width_of(table->cells[i]);
    fprintf(stream, "%*s", indent, "");
    for (size_t i = 0; i < columns; i++)
        print_cell(stream, heading(table, i, &is_right[i]), widths[i], is_right[i],
                   i + 1 == columns);
    for (size_t i = 0; i < table->count; i++) {
        size_t column = i % columns;
        if (column == 0)
            fprintf(stream, "%*s", indent, "");
        print_cell(stream, table->cells[i], widths[column], is_right[column],
                   column + 1 == columns);
        free(table->cells[i]);
    }
    free(table->cells);
    free(table);
}
