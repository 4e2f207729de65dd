/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directives "column": name type ["format"] [sum|average|min|max|count] [title="…"], and
 * "chart": line|bar|stacked|pie x=name y=name,name.
 */
#include "definition_reader.h"
#include "number_format.h"

#include <string.h>

static bool is_amount(enum report_type type)
{
    return type == REPORT_INTEGER || type == REPORT_NUMBER || type == REPORT_MONEY ||
           type == REPORT_PERCENT || type == REPORT_DURATION;
}

/* ---------------------------------------------------------------- column */

static enum report_total find_total(const char *word)
{
    static const struct {
        const char *word;
        enum report_total total;
    } totals[] = {
        {"sum", REPORT_SUM},     {"average", REPORT_AVERAGE}, {"min", REPORT_MINIMUM},
        {"max", REPORT_MAXIMUM}, {"count", REPORT_COUNT},
    };
    for (size_t i = 0; i < sizeof totals / sizeof *totals; i++)
        if (strcmp(totals[i].word, word) == 0)
            return totals[i].total;
    return REPORT_NO_TOTAL;
}

static void read_attribute(struct definition_reader *reader, struct report_column *column,
                           const struct definition_word *word)
{
    const char *text = definition_text(reader, word->value, word->value_size);
    enum report_total total = word->key ? REPORT_NO_TOTAL : find_total(text);
    if (definition_is_key(word, "title")) {
        column->title = definition_value(reader, word, "title", DEFINITION_TITLE_MAX);
    } else if (!word->key && *text == '"') {
        if (column->format)
            definition_complain(reader, reader->line, "column: the format is given twice");
        column->format = definition_value(reader, word, "format", DEFINITION_TITLE_MAX);
    } else if (total != REPORT_NO_TOTAL) {
        if (column->total != REPORT_NO_TOTAL)
            definition_complain(reader, reader->line, "column: the total is given twice");
        column->total = total;
    } else {
        definition_complain(reader, reader->line,
                            "'%.*s%s%s' is not understood; expected a \"format\", sum, average, "
                            "min, max, count or title=…",
                            (int)word->key_size, word->key ? word->key : "", word->key ? "=" : "",
                            text);
    }
}

static void check_column(struct definition_reader *reader, const struct report_column *column)
{
    bool is_ordered = is_amount(column->type) || column->type == REPORT_DATE ||
                      column->type == REPORT_DATETIME;
    if (column->type == REPORT_TYPES)
        return;
    if (column->format && !is_ordered)
        definition_complain(reader, reader->line, "column: a %s has no format",
                            report_type_name(column->type));
    else if (column->format && !number_format_is_valid(column->format))
        definition_complain(reader, reader->line,
                            "column: '%s' is no number format that spreadsheets take",
                            column->format);
    bool is_right = column->total == REPORT_NO_TOTAL || column->total == REPORT_COUNT ||
                    is_amount(column->type) ||
                    (is_ordered && column->total != REPORT_SUM && column->total != REPORT_AVERAGE);
    if (!is_right)
        definition_complain(reader, reader->line, "column: a %s has no such total",
                            report_type_name(column->type));
}

static size_t find_column(const struct definition_reader *reader, const char *name)
{
    size_t index = 0;
    while (index < reader->definition->column_count &&
           strcmp(reader->columns[index].name, name) != 0)
        index++;
    return index;
}

void definition_read_column(struct definition_reader *reader, const char *text)
{
    struct definition *definition = reader->definition;
    struct definition_word word = {0};
    if (definition->column_count == DEFINITION_COLUMNS_MAX) {
        definition_complain(reader, reader->line, "column: more than %u", DEFINITION_COLUMNS_MAX);
        return;
    }
    struct report_column *column = &reader->columns[definition->column_count];
    *column = (struct report_column){.name = ""};
    if (!definition_next(reader, &text, &word) || word.key)
        definition_complain(reader, reader->line, "column: expected a name and a type");
    else
        column->name = definition_value(reader, &word, "column", DEFINITION_TITLE_MAX);
    size_t earlier = find_column(reader, column->name);
    if (earlier < definition->column_count)
        definition_complain(reader, reader->line, "column: '%s' is on line %u already",
                            column->name, reader->column_lines[earlier]);
    reader->column_lines[definition->column_count++] = reader->line;

    const char *type = "";
    if (definition_next(reader, &text, &word) && !word.key)
        type = definition_text(reader, word.value, word.value_size);
    column->type = report_type_find(type);
    if (column->type == REPORT_TYPES)
        definition_complain(reader, reader->line,
                            "column: '%s' is no type: text, integer, number, money, percent, date, "
                            "datetime, duration or boolean",
                            type);
    while (definition_next(reader, &text, &word))
        read_attribute(reader, column, &word);
    if (!column->title)
        column->title = column->name;
    check_column(reader, column);
}

