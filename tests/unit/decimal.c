/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: a store in Redis would count with wrong numbers, or tell Redis of more bytes than
 * come. */
#include "config.h"

#include "files.h"

#include "base/decimal.h"

static void assert_digits(int64_t number, const char *expected)
{
    char text[KT_DECIMAL_MAX + 1];
    memset(text, '#', sizeof text);
    char *end = kt_decimal_put(text, number);
    assert_int_equal(end - text, strlen(expected));
    assert_memory_equal(text, expected, strlen(expected));
    assert_int_equal(*end, '#');
}

static void at_the_bounds(void **state)
{
    (void)state;
    assert_digits(0, "0");
    assert_digits(9, "9");
    assert_digits(10, "10");
    assert_digits(-1, "-1");
    assert_digits(-10, "-10");
    assert_digits(INT64_MAX, "9223372036854775807");
    assert_digits(INT64_MIN, "-9223372036854775808");
}

static void as_printf_writes_them(void **state)
{
    (void)state;
    char expected[KT_DECIMAL_MAX + 1];
    for (int64_t number = 1; number < INT64_MAX / 7; number = number * 7 + 3) {
        snprintf(expected, sizeof expected, "%lld", (long long)number);
        assert_digits(number, expected);
        snprintf(expected, sizeof expected, "%lld", (long long)-number);
        assert_digits(-number, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_the_bounds),
        cmocka_unit_test(as_printf_writes_them),
    };
    return cmocka_run_group_tests_name("decimal", tests, NULL, NULL);
}
