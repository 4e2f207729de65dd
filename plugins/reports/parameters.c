/* SPDX-License-Identifier: BSD-2-Clause */
/* One function per type turns a text into its canonical form, or says what is expected. */
#include "parameters.h"

#include "calendar/civil.h"
#include "decimal.h"
#include "default_value.h"
#include "moment.h"
#include "utf8.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Bytes of a text that somebody enters, and how many choices one can make. */
#define TEXT_MAX_BYTES 1000u
#define CHOICES_MAX 1000u
#define MINUTE_MS 60000

/** What is entered for one parameter: nothing, a value, or several. */
struct values {
    const char *list[CHOICES_MAX];
    size_t count; /**< may be more than fit, which is a mistake then */
};

/* ---------------------------------------------------------------- canonical form by type */

static bool make_date(const char *text, char ret_text[MOMENT_TEXT_SIZE])
{
    int64_t ms;
    if (strlen(text) != strlen("2026-11-20") || !moment_read(text, strlen(text), &ms))
        return false;
    moment_write_date(moment_day(ms), ret_text);
    return true;
}

static bool make_integer(const char *text, char ret_text[DECIMAL_TEXT_SIZE])
{
    char *end;
    const char *digits = text + (*text == '-' || *text == '+');
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (*digits < '0' || *digits > '9' || *end || errno == ERANGE)
        return false;
    snprintf(ret_text, DECIMAL_TEXT_SIZE, "%lld", number);
    return true;
}

/** Whether people can have entered it: UTF-8, of control characters TAB and line ends only. */
static bool is_clean(const char *text)
{
    for (size_t left = strlen(text), length; left > 0; text += length, left -= length) {
        length = utf8_length(text, left);
        if (length == 0 || !utf8_is_printable(text, length))
            return false;
    }
    return true;
}

static bool is_among(const char *const *choices, const char *text)
{
    while (*choices && strcmp(*choices, text) != 0)
        choices++;
    return *choices;
}

/**
 * The canonical form of one value.
 * @return owned by the context; NULL: it is wrong, and *ret_expected says what it should be, or is
 *         NULL when there is no memory
 */