/* ---------------------------------------------------------------- chart */

static enum report_chart find_chart(const char *word)
{
    static const char *const kinds[] = {
        [REPORT_LINE] = "line",
        [REPORT_BAR] = "bar",
        [REPORT_STACKED_BAR] = "stacked",
        [REPORT_PIE] = "pie",
    };
    for (int kind = REPORT_LINE; kind <= REPORT_PIE; kind++)
        if (strcmp(kinds[kind], word) == 0)
            return (enum report_chart)kind;
    return REPORT_NO_CHART;
}

static void read_series(struct definition_reader *reader, const struct definition_word *word)
{
    struct definition_word rest = *word, part;
    size_t count = 0;
    const char **series = definition_memory(reader, sizeof *series, DEFINITION_SERIES_MAX + 1);
    while (series && definition_next_part(&rest, &part)) {
        if (count == DEFINITION_SERIES_MAX) {
            definition_complain(reader, reader->line, "chart: y has more than %u columns",
                                DEFINITION_SERIES_MAX);
            break;
        }
        series[count++] = definition_value(reader, &part, "chart: y", DEFINITION_TITLE_MAX);
    }
    reader->definition->chart_y = series;
}

void definition_read_chart(struct definition_reader *reader, const char *text)
{
    struct definition *definition = reader->definition;
    struct definition_word word = {0};
    const char *kind = "";
    reader->chart_line = reader->line;
    if (definition_next(reader, &text, &word) && !word.key)
        kind = definition_text(reader, word.value, word.value_size);
    definition->chart = find_chart(kind);
    if (definition->chart == REPORT_NO_CHART)
        definition_complain(reader, reader->line,
                            "chart: '%s' is no kind: line, bar, stacked or pie", kind);
    while (definition_next(reader, &text, &word)) {
        if (definition_is_key(&word, "x") && !definition->chart_x)
            definition->chart_x = definition_value(reader, &word, "chart: x", DEFINITION_TITLE_MAX);
        else if (definition_is_key(&word, "y") && !definition->chart_y)
            read_series(reader, &word);
        else
            definition_complain(reader, reader->line, "chart: expected x=column y=column,column");
    }
    if (!definition->chart_x || !definition->chart_y)
        definition_complain(reader, reader->line, "chart: x=… and y=… are needed");
    else if (definition->chart == REPORT_PIE && definition->chart_y[0] && definition->chart_y[1])
        definition_complain(reader, reader->line, "chart: a pie has one column in y");
}

static void check_chart_column(struct definition_reader *reader, const char *name, bool is_series)
{
    size_t index = find_column(reader, name);
    if (!*name)
        return; /* told already */
    if (index == reader->definition->column_count)
        definition_complain(reader, reader->chart_line, "chart: no column is declared as '%s'",
                            name);
    else if (is_series && reader->columns[index].type != REPORT_TYPES &&
             !is_amount(reader->columns[index].type))
        definition_complain(reader, reader->chart_line, "chart: %s can't be drawn, it is a %s",
                            name, report_type_name(reader->columns[index].type));
}

void definition_check_chart(struct definition_reader *reader)
{
    const struct definition *definition = reader->definition;
    if (definition->chart_x)
        check_chart_column(reader, definition->chart_x, false);
    for (const char *const *y = definition->chart_y; y && *y; y++)
        check_chart_column(reader, *y, true);
}
