/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: amounts in a file would be others than those in the database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "valgrind.h"

#include "reports/number_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RANDOM_NUMBERS (RUNNING_ON_VALGRIND ? 3000 : 300000)
/** Days from one that is looked at to the next. */
#define DAYS (RUNNING_ON_VALGRIND ? 97 : 1)

static uint64_t random_state = 1;

/** xorshift64*: the same in every run. */
static uint64_t random_bits(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * UINT64_C(2685821657736338717);
}

static const char *real_text(double value)
{
    static char text[NUMBER_TEXT_MAX + 1];
    char *end = number_put_real(text, value);
    assert_true(end <= text + NUMBER_TEXT_MAX);
    *end = '\0';
    return text;
}

/** Digits without zeros at either end: what a decimal says. */
static size_t significant(const char *text)
{
    char digits[64];
    size_t count = 0;
    for (; *text && *text != 'e'; text++)
        if (*text >= '0' && *text <= '9' && (count > 0 || *text != '0'))
            digits[count++] = *text;
    while (count > 0 && digits[count - 1] == '0')
        count--;
    return count;
}

/** It reads back as itself, and a decimal of one digit less does not. */
static void check_real(double value)
{
    char shorter[NUMBER_TEXT_MAX];
    const char *text = real_text(value);
    size_t digits = significant(text);
    assert_true(strtod(text, NULL) == value);
    if (digits < 2 || value == floor(value)) /* integers are written in full */
        return;
    snprintf(shorter, sizeof shorter, "%.*e", (int)digits - 2, value);
    if (strtod(shorter, NULL) == value)
        fail_msg("%s is longer than %s", text, shorter);
}

static void reals(void **state)
{
    static const double edges[] = {0,
                                   1,
                                   0.1,
                                   0.5,
                                   1e15,
                                   9007199254740992.0,
                                   1e-5,
                                   9.99e-6,
                                   1e300,
                                   5e-324,
                                   1e22,
                                   123456789.125,
                                   0.3,
                                   2.5e-8,
                                   4503599627370496.5,
                                   1e16,
                                   0.1 + 0.2,
                                   1 / 3.,
                                   65536.1,
                                   0.0000152587890625,
                                   1.7976931348623157e308};
    (void)state;
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        check_real(edges[i]);
        check_real(-edges[i]);
    }
    for (int i = 0; i < RANDOM_NUMBERS; i++) {
        uint64_t bits = random_bits();
        double any, fraction = (double)(bits >> 11) / 9007199254740992.0;
        memcpy(&any, &bits, sizeof any);
        if (isfinite(any))
            check_real(any);
        check_real(fraction);
        check_real(fraction * 1e9);
        check_real((double)(bits % 100000000) / 100);
        check_real((double)(bits % 100000000000) / 1e6);
        check_real(ldexp(1, (int)(bits % 120) - 60)); /* the next double below is nearer */
    }
    assert_string_equal(real_text(NAN), "NaN");
    assert_string_equal(real_text(INFINITY), "Infinity");
    assert_string_equal(real_text(-INFINITY), "-Infinity");
    assert_string_equal(real_text(1234.5), "1234.5");
    assert_string_equal(real_text(-0.05), "-0.05");
    assert_string_equal(real_text(100), "100");
}

static void integers(void **state)
{
    char text[NUMBER_TEXT_MAX + 1], expected[64];
    (void)state;
    for (int i = 0; i < RANDOM_NUMBERS; i++) {
        int64_t value = (int64_t)random_bits() >> (random_bits() % 64);
        *number_put_integer(text, value) = '\0';
        snprintf(expected, sizeof expected, "%lld", (long long)value);
        assert_string_equal(text, expected);
    }
    *number_put_integer(text, INT64_MIN) = '\0';
    assert_string_equal(text, "-9223372036854775808");
}

/** Every day of ten thousand years, as libc has it. */
static void dates(void **state)
{
    char text[NUMBER_TEXT_MAX + 1], expected[64];
    (void)state;
    for (int64_t day = DAY_FIRST; day < DAY_END; day += DAYS) {
        time_t seconds = (time_t)(day * 86400);
        struct tm parts;
        *number_put_date(text, day) = '\0';
        gmtime_r(&seconds, &parts);
        snprintf(expected, sizeof expected, "%04d-%02d-%02d", parts.tm_year + 1900,
                 parts.tm_mon + 1, parts.tm_mday);
        if (strcmp(text, expected) != 0)
            fail_msg("%s is %s", expected, text);
    }
    *number_put_date(text, DAY_END) = '\0';
    assert_string_equal(text, "2932897");
    *number_put_date(text, DAY_FIRST - 1) = '\0';
    assert_string_equal(text, "-719529");
}

static void moments(void **state)
{
    static const struct {
        char *(*put)(char *at, int64_t ms);
        int64_t ms;
        const char *text;
    } cases[] = {
        {number_put_datetime, 0, "1970-01-01 00:00:00"},
        {number_put_datetime, -1, "1969-12-31 23:59:59.999"},
        {number_put_datetime, 1795250000007, "2026-11-21 08:33:20.007"},
        {number_put_datetime, DAY_END * DAY_MS - 1, "9999-12-31 23:59:59.999"},
        {number_put_datetime, DAY_END * DAY_MS, "253402300800000"},
        {number_put_datetime, DAY_FIRST * DAY_MS, "0000-01-01 00:00:00"},
        {number_put_datetime, INT64_MIN, "-9223372036854775808"},
        {number_put_duration, 0, "0:00:00"},
        {number_put_duration, 97500000, "27:05:00"},
        {number_put_duration, -1000, "-0:00:01"},
        {number_put_duration, 1123, "0:00:01.123"},
        {number_put_duration, INT64_MIN, "-2562047788015:12:55.808"},
    };
    char text[NUMBER_TEXT_MAX + 1];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        *cases[i].put(text, cases[i].ms) = '\0';
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reals),
        cmocka_unit_test(integers),
        cmocka_unit_test(dates),
        cmocka_unit_test(moments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