static const char *make_value(TALLOC_CTX *context, const struct parameter *parameter,
                              const char *text, const char **ret_expected)
{
    char made[DECIMAL_TEXT_SIZE > MOMENT_TEXT_SIZE ? DECIMAL_TEXT_SIZE : MOMENT_TEXT_SIZE];
    int64_t ms;
    bool is_right = true;
    *ret_expected = NULL;
    switch (parameter->type) {
    case PARAMETER_DATE:
        is_right = make_date(text, made);
        *ret_expected = "a date such as 2026-11-20";
        break;
    case PARAMETER_DATETIME:
        is_right = moment_read(text, strlen(text), &ms);
        if (is_right)
            moment_write(ms, made);
        *ret_expected = "a date and time such as 2026-11-20 19:00";
        break;
    case PARAMETER_INTEGER:
        is_right = make_integer(text, made);
        *ret_expected = "a whole number";
        break;
    case PARAMETER_NUMBER:
        is_right = decimal_canonical(text, made);
        *ret_expected = "a number";
        break;
    case PARAMETER_TEXT:
    case PARAMETER_CHOICE:
    case PARAMETER_CHOICES:
    case PARAMETER_TYPES:
        is_right = strlen(text) <= TEXT_MAX_BYTES && is_clean(text);
        *ret_expected = "a text of at most 1000 bytes in UTF-8, without control characters";
        if (is_right && parameter->choices) {
            is_right = is_among(parameter->choices, text);
            *ret_expected = "one of the choices";
        }
        if (is_right)
            return talloc_strdup(context, text);
        break;
    }
    return is_right ? talloc_strdup(context, made) : NULL;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/** Several choices as a JSON array, sorted, each once. @return as make_value */
static const char *make_array(TALLOC_CTX *context, const struct parameter *parameter,
                              struct values *values, const char **ret_expected)
{
    for (size_t i = 0; i < values->count; i++) {
        const char *made = make_value(context, parameter, values->list[i], ret_expected);
        if (!made)
            return NULL;
        values->list[i] = made;
    }
    *ret_expected = NULL;
    qsort(values->list, values->count, sizeof *values->list, by_text);
    cJSON *array = cJSON_CreateArray();
    for (size_t i = 0; i < values->count; i++)
        if (i == 0 || strcmp(values->list[i - 1], values->list[i]) != 0)
            cJSON_AddItemToArray(array, cJSON_CreateString(values->list[i]));
    char *printed = cJSON_PrintUnformatted(array);
    const char *made = printed ? talloc_strdup(context, printed) : NULL;
    cJSON_free(printed);
    cJSON_Delete(array);
    return made;
}

/* ---------------------------------------------------------------- defaults */

/** Its minute, so that people who ask for the same within a minute ask for the same. */
static int64_t minute_of(int64_t now_ms)
{
    return kt_floor_divide(now_ms, MINUTE_MS) * MINUTE_MS;
}

/** "a,b,c" in parts, copied. */
static int split_default(TALLOC_CTX *context, const char *text, struct values *values)
{
    char *copy = talloc_strdup(context, text);
    if (!copy)
        return -ENOMEM;
    for (char *part; (part = strsep(&copy, ",")) && values->count < CHOICES_MAX;)
        if (*part)
            values->list[values->count++] = part;
    return 0;
}

/** @return as make_value */
static const char *make_default(TALLOC_CTX *context, const struct parameter *parameter,
                                int64_t now_ms, const char **ret_expected)
{
    const char *text = parameter->default_value;
    bool is_date = parameter->type == PARAMETER_DATE;
    char moment[MOMENT_TEXT_SIZE];
    int64_t days;
    *ret_expected = NULL;
    if (parameter->type == PARAMETER_CHOICES) {
        struct values *values = talloc_zero(context, struct values);
        const char *made = values && split_default(values, text, values) == 0
                               ? make_array(context, parameter, values, ret_expected)
                               : NULL;
        talloc_free(values);
        return made;
    }
    if ((is_date || parameter->type == PARAMETER_DATETIME) &&
        default_day(text, moment_day(now_ms), &days)) {
        if (is_date)
            moment_write_date(days, moment);
        else
            moment_write(days * MOMENT_DAY_MS, moment);
        return talloc_strdup(context, moment);
    }
    if (parameter->type == PARAMETER_DATETIME && strcmp(text, "now") == 0) {
        moment_write(minute_of(now_ms), moment);
        return talloc_strdup(context, moment);
    }
    const char *made = make_value(context, parameter, text, ret_expected);
    if (!made && is_date)
        *ret_expected = "a date such as 2026-11-20, or " DEFAULT_DAY_WORDS;
    else if (!made && parameter->type == PARAMETER_DATETIME)
        *ret_expected = "a date and time, now, or " DEFAULT_DAY_WORDS;
    return made;
}

const char *parameter_default(TALLOC_CTX *context, const struct parameter *parameter,
                              int64_t now_ms)
{
    const char *expected;
    return parameter->default_value ? make_default(context, parameter, now_ms, &expected) : NULL;
}

int parameter_check_default(const struct parameter *parameter, struct kt_error *error)
{
    const char *expected;
    TALLOC_CTX *context = talloc_new(NULL);
    const char *made = context ? make_default(context, parameter, 0, &expected) : NULL;
    int result = made ? 0 : -EINVAL;
    if (!made)
        kt_error_set(error, result, "'%s' is not %s", parameter->default_value,
                     context && expected ? expected : "understood");
    talloc_free(context);
    return result;
}

/* ---------------------------------------------------------------- what was entered */

/** Gather what was entered for a parameter; an empty text is nothing. @return whether it was named
 */
static bool gather(const struct parameter *parameter, const struct entered *entered, size_t count,
                   struct values *values)
{
    bool is_named = false;
    values->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(entered[i].name, parameter->name) != 0)
            continue;
        is_named = true;
        if (!entered[i].value || !*entered[i].value)
            continue;
        if (values->count < CHOICES_MAX)
            values->list[values->count] = entered[i].value;
        values->count++;
    }
    return is_named;
}

