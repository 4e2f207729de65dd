/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: an address could escape the tree, or a header of an answer could be forged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/query.h"
#include "http/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void test_paths(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to; /* NULL: refused */
    } cases[] = {
        {"/", "/"},
        {"//", "/"},
        {"/a", "/a"},
        {"/a/", "/a/"},
        {"/a//b", "/a/b"},
        {"///a///b///", "/a/b/"},
        {"/./a/./b/.", "/a/b/"},
        {"/a/..", "/"},
        {"/a/../", "/"},
        {"/a/b/../c", "/a/c"},
        {"/a/b/../../c", "/c"},
        {"/a/b/..", "/a/"},
        {"/...", "/..."},
        {"/a/..b/c..", "/a/..b/c.."},
        {"/\xc3\xa9t\xc3\xa9", "/\xc3\xa9t\xc3\xa9"},
        {"/..", NULL},
        {"/a/../..", NULL},
        {"/a/../../b", NULL},
        {"/../a", NULL},
        {"", NULL},
        {"a", NULL},
        {"*", NULL},
        {"/a\nb", NULL},
        {"/a\x7f", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char path[64];
        snprintf(path, sizeof(path), "%s", cases[i].from);
        int status = kt_path_normalise(path);
        assert_int_equal(status, cases[i].to ? 0 : -EINVAL);
        if (cases[i].to)
            assert_string_equal(path, cases[i].to);
    }
}

static void test_percent_decoding(void **state)
{
    (void)state;
    static const struct {
        const char *from, *path, *form; /* NULL: refused */
    } cases[] = {
        {"", "", ""},           {"a%20b", "a b", "a b"}, {"a+b", "a+b", "a b"},
        {"%41%62", "Ab", "Ab"}, {"%2525", "%25", "%25"}, {"%c3%A9", "\xc3\xa9", "\xc3\xa9"},
        {"a%00b", NULL, NULL},  {"100%", NULL, "100%"},  {"%2", NULL, "%2"},
        {"%zz", NULL, "%zz"},   {"%%41", NULL, "%A"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char text[32];
        snprintf(text, sizeof(text), "%s", cases[i].from);
        int size = kt_percent_decode(text);
        assert_int_equal(size, cases[i].path ? (int)strlen(cases[i].path) : -EINVAL);
        if (cases[i].path)
            assert_string_equal(text, cases[i].path);
        snprintf(text, sizeof(text), "%s", cases[i].from);
        size = kt_form_decode(text);
        assert_int_equal(size, cases[i].form ? (int)strlen(cases[i].form) : -EINVAL);
        if (cases[i].form)
            assert_string_equal(text, cases[i].form);
    }
}

static void test_fields(void **state)
{
    (void)state;
    static const char text[] = "a=1&b=x+y%26&a=2&&empty=&bare&=nameless&bad=%00&c=d=e";
    struct kt_fields fields;
    TALLOC_CTX *context = talloc_new(NULL);
    assert_int_equal(kt_fields_parse(context, text, strlen(text), &fields), 0);
    assert_string_equal(kt_fields_find(&fields, "a", 0), "1");
    assert_string_equal(kt_fields_find(&fields, "a", 1), "2");
    assert_null(kt_fields_find(&fields, "a", 2));
    assert_string_equal(kt_fields_find(&fields, "b", 0), "x y&");
    assert_string_equal(kt_fields_find(&fields, "empty", 0), "");
    assert_string_equal(kt_fields_find(&fields, "bare", 0), "");
    assert_string_equal(kt_fields_find(&fields, "", 0), "nameless");
    assert_null(kt_fields_find(&fields, "bad", 0));
    assert_string_equal(kt_fields_find(&fields, "c", 0), "d=e");
    assert_null(kt_fields_find(&fields, "absent", 0));
    assert_int_equal(kt_fields_parse(context, "", 0, &fields), 0);
    assert_int_equal(fields.count, 0);
    talloc_free(context);
}

static void test_fields_are_bounded(void **state)
{
    (void)state;
    char text[2 * (KT_QUERY_FIELDS_MAX + 1)];
    for (size_t i = 0; i < sizeof(text); i += 2)
        memcpy(text + i, "f&", 2);
    struct kt_fields fields;
    TALLOC_CTX *context = talloc_new(NULL);
    assert_int_equal(kt_fields_parse(context, text, sizeof(text), &fields), -EMSGSIZE);
    assert_int_equal(fields.count, KT_QUERY_FIELDS_MAX);
    assert_int_equal(kt_fields_parse(context, text, 2 * KT_QUERY_FIELDS_MAX - 1, &fields), 0);
    assert_int_equal(fields.count, KT_QUERY_FIELDS_MAX);
    talloc_free(context);
}

static void test_header_grammar(void **state)
{
    (void)state;
    assert_true(kt_is_token("X-Accel-Buffering"));
    assert_true(kt_is_token("GET"));
    assert_false(kt_is_token(""));
    assert_false(kt_is_token("A B"));
    assert_false(kt_is_token("A:"));
    assert_false(kt_is_token("A\r\nB"));
    assert_false(kt_is_token("\xc3\xa9"));
    assert_true(kt_is_field_value(""));
    assert_true(kt_is_field_value("a\tb c; d=\"e\" \xc3\xa9"));
    assert_false(kt_is_field_value("a\r\nSet-Cookie: b"));
    assert_false(kt_is_field_value("a\nb"));
    assert_false(kt_is_field_value("\x7f"));
}

static void test_media_types(void **state)
{
    (void)state;
    assert_true(kt_is_media_type("application/json", "application/json"));
    assert_true(kt_is_media_type("Application/JSON; charset=utf-8", "application/json"));
    assert_false(kt_is_media_type("application/jsonp", "application/json"));
    assert_false(kt_is_media_type("text/plain", "application/json"));
    assert_false(kt_is_media_type("", "application/json"));
    assert_false(kt_is_media_type(NULL, "application/json"));
}

static void test_json_escaping(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } cases[] = {
        {"plain", "plain"},
        {"a\"b\\c", "a\\\"b\\\\c"},
        {"line\nbreak\x01", "line\\u000abreak\\u0001"},
        {"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\xff \xc3", "? ?"},
        {"\xc0\xaf", "??"},           /* overlong */
        {"\xed\xa0\x80", "???"},      /* a surrogate */
        {"\xf4\x90\x80\x80", "????"}, /* beyond U+10FFFF */
    };
    char text[64];
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        kt_json_escape(text, sizeof(text), cases[i].from);
        assert_string_equal(text, cases[i].to);
    }
    assert_int_equal(kt_json_escape(text, 4, "a\"\"b"), 3);
    assert_string_equal(text, "a\\\"");
    assert_int_equal(kt_json_escape(text, 3, "\xe2\x82\xac"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),          cmocka_unit_test(test_percent_decoding),
        cmocka_unit_test(test_fields),         cmocka_unit_test(test_fields_are_bounded),
        cmocka_unit_test(test_header_grammar), cmocka_unit_test(test_media_types),
        cmocka_unit_test(test_json_escaping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
