/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directive "param": name type [required|optional] [default=…] [values=…] [label="…"].
 */
#include "definition_reader.h"

#include "parameters.h"
#include "sql_text.h"

#include <string.h>

/** Bytes of a name; it appears in addresses and in messages. */
#define NAME_MAX_BYTES 32u
#define VALUE_MAX_BYTES 200u

static const char *type_name(enum parameter_type type)
{
    static const char *const names[PARAMETER_TYPES] = {
        [PARAMETER_DATE] = "date",       [PARAMETER_DATETIME] = "datetime",
        [PARAMETER_INTEGER] = "integer", [PARAMETER_NUMBER] = "number",
        [PARAMETER_TEXT] = "text",       [PARAMETER_CHOICE] = "choice",
        [PARAMETER_CHOICES] = "choices",
    };
    return names[type];
}

static enum parameter_type find_type(const char *name)
{
    int type = 0;
    while (type < PARAMETER_TYPES && strcmp(type_name((enum parameter_type)type), name) != 0)
        type++;
    return (enum parameter_type)type;
}

static void read_values_query(struct definition_reader *reader, struct parameter *parameter,
                              const struct definition_word *word)
{
    const char *at;
    parameter->values_query = definition_text(reader, word->value + 1, word->value_size - 2);
    const char *wrong = sql_check(parameter->values_query, &at);
    if (wrong)
        definition_complain(reader, reader->line, "values: %s", wrong);
    for (const char *cursor = parameter->values_query;;) {
        struct sql_piece piece = sql_next(&cursor);
        if (piece.kind == SQL_PARAMETER)
            definition_complain(reader, reader->line, "values: this query can't have parameters");
        if (piece.kind == SQL_END)
            return;
    }
}

static void read_values(struct definition_reader *reader, struct parameter *parameter,
                        const struct definition_word *word)
{
    struct definition_word rest = *word, part;
    size_t count = 0;
    if (parameter->values_query || parameter->choices) {
        definition_complain(reader, reader->line, "values: given twice");
        return;
    }
    if (word->value_size > 2 && word->value[0] == '(' && word->value[word->value_size - 1] == ')') {
        read_values_query(reader, parameter, word);
        return;
    }
    const char **choices = definition_memory(reader, sizeof *choices, DEFINITION_CHOICES_MAX + 1);
    while (choices && definition_next_part(&rest, &part)) {
        if (count == DEFINITION_CHOICES_MAX) {
            definition_complain(reader, reader->line, "values: more than %u",
                                DEFINITION_CHOICES_MAX);
            break;
        }
        choices[count] = definition_value(reader, &part, "values", VALUE_MAX_BYTES);
        for (size_t i = 0; i < count; i++)
            if (strcmp(choices[i], choices[count]) == 0)
                definition_complain(reader, reader->line, "values: '%s' is there twice",
                                    choices[i]);
        count++;
    }
    parameter->choices = choices;
}

static void read_attribute(struct definition_reader *reader, struct parameter *parameter,
                           const struct definition_word *word, bool *has_need)
{
    const char *text = definition_text(reader, word->value, word->value_size);
    if (definition_is_key(word, "values")) {
        read_values(reader, parameter, word);
    } else if (definition_is_key(word, "default")) {
        if (parameter->default_value)
            definition_complain(reader, reader->line, "default: given twice");
        parameter->default_value = definition_value(reader, word, "default", VALUE_MAX_BYTES);
    } else if (definition_is_key(word, "label")) {
        parameter->label = definition_value(reader, word, "label", DEFINITION_TITLE_MAX);
    } else if (!word->key && (strcmp(text, "required") == 0 || strcmp(text, "optional") == 0)) {
        if (*has_need)
            definition_complain(reader, reader->line, "required or optional: given twice");
        *has_need = true;
        parameter->is_required = strcmp(text, "required") == 0;
    } else {
        definition_complain(reader, reader->line,
                            "'%.*s%s%s' is not understood; expected required, optional, "
                            "default=…, values=… or label=…",
                            (int)word->key_size, word->key ? word->key : "", word->key ? "=" : "",
                            text);
    }
}

/** What must be so between the parts, whatever their order was. */
static void check(struct definition_reader *reader, struct parameter *parameter)
{
    bool has_values = parameter->choices || parameter->values_query;
    struct kt_error error;
    if (has_values && parameter->type == PARAMETER_TEXT)
        parameter->type = PARAMETER_CHOICE;
    bool is_choice = parameter->type == PARAMETER_CHOICE || parameter->type == PARAMETER_CHOICES;
    if (is_choice && !has_values)
        definition_complain(reader, reader->line, "%s: a %s needs values=…", parameter->name,
                            type_name(parameter->type));
    if (!is_choice && has_values)
        definition_complain(reader, reader->line, "%s: only text, choice and choices have values=…",
                            parameter->name);
    if (parameter->default_value && parameter->type != PARAMETER_TYPES &&
        parameter_check_default(parameter, &error) < 0)
        definition_complain(reader, reader->line, "default: %s", error.text);
}

static void read_name(struct definition_reader *reader, struct parameter *parameter,
                      const char **cursor)
{
    struct definition_word word = {0};
    parameter->name = "";
    if (definition_next(reader, cursor, &word))
        parameter->name = definition_text(reader, word.value, word.value_size);
    if (word.key || !definition_is_name(parameter->name, '_') ||
        strlen(parameter->name) > NAME_MAX_BYTES)
        definition_complain(reader, reader->line,
                            "param: '%s' is no name: small letters, digits and _, at most %u",
                            parameter->name, NAME_MAX_BYTES);
    for (size_t i = 0; i < reader->definition->parameter_count; i++)
        if (strcmp(reader->parameters[i].name, parameter->name) == 0)
            definition_complain(reader, reader->line, "param: '%s' is on line %u already",
                                parameter->name, reader->parameters[i].line);
}

void definition_read_parameter(struct definition_reader *reader, const char *text)
{
    struct definition *definition = reader->definition;
    struct definition_word word = {0};
    bool has_need = false;
    if (definition->parameter_count == DEFINITION_PARAMETERS_MAX) {
        definition_complain(reader, reader->line, "param: more than %u", DEFINITION_PARAMETERS_MAX);
        return;
    }
    struct parameter *parameter = &reader->parameters[definition->parameter_count];
    *parameter = (struct parameter){.line = reader->line};
    read_name(reader, parameter, &text);
    definition->parameter_count++;
    const char *type = "";
    if (definition_next(reader, &text, &word))
        type = definition_text(reader, word.value, word.value_size);
    parameter->type = word.key ? PARAMETER_TYPES : find_type(type);
    if (parameter->type == PARAMETER_TYPES)
        definition_complain(reader, reader->line,
                            "param: '%s' is no type: date, datetime, integer, number, text, choice "
                            "or choices",
                            type);
    while (definition_next(reader, &text, &word))
        read_attribute(reader, parameter, &word, &has_need);
    if (!parameter->label)
        parameter->label = parameter->name;
    check(reader, parameter);
}
