/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: what calendar servers send would be read wrongly, or bring a worker down. */
#include "inside.h"

#include "calendar/json_text.h"

static bool is_json(const char *text)
{
    struct kt_json json;

    kt_json_begin(&json, text, strlen(text));
    kt_json_skip(&json);
    return kt_json_is_complete(&json);
}

static void what_is_json_is_taken(void **state)
{
    static const char *const good[] = {"null",
                                       " true ",
                                       "false",
                                       "0",
                                       "-0",
                                       "12",
                                       "-1.5e+10",
                                       "1E9",
                                       "\"\"",
                                       "\"a\\u00e9\\n\"",
                                       "[]",
                                       "{}",
                                       "[[],{}]",
                                       "[1,2 , 3]",
                                       "{\"a\":1,\"b\":{\"c\":[null]}}",
                                       "\t[\r\n{} ]\n",
                                       "[[[[[[[[[[1]]]]]]]]]]",
                                       "{\"\":\"\"}"};

    (void)state;
    for (size_t index = 0; index < sizeof(good) / sizeof(*good); index++)
        assert_true(is_json(good[index]));
}

static void what_is_no_json_is_refused(void **state)
{
    static const char *const bad[] = {"",           " ",       "nul",
                                      "nulls",      "True",    "01",
                                      "-",          "+1",      "1.",
                                      ".5",         "1e",      "0x1",
                                      "\"",         "\"\\\"",  "\"\\x\"",
                                      "\"\n\"",     "[",       "]",
                                      "[1",         "[1,",     "[1,]",
                                      "[,1]",       "[1 2]",   "[}",
                                      "{",          "{\"a\"}", "{\"a\":}",
                                      "{\"a\":1,}", "{a:1}",   "{\"a\":1 \"b\":2}",
                                      "{,}",        "[1]2",    "1 2",
                                      "'a'",        "{1:2}",   "[\"a\":1]",
                                      "NaN",        "[1,,2]",  "\xef\xbb\xbf{}"};

    (void)state;
    for (size_t index = 0; index < sizeof(bad) / sizeof(*bad); index++)
        assert_false(is_json(bad[index]));
}

static void depth_is_bounded(void **state)
{
    char text[2 * KT_JSON_DEPTH_MAX + 3] = "";

    (void)state;
    memset(text, '[', KT_JSON_DEPTH_MAX);
    memset(text + KT_JSON_DEPTH_MAX, ']', KT_JSON_DEPTH_MAX);
    assert_true(is_json(text));
    memset(text, '[', KT_JSON_DEPTH_MAX + 1);
    memset(text + KT_JSON_DEPTH_MAX + 1, ']', KT_JSON_DEPTH_MAX + 1);
    assert_false(is_json(text));
}

/** The string that a JSON string stands for. */
static void assert_copy(const char *written, const char *expected)
{
    struct kt_json json;
    struct kt_json_text text;
    char buffer[64];

    kt_json_begin(&json, written, strlen(written));
    assert_true(kt_json_take_text(&json, &text));
    assert_true(kt_json_text_copy(&text, buffer, sizeof(buffer)));
    assert_string_equal(buffer, expected);
}

static void escapes_are_resolved(void **state)
{
    (void)state;
    assert_copy("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t");
    assert_copy("\"gr\\u00fcn \\u20AC\"", "grün €");
    assert_copy("\"\\ud83d\\ude00!\"", "😀!");
    assert_copy("\"\\ud83d!\"", "\xef\xbf\xbd!");
    assert_copy("\"\\ude00\\ud83d\"", "\xef\xbf\xbd\xef\xbf\xbd");
    assert_copy("\"\\ud83d\\u0041\"", "\xef\xbf\xbd"
                                      "A");
    assert_copy("\"a\\u0000b\"", "a\xef\xbf\xbd"
                                 "b");
    assert_copy("\"\\u12\"", "\xef\xbf\xbd"
                             "12");
}

static void long_strings_are_cut(void **state)
{
    struct kt_json_text text = {.start = "abcdef", .size = 6};
    char buffer[4];

    (void)state;
    assert_false(kt_json_text_copy(&text, buffer, sizeof(buffer)));
    assert_string_equal(buffer, "abc");
}

/** Strings are read several bytes at a step: each end and each special byte at each place. */
static void strings_end_where_they_end(void **state)
{
    static const char *const parts[] = {"x", "\\\"", "\\\\", "\xc3\xbc", "\x7f", "]"};
    char written[80], expected[80], buffer[80];

    (void)state;
    for (size_t length = 0; length < 40; length++) {
        for (size_t part = 0; part < sizeof(parts) / sizeof(*parts); part++) {
            struct kt_json json;
            struct kt_json_text text;
            size_t half = length / 2 + part % 3;

            snprintf(written, sizeof(written), "[\"%.*s%s%.*s\"]", (int)half,
                     "abcdefghijklmnopqrstuvwxyz", parts[part], (int)length,
                     "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.,;:_");
            snprintf(expected, sizeof(expected), "%.*s%s%.*s", (int)half,
                     "abcdefghijklmnopqrstuvwxyz", parts[part] + (*parts[part] == '\\'),
                     (int)length, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.,;:_");
            kt_json_begin(&json, written, strlen(written));
            assert_true(kt_json_enter_array(&json));
            assert_true(kt_json_next_element(&json));
            assert_true(kt_json_take_text(&json, &text));
            assert_true(kt_json_text_copy(&text, buffer, sizeof(buffer)));
            assert_string_equal(buffer, expected);
            assert_false(kt_json_next_element(&json));
            assert_true(kt_json_is_complete(&json));
            written[2 + half / 2] = '\n'; /* a control character before */
            assert_true(half == 0 || !is_json(written));
            written[2 + half / 2] = 'x';
            written[strlen(written) - 2] = '\0'; /* no end */
            assert_false(is_json(written));
        }
    }
}

static void other_types_are_absent(void **state)
{
    static const char written[] =
        "{\"text\":7,\"flag\":\"true\",\"number\":1.5,\"large\":1234567890123456,\"object\":[{}],"
        "\"array\":{\"a\":[]},\"last\":-42}";
    struct kt_json json;
    struct kt_json_text name, text;
    int64_t number = 0;

    (void)state;
    kt_json_begin(&json, written, strlen(written));
    assert_true(kt_json_enter_object(&json));
    assert_true(kt_json_next_member(&json, &name));
    assert_false(kt_json_take_text(&json, &text));
    assert_null(text.start);
    assert_true(kt_json_next_member(&json, &name));
    assert_false(kt_json_take_boolean(&json));
    for (int index = 0; index < 2; index++) {
        assert_true(kt_json_next_member(&json, &name));
        assert_false(kt_json_take_integer(&json, &number));
    }
    assert_true(kt_json_next_member(&json, &name));
    assert_false(kt_json_enter_object(&json));
    assert_true(kt_json_next_member(&json, &name));
    assert_false(kt_json_enter_array(&json));
    assert_true(kt_json_next_member(&json, &name));
    assert_true(kt_json_text_is(&name, "last"));
    assert_true(kt_json_take_integer(&json, &number));
    assert_int_equal(number, -42);
    assert_false(kt_json_next_member(&json, &name));
    assert_true(kt_json_is_complete(&json));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_json_is_taken),      cmocka_unit_test(what_is_no_json_is_refused),
        cmocka_unit_test(depth_is_bounded),           cmocka_unit_test(escapes_are_resolved),
        cmocka_unit_test(long_strings_are_cut),       cmocka_unit_test(other_types_are_absent),
        cmocka_unit_test(strings_end_where_they_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
