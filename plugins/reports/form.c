/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From JSON to texts. Numbers of JSON are doubles as soon as it is read (RFC 8259, section 6), so a
 * whole number beyond 2^53 may have been another one before: nobody can tell any more.
 */
#include "form.h"

#include "number_text.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/** 2^53 - 1: the last whole number that no other one is read as. */
#define WHOLE_MAX 9007199254740991.0
#define WHOLE_MAX_TEXT "9007199254740991"

static int no_form(struct kt_error *error)
{
    return kt_error_set(error, -EBADMSG,
                        "Expected {\"parameters\": {name: value}, \"format\": \"xlsx\"}.");
}

/** @param ret_text  owned by the context @return as form_read */
static int write_number(TALLOC_CTX *context, const char *name, double number, const char **ret_text,
                        struct kt_error *error)
{
    char text[NUMBER_TEXT_MAX];
    if (!isfinite(number) || (fabs(number) > WHOLE_MAX && trunc(number) == number))
        return kt_error_set(error, -EINVAL,
                            "%.64s: a whole number beyond " WHOLE_MAX_TEXT
                            " is not exact in JSON; please send it as a string",
                            name);
    size_t size = (size_t)(number_put_real(text, number) - text);
    *ret_text = talloc_strndup(context, text, size);
    return *ret_text ? 0 : kt_error_set(error, -ENOMEM, "out of memory");
}

/** Add one value. @return as form_read */
static int add_value(struct form *form, const char *name, const cJSON *value,
                     struct kt_error *error)
{
    const char *text = cJSON_GetStringValue(value);
    int result = 0;
    if (cJSON_IsNull(value))
        return 0;
    if (form->count == FORM_VALUES_MAX)
        return no_form(error);
    if (cJSON_IsNumber(value))
        result = write_number(form, name, value->valuedouble, &text, error);
    if (result < 0)
        return result;
    if (!text)
        return no_form(error);
    form->list[form->count++] = (struct entered){name, text};
    return 0;
}

/** Add what was entered for one parameter. @return as form_read */
static int add_values(struct form *form, const cJSON *values, struct kt_error *error)
{
    const cJSON *each;
    int result = 0;
    if (!cJSON_IsArray(values))
        return add_value(form, values->string, values, error);
    cJSON_ArrayForEach(each, values)
    {
        result = add_value(form, values->string, each, error);
        if (result < 0)
            break;
    }
    return result;
}

static int read_all(struct form *form, const cJSON *json, struct kt_error *error)
{
    const cJSON *parameters = cJSON_GetObjectItemCaseSensitive(json, "parameters"), *one;
    const char *format = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "format"));
    form->file = format ? report_file_find(format) : REPORT_XLSX;
    if (!cJSON_IsObject(json) || form->file == REPORT_FILES ||
        (parameters && !cJSON_IsObject(parameters) && !cJSON_IsNull(parameters)))
        return no_form(error);
    int result = 0;
    cJSON_ArrayForEach(one, parameters)
    {
        result = add_values(form, one, error);
        if (result < 0)
            break;
    }
    return result;
}

int form_read(TALLOC_CTX *context, const cJSON *json, struct form **ret_form,
              struct kt_error *error)
{
    struct form *form = talloc_zero(context, struct form);
    int result = form ? read_all(form, json, error) : kt_error_set(error, -ENOMEM, "out of memory");
    if (result < 0)
        talloc_free(form);
    else
        *ret_form = form;
    return result;
}
