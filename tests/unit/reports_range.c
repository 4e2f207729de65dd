/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: a download that is taken up again would be a broken spreadsheet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "reports/order.h"
#include "reports/range.h"

#include <string.h>

static void ranges(void **state)
{
    static const struct {
        const char *header, *if_range;
        uint64_t size;
        int status;
        uint64_t first, count;
    } cases[] = {
        {NULL, NULL, 100, 200, 0, 100},
        {"bytes=0-9", NULL, 100, 206, 0, 10},
        {"bytes=90-", NULL, 100, 206, 90, 10},
        {"bytes=-10", NULL, 100, 206, 90, 10},
        {"bytes=-1000", NULL, 100, 206, 0, 100},
        {"bytes=0-1000", NULL, 100, 206, 0, 100},
        {"bytes=99-99", NULL, 100, 206, 99, 1},
        {"BYTES=5-6", NULL, 100, 206, 5, 2},
        {"bytes=100-", NULL, 100, 416, 0, 100},
        {"bytes=-0", NULL, 100, 416, 0, 100},
        {"bytes=0-", NULL, 0, 416, 0, 0},
        {"bytes=9-5", NULL, 100, 200, 0, 100},
        {"bytes=0-1,5-6", NULL, 100, 200, 0, 100},
        {"lines=0-1", NULL, 100, 200, 0, 100},
        {"bytes=", NULL, 100, 200, 0, 100},
        {"bytes=-", NULL, 100, 200, 0, 100},
        {"bytes=a-b", NULL, 100, 200, 0, 100},
        {"bytes=1-2x", NULL, 100, 200, 0, 100},
        {"bytes=99999999999999999999-", NULL, 100, 416, 0, 100},
        {"bytes=0-99999999999999999999", NULL, 100, 206, 0, 100},
        {"bytes=0-9", "\"same\"", 100, 206, 0, 10},
        {"bytes=0-9", "\"other\"", 100, 200, 0, 100},
        {"bytes=0-9", "Sat, 21 Nov 2026 00:00:00 GMT", 100, 200, 0, 100},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct range range;
        assert_int_equal(
            range_read(cases[i].header, cases[i].if_range, "\"same\"", cases[i].size, &range),
            cases[i].status);
        assert_int_equal(range.first, cases[i].first);
        assert_int_equal(range.count, cases[i].count);
    }
}

static void versions(void **state)
{
    static const char etag[] = "\"same\"";
    const char *const fitting[] = {"\"same\"",
                                   "*",
                                   " * ",
                                   "W/\"same\"",
                                   "\"a\", \"same\"",
                                   "W/\"a,\",\t,\"\",W/\"same\",\"b\""};
    const char *const others[] = {"",    "same",          "\"same",   "\"same \"",
                                  "W/*", "\"a, \"same\"", "\"Same\"", "\"other\", same",
                                  ",,,", "w/\"same\"",    "\"a\" W/"};
    (void)state;
    for (size_t i = 0; i < sizeof fitting / sizeof *fitting; i++)
        assert_true(etag_is_among(fitting[i], etag));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(etag_is_among(others[i], etag));
    assert_false(etag_is_among(NULL, etag));
}

/** What a worker writes, the job reads; and the other way round. */
static void orders_and_outcomes(void **state)
{
    TALLOC_CTX *context = talloc_new(NULL);
    const struct bound bound[] = {{"from", PARAMETER_DATE, "2026-11-20"},
                                  {"country", PARAMETER_TEXT, NULL},
                                  {"text", PARAMETER_TEXT, "\"quoted\" \xc3\xa4\n"}};
    const struct order order = {"sales", "0123456789abcdef", "ada", REPORT_CSV, 3, bound};
    struct order *read;
    struct outcome outcome;
    char text[384];
    (void)state;
    assert_int_equal(order_read(context, order_write(context, &order), &read), 0);
    assert_string_equal(read->report, "sales");
    assert_string_equal(read->version, order.version);
    assert_string_equal(read->who, "ada");
    assert_int_equal(read->file, REPORT_CSV);
    assert_int_equal(read->bound_count, 3);
    assert_string_equal(read->bound[0].value, "2026-11-20");
    assert_null(read->bound[1].value);
    assert_string_equal(read->bound[2].value, bound[2].value);
    assert_int_not_equal(order_read(context, "{}", &read), 0);
    assert_int_not_equal(order_read(context, "no JSON", &read), 0);
    const struct outcome made = {"sales", "abc", REPORT_XLSX, 1000000, 512, UINT64_C(70) << 20};
    assert_int_equal(outcome_write(&made, text, sizeof text), 0);
    assert_int_equal(outcome_read(text, &outcome), 0);
    assert_int_equal(outcome.rows, made.rows);
    assert_int_equal(outcome.preview_bytes, made.preview_bytes);
    assert_int_equal(outcome.file_bytes, made.file_bytes);
    assert_int_equal(outcome.file, REPORT_XLSX);
    assert_string_equal(outcome.etag, "abc");
    assert_int_not_equal(outcome_read("{}", &outcome), 0);
    assert_int_not_equal(outcome_write(&made, text, 20), 0);
    talloc_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges),
        cmocka_unit_test(versions),
        cmocka_unit_test(orders_and_outcomes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
