/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: focus and overtime would be counted by other hours than people work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "calendar/working_time.h"

static void days_in_any_form(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t days;
    } good[] = {
        {"monday-friday", 0x1f}, {"Mon - Fri", 0x1f},    {"sun-thu", 0x4f},
        {"saturday", 0x20},      {"mon, wed,fri", 0x15}, {" tue-wed , sun ", 0x46},
        {"monday-monday", 0x01}, {"tue-mon", 0x7f},      {"mon-tue,tue-wed", 0x07},
    };
    static const char *const bad[] = {"",     "mo",      "mon-", "-fri",    "mon fri",
                                      "mon,", "mondays", "1-5",  "mon-fri;"};
    uint32_t days;

    for (size_t index = 0; index < sizeof(good) / sizeof(good[0]); index++) {
        days = 0;
        assert_int_equal(kt_working_days_parse(good[index].text, &days), 0);
        assert_int_equal(days, good[index].days);
    }
    for (size_t index = 0; index < sizeof(bad) / sizeof(bad[0]); index++)
        assert_int_equal(kt_working_days_parse(bad[index], &days), -EINVAL);
}

static void hours_in_any_form(void **state)
{
    (void)state;
    static const char *const bad[] = {"",          "9-17",        "17:00-09:00", "09:00-09:00",
                                      "09:00",     "09:60-17:00", "09:00-24:01", "09:00-17:00h",
                                      "9:0-17:00", "-1:00-17:00"};
    int32_t from, to;

    assert_int_equal(kt_working_hours_parse("09:00-17:30", &from, &to), 0);
    assert_int_equal(from, 9 * 3600);
    assert_int_equal(to, 17 * 3600 + 1800);
    assert_int_equal(kt_working_hours_parse(" 0:00 - 24:00 ", &from, &to), 0);
    assert_int_equal(from, 0);
    assert_int_equal(to, 86400);
    for (size_t index = 0; index < sizeof(bad) / sizeof(bad[0]); index++)
        assert_int_equal(kt_working_hours_parse(bad[index], &from, &to), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_in_any_form),
        cmocka_unit_test(hours_in_any_form),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
