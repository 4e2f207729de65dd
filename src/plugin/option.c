/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checking options: each type's parser, and the words for what was found and what is expected.
 */
#include "plugin/option.h"

#include "base/log.h"
#include "base/word.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/** The longest part of a value that a message repeats. */
#define SHOWN_MAX 80
/** How options are listed: for a terminal of 80 columns. */
#define HELP_INDENT "      "
#define HELP_WIDTH 79u

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit plain_units[] = {{"", 1}, {NULL, 0}};

static const struct unit size_units[] = {{"", 1},        {"K", 1 << 10},          {"M", 1 << 20},
                                         {"G", 1 << 30}, {"T", INT64_C(1) << 40}, {NULL, 0}};

static const struct unit duration_units[] = {{"ms", 1},      {"s", 1000},     {"min", 60000},
                                             {"h", 3600000}, {"d", 86400000}, {NULL, 0}};

/** @return what is expected, or NULL when the text was parsed */
static const char *parse_number(const char *text, const struct unit *units, const char *expected,
                                int64_t *ret_number)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || errno == ERANGE || *text == '+' || *text == ' ')
        return expected;
    end += strspn(end, " ");
    for (; units->name != NULL; units++) {
        if (strcmp(end, units->name) != 0)
            continue;
        if (number > INT64_MAX / units->factor || number < INT64_MIN / units->factor)
            return expected;
        *ret_number = number * units->factor;
        return NULL;
    }
    return expected;
}

static const char *parse_boolean(const char *text, int64_t *ret_number)
{
    if (kt_word_contains("yes true on 1", text))
        *ret_number = 1;
    else if (kt_word_contains("no false off 0", text))
        *ret_number = 0;
    else
        return "yes or no";
    return NULL;
}

/** @return what is expected, or NULL when the text was parsed */
static const char *parse(const struct kt_option *option, const char *text, int64_t *ret_number)
{
    switch (option->type) {
    case KT_OPTION_STRING:
        return NULL;
    case KT_OPTION_PATH:
        return text[0] == '/' ? NULL : "an absolute path";
    case KT_OPTION_INTEGER:
        return parse_number(text, plain_units, "a whole number", ret_number);
    case KT_OPTION_SIZE:
        return parse_number(text, size_units, "a size such as 65536, 64K, 10M or 1G", ret_number);
    case KT_OPTION_DURATION:
        return parse_number(text, duration_units,
                            "a duration with its unit, such as 250ms, 10s, 5min, 2h or 7d",
                            ret_number);
    case KT_OPTION_BOOLEAN:
        return parse_boolean(text, ret_number);
    case KT_OPTION_CHOICE:
        return kt_word_contains(option->choices, text) ? NULL : "one of: ";
    }
    return "a declaration of a known type";
}

static bool has_number(const struct kt_option *option)
{
    return option->type == KT_OPTION_INTEGER || option->type == KT_OPTION_SIZE ||
           option->type == KT_OPTION_DURATION;
}

/** A number as one would write it in the file, with the largest unit that fits. */
static const char *format_number(const struct kt_option *option, int64_t number, char *buffer,
                                 size_t size)
{
    const struct unit *units = option->type == KT_OPTION_DURATION ? duration_units
                               : option->type == KT_OPTION_SIZE   ? size_units
                                                                  : plain_units;
    const struct unit *best = units;
    for (; units->name != NULL; units++)
        if (number != 0 && number % units->factor == 0)
            best = units;
    snprintf(buffer, size, "%" PRId64 "%s", number / best->factor, best->name);
    return buffer;
}

static bool is_in_range(const struct kt_option *option, int64_t number)
{
    if (option->minimum == 0 && option->maximum == 0)
        return number >= 0;
    return number >= option->minimum && number <= option->maximum;
}

static void describe_range(const struct kt_option *option, char *buffer, size_t size)
{
    char low[32], high[32];
    if (option->minimum == 0 && option->maximum == 0)
        snprintf(buffer, size, "at least 0");
    else if (option->maximum == INT64_MAX)
        snprintf(buffer, size, "at least %s",
                 format_number(option, option->minimum, low, sizeof(low)));
    else
        snprintf(buffer, size, "%s to %s", format_number(option, option->minimum, low, sizeof(low)),
                 format_number(option, option->maximum, high, sizeof(high)));
}

/** Check one text. @return whether it is good; if not, the problem is told */
static bool check_value(const char *section, const struct kt_option *option, const char *text,
                        const char *place, struct kt_problems *problems, int64_t *ret_number)
{
    const char *expected = parse(option, text, ret_number);
    if (expected == NULL && (!has_number(option) || is_in_range(option, *ret_number)))
        return true;
    char range[80] = "";
    const char *shown = option->is_secret ? "(secret)" : text;
    if (expected == NULL) {
        describe_range(option, range, sizeof(range));
        expected = "";
    } else if (option->type == KT_OPTION_CHOICE) {
        kt_problem_add(problems, "%s: %s in [%s] is '%.*s', expected is one of: %s", place,
                       option->name, section, SHOWN_MAX, shown, option->choices);
        return false;
    }
    bool has_comment = strstr(text, " #") != NULL || strstr(text, " ;") != NULL;
    kt_problem_add(problems, "%s: %s in [%s] is '%.*s', expected is %s%s%s", place, option->name,
                   section, SHOWN_MAX, shown, expected, range,
                   has_comment ? " (a comment needs a line of its own)" : "");
    return false;
}