static int bind_one(TALLOC_CTX *context, const struct parameter *parameter, struct values *values,
                    bool is_named, int64_t now_ms, const char **ret_value, struct kt_error *error)
{
    const char *expected = NULL;
    *ret_value = NULL;
    if (values->count == 0) {
        if (!is_named || parameter->is_required)
            *ret_value = parameter_default(context, parameter, now_ms);
        if (!*ret_value && parameter->is_required)
            return kt_error_set(error, -EINVAL, "%s: please enter something", parameter->label);
        return 0;
    }
    if (values->count > CHOICES_MAX)
        return kt_error_set(error, -EINVAL, "%s: more than %u values", parameter->label,
                            CHOICES_MAX);
    if (parameter->type == PARAMETER_CHOICES)
        *ret_value = make_array(context, parameter, values, &expected);
    else if (values->count > 1)
        return kt_error_set(error, -EINVAL, "%s: only one value can be chosen", parameter->label);
    else
        *ret_value = make_value(context, parameter, values->list[0], &expected);
    if (*ret_value)
        return 0;
    return expected ? kt_error_set(error, -EINVAL, "%s: expected %s", parameter->label, expected)
                    : kt_error_set(error, -ENOMEM, "out of memory");
}

const char *parameters_value(TALLOC_CTX *context, const struct definition *definition,
                             const char *name, const struct entered *entered, size_t entered_count)
{
    struct values *values = talloc(NULL, struct values);
    const char *value = NULL;
    struct kt_error error;
    for (size_t i = 0; values && i < definition->parameter_count; i++) {
        const struct parameter *parameter = &definition->parameters[i];
        if (strcmp(parameter->name, name) != 0)
            continue;
        bool is_named = gather(parameter, entered, entered_count, values);
        if (bind_one(context, parameter, values, is_named, 0, &value, &error) < 0)
            value = NULL;
    }
    talloc_free(values);
    return value;
}

static int check_names(const struct definition *definition, const struct entered *entered,
                       size_t count, struct kt_error *error)
{
    for (size_t i = 0; i < count; i++) {
        size_t index = 0;
        while (index < definition->parameter_count &&
               strcmp(definition->parameters[index].name, entered[i].name) != 0)
            index++;
        if (index == definition->parameter_count)
            return kt_error_set(error, -EINVAL, "%.64s: this report has no such parameter",
                                entered[i].name);
    }
    return 0;
}

int parameters_bind(TALLOC_CTX *context, const struct definition *definition,
                    const struct entered *entered, size_t entered_count, int64_t now_ms,
                    struct bound **ret_bound, struct kt_error *error)
{
    unsigned count = (unsigned)definition->parameter_count;
    struct bound *bound = talloc_zero_array(context, struct bound, count + 1);
    struct values *values = talloc(bound, struct values);
    if (!bound || !values) {
        talloc_free(bound);
        return kt_error_set(error, -ENOMEM, "out of memory");
    }
    int result = check_names(definition, entered, entered_count, error);
    for (unsigned i = 0; i < count && result == 0; i++) {
        const struct parameter *parameter = &definition->parameters[i];
        bool is_named = gather(parameter, entered, entered_count, values);
        bound[i].name = parameter->name;
        bound[i].type = parameter->type;
        result = bind_one(bound, parameter, values, is_named, now_ms, &bound[i].value, error);
    }
    talloc_free(values);
    if (result < 0)
        talloc_free(bound);
    else
        *ret_bound = bound;
    return result;
}

/* ---------------------------------------------------------------- which job it is */

/** Add a text with its end, so that no two lists of texts are the same bytes. */
static void add_text(crypto_generichash_state *state, const char *text)
{
    crypto_generichash_update(state, (const unsigned char *)text, strlen(text) + 1);
}

void parameters_id(const struct definition *definition, const char *format,
                   const struct bound *bound, size_t bound_count, char ret_id[33])
{
    unsigned char sum[16];
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, sizeof sum);
    add_text(&state, definition->name);
    add_text(&state, definition->version);
    add_text(&state, format);
    for (size_t i = 0; i < bound_count; i++) {
        add_text(&state, bound[i].name);
        add_text(&state, bound[i].value ? "=" : "");
        add_text(&state, bound[i].value ? bound[i].value : "");
    }
    crypto_generichash_final(&state, sum, sizeof sum);
    sodium_bin2hex(ret_id, 33, sum, sizeof sum);
}
