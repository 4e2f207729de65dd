/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * If these failed: who enters the number of an invoice would get the report of another one, without
 * a word.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "reports/form.h"

#include <errno.h>
#include <string.h>

static TALLOC_CTX *memory;
static cJSON *json;

static int read_text(const char *text, struct form **ret_form, struct kt_error *error)
{
    cJSON_Delete(json);
    json = cJSON_Parse(text);
    assert_non_null(json);
    return form_read(memory, json, ret_form, error);
}

/** One number, as it is bound. */
static void assert_number(const char *number, const char *expected)
{
    struct form *form;
    struct kt_error error;
    char *text = talloc_asprintf(memory, "{\"parameters\": {\"n\": %s}}", number);
    assert_int_equal(read_text(text, &form, &error), 0);
    assert_int_equal(form->count, 1);
    assert_string_equal(form->list[0].name, "n");
    assert_string_equal(form->list[0].value, expected);
}

static void assert_refused(const char *text, int result, const char *words)
{
    struct form *form;
    struct kt_error error = {0};
    assert_int_equal(read_text(text, &form, &error), result);
    assert_non_null(strstr(error.text, words));
}

static void numbers_stay_themselves(void **state)
{
    (void)state;
    assert_number("0", "0");
    assert_number("-0", "0");
    assert_number("5.0", "5");
    assert_number("-17", "-17");
    assert_number("123456789012345", "123456789012345");
    assert_number("1234567890123456", "1234567890123456");
    assert_number("9007199254740991", "9007199254740991");
    assert_number("-9007199254740991", "-9007199254740991");
    assert_number("\"9223372036854775807\"", "9223372036854775807");
    assert_number("0.1", "0.1");
    assert_number("12345678901.23456", "12345678901.23456");
    assert_number("0.30000000000000004", "0.30000000000000004");
    assert_number("1e3", "1000");
}

static void what_json_cannot_carry_is_refused(void **state)
{
    (void)state;
    static const char *const numbers[] = {
        "9007199254740992", "9007199254740993", "-9007199254740992", "1e20", "1e400", "-1e400"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char *text = talloc_asprintf(memory, "{\"parameters\": {\"n\": [1, %s]}}", numbers[i]);
        assert_refused(text, -EINVAL, "n: a whole number beyond 9007199254740991");
        assert_refused(text, -EINVAL, "send it as a string");
    }
}

static void forms(void **state)
{
    (void)state;
    struct form *form;
    struct kt_error error;
    assert_int_equal(read_text("{}", &form, &error), 0);
    assert_int_equal(form->count, 0);
    assert_int_equal(form->file, REPORT_XLSX);
    assert_int_equal(read_text("{\"parameters\": null, \"format\": \"csv\"}", &form, &error), 0);
    assert_int_equal(form->file, REPORT_CSV);
    assert_int_equal(
        read_text("{\"parameters\": {\"a\": null, \"b\": [\"x\", 2], \"c\": \"\"}}", &form, &error),
        0);
    assert_int_equal(form->count, 3);
    assert_string_equal(form->list[0].value, "x");
    assert_string_equal(form->list[1].name, "b");
    assert_string_equal(form->list[1].value, "2");
    assert_string_equal(form->list[2].value, "");
}

static void what_is_no_form(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "[]",
        "3",
        "null",
        "{\"format\": \"exe\"}",
        "{\"parameters\": []}",
        "{\"parameters\": \"a\"}",
        "{\"parameters\": {\"a\": true}}",
        "{\"parameters\": {\"a\": {}}}",
        "{\"parameters\": {\"a\": [[1]]}}",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_refused(wrong[i], -EBADMSG, "Expected {\"parameters\"");
}

static void too_many_values(void **state)
{
    (void)state;
    char *text = talloc_strdup(memory, "{\"parameters\": {\"a\": [0");
    struct form *form;
    struct kt_error error;
    for (unsigned i = 1; i < FORM_VALUES_MAX; i++)
        text = talloc_strdup_append(text, ",0");
    assert_int_equal(read_text(talloc_asprintf(memory, "%s]}}", text), &form, &error), 0);
    assert_int_equal(form->count, FORM_VALUES_MAX);
    assert_refused(talloc_asprintf(memory, "%s,0]}}", text), -EBADMSG, "Expected");
}

static int set_up(void **state)
{
    (void)state;
    memory = talloc_new(NULL);
    return memory ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    cJSON_Delete(json);
    json = NULL;
    talloc_free(memory);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(numbers_stay_themselves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_json_cannot_carry_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_form, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_many_values, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