static const struct kt_option *find_option(const struct kt_option *options, const char *name)
{
    for (; options != NULL && options->name != NULL; options++)
        if (strcmp(options->name, name) == 0)
            return options;
    return NULL;
}

static void tell_unknown(const char *section, const struct kt_config_entry *entry,
                         const struct kt_option *options, struct kt_problems *problems)
{
    size_t distance = SIZE_MAX;
    const char *nearest = NULL;
    for (const struct kt_option *option = options; option != NULL && option->name != NULL; option++)
        if (kt_word_is_nearer(entry->key, option->name, &distance))
            nearest = option->name;
    if (nearest != NULL)
        kt_problem_add(problems, "%s: [%s] has no option '%s'; did you mean '%s'?", entry->place,
                       section, entry->key, nearest);
    else if (options == NULL || options->name == NULL)
        kt_problem_add(problems, "%s: [%s] has no option '%s', it has none at all", entry->place,
                       section, entry->key);
    else
        kt_problem_add(problems, "%s: [%s] has no option '%s'; kontord -h%s%s lists them",
                       entry->place, section, entry->key, strcmp(section, "kontor") == 0 ? "" : " ",
                       strcmp(section, "kontor") == 0 ? "" : section);
}

/** Fill one value from the file or the default. */
static void set_value(const char *name, const struct kt_option *option,
                      const struct kt_config_entry *entry, const struct kt_config_section *written,
                      const struct kt_config *config, struct kt_problems *problems,
                      struct kt_value *value)
{
    value->option = option;
    value->place = "the default";
    if (entry != NULL &&
        check_value(name, option, entry->value, entry->place, problems, &value->number)) {
        value->place = entry->place;
        value->text = entry->value;
        return;
    }
    value->number = 0;
    if (entry == NULL && option->required)
        kt_problem_add(problems, "%s: [%s] lacks %s (%s), which must be set",
                       written != NULL ? written->place : config->path, name, option->name,
                       option->help != NULL ? option->help : "no description");
    if (option->default_value != NULL &&
        check_value(name, option, option->default_value, "the declared default", problems,
                    &value->number))
        value->text = option->default_value;
}

int kt_section_check(TALLOC_CTX *context, const char *name, const struct kt_option *options,
                     const struct kt_config *config, struct kt_problems *problems,
                     struct kt_section **ret_section)
{
    size_t before = kt_problems_count(problems);
    const struct kt_config_section *written = kt_config_section(config, name);
    struct kt_section *section = talloc_zero(context, struct kt_section);
    if (section == NULL)
        return -ENOMEM;
    while (options != NULL && options[section->count].name != NULL)
        section->count++;
    section->name = talloc_strdup(section, name);
    section->values = talloc_zero_array(section, struct kt_value, section->count);
    if (section->name == NULL || section->values == NULL) {
        talloc_free(section);
        return -ENOMEM;
    }
    for (unsigned i = 0; written != NULL && i < written->count; i++)
        if (find_option(options, written->entries[i].key) == NULL)
            tell_unknown(name, &written->entries[i], options, problems);
    for (unsigned i = 0; i < section->count; i++)
        set_value(name, &options[i], kt_config_entry(written, options[i].name), written, config,
                  problems, &section->values[i]);
    *ret_section = section;
    return kt_problems_count(problems) > before ? -EINVAL : 0;
}

const struct kt_value *kt_section_value(const struct kt_section *section, const char *option)
{
    static const struct kt_value nothing = {.place = "the default"};
    for (unsigned i = 0; i < section->count; i++)
        if (strcmp(section->values[i].option->name, option) == 0)
            return &section->values[i];
    kt_log_error("the option '%s' of [%s] was asked for, but is not declared", option,
                 section->name);
    return &nothing;
}

/** Print words in lines that fit a terminal, indented. */
static void print_wrapped(FILE *stream, const char *text)
{
    const char *cursor = text, *word;
    size_t column = 0, length;
    while ((length = kt_word_next(&cursor, &word)) > 0) {
        if (column > 0 && column + 1 + length > HELP_WIDTH) {
            fputc('\n', stream);
            column = 0;
        }
        fprintf(stream, "%s%.*s", column == 0 ? HELP_INDENT : " ", (int)length, word);
        column += length + (column == 0 ? strlen(HELP_INDENT) : 1);
    }
    fputc('\n', stream);
}

void kt_options_print(FILE *stream, const struct kt_option *options)
{
    static const char *const types[] = {
        [KT_OPTION_STRING] = "text",       [KT_OPTION_PATH] = "absolute path",
        [KT_OPTION_INTEGER] = "number",    [KT_OPTION_SIZE] = "size",
        [KT_OPTION_DURATION] = "duration", [KT_OPTION_BOOLEAN] = "yes or no",
        [KT_OPTION_CHOICE] = "one of",
    };
    for (; options != NULL && options->name != NULL; options++) {
        char range[80] = "";
        fprintf(stream, "  %s = ", options->name);
        if (options->type == KT_OPTION_CHOICE)
            fprintf(stream, "%s: %s", types[options->type], options->choices);
        else
            fprintf(stream, "%s", types[options->type]);
        if (has_number(options) && (options->minimum != 0 || options->maximum != 0)) {
            describe_range(options, range, sizeof(range));
            fprintf(stream, ", %s", range);
        }
        if (options->required)
            fprintf(stream, "; must be set");
        else if (options->default_value != NULL)
            fprintf(stream, "; default %s",
                    options->default_value[0] != '\0' ? options->default_value : "none");
        fputc('\n', stream);
        print_wrapped(stream, options->help != NULL ? options->help : "");
    }
}
