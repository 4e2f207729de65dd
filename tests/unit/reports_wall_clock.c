/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * If these failed: somebody in California would get tomorrow's report each afternoon, and somebody
 * in New Zealand yesterday's each morning.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "reports/moment.h"
#include "reports/wall_clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static TALLOC_CTX *memory;

/** What a zone's clock shows at an instant, in UTC. @param zone  NULL: the machine's */
static const char *shown(const char *zone, const char *utc)
{
    const struct wall_clock *clock;
    char text[MOMENT_TEXT_SIZE];
    int64_t ms;
    assert_true(moment_read(utc, strlen(utc), &ms));
    assert_int_equal(wall_clock_new(memory, zone, &clock), 0);
    moment_write(wall_clock_read(clock, ms), text);
    return talloc_strdup(memory, text);
}

static void days_begin_where_people_are(void **state)
{
    (void)state;
    static const char instant[] = "2026-11-21 22:20:59.999";
    assert_string_equal(shown("UTC", instant), "2026-11-21 22:20:59");
    assert_string_equal(shown("Pacific/Auckland", instant), "2026-11-22 11:20:59");
    assert_string_equal(shown("America/Los_Angeles", "2026-12-01 03:00"), "2026-11-30 19:00:00");
    assert_string_equal(shown("Asia/Kathmandu", "2026-11-30 18:15"), "2026-12-01 00:00:00");
    assert_string_equal(shown("Etc/GMT+12", "2026-01-01 11:59:59"), "2025-12-31 23:59:59");
    assert_string_equal(shown("Europe/Berlin", "1969-12-31 23:30:00.500"), "1970-01-01 00:30:00");
}

static void clocks_that_are_set(void **state)
{
    (void)state;
    assert_string_equal(shown("Europe/Berlin", "2026-03-29 00:59:59"), "2026-03-29 01:59:59");
    assert_string_equal(shown("Europe/Berlin", "2026-03-29 01:00"), "2026-03-29 03:00:00");
    assert_string_equal(shown("Europe/Berlin", "2026-10-25 00:30"), "2026-10-25 02:30:00");
    assert_string_equal(shown("Europe/Berlin", "2026-10-25 01:30"), "2026-10-25 02:30:00");
    /* the days of 23 and of 25 hours, to their ends */
    assert_string_equal(shown("Europe/Berlin", "2026-03-29 21:59:59"), "2026-03-29 23:59:59");
    assert_string_equal(shown("Europe/Berlin", "2026-10-25 22:59:59"), "2026-10-25 23:59:59");
    /* where midnight itself is set forward */
    assert_string_equal(shown("America/Havana", "2026-03-08 05:00"), "2026-03-08 01:00:00");
}

static void the_machine_s_own(void **state)
{
    (void)state;
    assert_int_equal(setenv("TZ", "America/Los_Angeles", 1), 0);
    tzset();
    assert_string_equal(shown(NULL, "2026-11-22 00:30"), "2026-11-21 16:30:00");
    assert_int_equal(setenv("TZ", "NZST-12NZDT,M9.5.0,M4.1.0/3", 1), 0);
    tzset();
    assert_string_equal(shown(NULL, "2026-11-21 22:20"), "2026-11-22 11:20:00");
    assert_int_equal(unsetenv("TZ"), 0);
    tzset();
}

static void only_names_of_the_database(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "GMT+0100",
        "UTC+1",
        "Foo+1",
        "CET-1CEST,M3.5.0,M10.5.0/3",
        "/etc/localtime",
        "../zoneinfo/UTC",
        ":Europe/Berlin",
        "europe/berlin",
        "Europe/",
        "zone.tab",
        "Mars/Olympus",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const struct wall_clock *clock = NULL;
        assert_int_equal(wall_clock_new(memory, wrong[i], &clock), -ENOENT);
        assert_null(clock);
    }
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
    talloc_free(memory);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(days_begin_where_people_are, set_up, tear_down),
        cmocka_unit_test_setup_teardown(clocks_that_are_set, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_machine_s_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_names_of_the_database, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
