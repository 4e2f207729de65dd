/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: a hostile server could fill a worker's memory, or make a plugin read a header or
 * body that is not there. */
#include "config.h"

#include "inside.h"

#include "fetch/answer.h"

static struct kt_answer *answer;

static int head(const char *line)
{
    return kt_answer_head(answer, line, strlen(line));
}

static void begin(size_t size_max)
{
    talloc_free(answer);
    answer = kt_answer_new(NULL, size_max);
    assert_int_equal(head("HTTP/1.1 200 OK\r\n"), 0);
}

static void finish(void)
{
    assert_int_equal(kt_answer_finish(answer, 200, talloc_strdup(NULL, "http://x/")), 0);
}

static const char *field(const char *name)
{
    return kt_http_answer_header(&answer->seen, name);
}

static void fields(void **state)
{
    (void)state;
    begin(10);
    assert_int_equal(head("Content-Type:text/plain  \r\n"), 0);
    assert_int_equal(head("X-Empty:\r\n"), 0);
    assert_int_equal(head("X-Twice: one\r\n"), 0);
    assert_int_equal(head("x-twice: two\r\n"), 0);
    assert_int_equal(head("X-Colon: a: b\r\n"), 0);
    assert_int_equal(head("  X-Folded: no\r\n"), 0);
    assert_int_equal(head(": nameless\r\n"), 0);
    assert_int_equal(head("no colon\r\n"), 0);
    assert_int_equal(head("X-Bare: newline\n"), 0);
    assert_int_equal(head("\r\n"), 0);
    assert_int_equal(head("X-Trailer: no\r\n"), 0);
    finish();
    assert_string_equal(field("content-TYPE"), "text/plain");
    assert_string_equal(field("X-Empty"), "");
    assert_string_equal(field("X-Twice"), "one");
    assert_string_equal(field("X-Colon"), "a: b");
    assert_string_equal(field("X-Bare"), "newline");
    assert_null(field("X-Folded"));
    assert_null(field("X-Trailer"));
    assert_null(field(""));
    assert_null(field("one"));
}

static void no_fields(void **state)
{
    (void)state;
    begin(10);
    finish();
    assert_null(field("Content-Type"));
    assert_string_equal(answer->seen.body, "");
    assert_int_equal(answer->seen.size, 0);
}

/** What an interim answer said is not what the answer says. */
static void interim_answers(void **state)
{
    (void)state;
    begin(10);
    assert_int_equal(head("Link: early\r\n"), 0);
    assert_int_equal(head("\r\n"), 0);
    assert_int_equal(head("HTTP/2 200 \r\n"), 0);
    assert_int_equal(head("X: late\r\n"), 0);
    finish();
    assert_null(field("Link"));
    assert_string_equal(field("X"), "late");
}

static void bounds_of_the_head(void **state)
{
    static char line[KT_HTTP_HEAD_MAX + 8];
    (void)state;
    begin(10);
    for (unsigned i = 0; i < KT_HTTP_FIELDS_MAX; i++)
        assert_int_equal(head("X: y\r\n"), 0);
    assert_int_equal(head("X: y\r\n"), -EPROTO);
    begin(10);
    memset(line, 'y', sizeof line - 1);
    memcpy(line, "X: ", 3);
    assert_int_equal(head(line), -EPROTO);
    begin(10);
    assert_int_equal(kt_answer_head(answer, "X: a\0b\r\n", 8), -EPROTO);
    begin(10);
    for (unsigned i = 0; answer->failure == 0; i++) {
        assert_true(i <= KT_HTTP_HEAD_MAX / 10);
        head("HTTP/1.1 103 Early\r\n");
    }
    assert_int_equal(answer->failure, -EPROTO);
}

static void bodies(void **state)
{
    (void)state;
    for (size_t size_max = 1; size_max < 20000; size_max = size_max * 3 + 1) {
        begin(size_max);
        for (size_t i = 0; i < size_max; i++)
            assert_int_equal(kt_answer_body(answer, &"abcdefg"[i % 7], 1), 0);
        assert_int_equal(kt_answer_body(answer, "x", 0), 0);
        finish();
        assert_int_equal(answer->seen.size, size_max);
        assert_int_equal(strlen(answer->seen.body), size_max);
        assert_int_equal(answer->seen.body[size_max - 1], "abcdefg"[(size_max - 1) % 7]);
        assert_int_equal(kt_answer_body(answer, "x", 1), -EMSGSIZE);
    }
    begin(5);
    assert_int_equal(kt_answer_body(answer, "abcdef", 6), -EMSGSIZE);
    assert_int_equal(kt_answer_body(answer, "abc", SIZE_MAX), -EMSGSIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields),          cmocka_unit_test(no_fields),
        cmocka_unit_test(interim_answers), cmocka_unit_test(bounds_of_the_head),
        cmocka_unit_test(bodies),
    };
    int status = cmocka_run_group_tests(tests, NULL, NULL);
    talloc_free(answer);
    return status;
}
