/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: a worker that a plugin holds up would never be replaced, or one that is well be
 * killed. */
#include "config.h"

#include "files.h"

#include "master/watchdog.h"

#define TIMEOUT_MS 4000
#define INTERVAL_MS 1000

static void who_turns_is_well(void **state)
{
    (void)state;
    struct kt_watchdog watchdog;
    kt_watchdog_start(&watchdog, TIMEOUT_MS, 7);
    assert_int_equal(watchdog.look_ms, 7 + INTERVAL_MS);
    uint64_t turns = 1;
    for (int64_t now = 7; now < 60000; now += 10) /* now and then a look comes between two turns */
        assert_int_equal(kt_watchdog_look(&watchdog, now % 3000 == 7 ? ++turns : turns, now),
                         KT_WATCHDOG_WELL);
}

static void who_stands_still_is_stuck(void **state)
{
    (void)state;
    struct kt_watchdog watchdog;
    kt_watchdog_start(&watchdog, TIMEOUT_MS, 0);
    int64_t now = INTERVAL_MS;
    assert_int_equal(kt_watchdog_look(&watchdog, 5, now), KT_WATCHDOG_WELL);
    for (int look = 1; look < 4; look++)
        assert_int_equal(kt_watchdog_look(&watchdog, 5, now += INTERVAL_MS), KT_WATCHDOG_WELL);
    assert_int_equal(kt_watchdog_look(&watchdog, 5, now + INTERVAL_MS - 1), KT_WATCHDOG_WELL);
    assert_int_equal(kt_watchdog_look(&watchdog, 5, now += INTERVAL_MS), KT_WATCHDOG_STUCK);
    assert_int_equal(kt_watchdog_look(&watchdog, 5, now + INTERVAL_MS), KT_WATCHDOG_DEAF);
}

static void a_jump_of_the_clock_is_no_standstill(void **state)
{
    (void)state;
    struct kt_watchdog watchdog;
    kt_watchdog_start(&watchdog, TIMEOUT_MS, 0);
    assert_int_equal(kt_watchdog_look(&watchdog, 5, INTERVAL_MS), KT_WATCHDOG_WELL);
    assert_int_equal(kt_watchdog_look(&watchdog, 5, 3600000), KT_WATCHDOG_WELL);
    assert_int_equal(kt_watchdog_look(&watchdog, 6, 3600000 + INTERVAL_MS), KT_WATCHDOG_WELL);
    assert_int_equal(watchdog.looks, 0);
}

static void nobody_looks_without_a_timeout(void **state)
{
    (void)state;
    struct kt_watchdog watchdog;
    kt_watchdog_start(&watchdog, 0, 0);
    assert_int_equal(watchdog.look_ms, INT64_MAX);
    assert_int_equal(kt_watchdog_interval_ms(0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_turns_is_well),
        cmocka_unit_test(who_stands_still_is_stuck),
        cmocka_unit_test(a_jump_of_the_clock_is_no_standstill),
        cmocka_unit_test(nobody_looks_without_a_timeout),
    };
    return cmocka_run_group_tests_name("watchdog", tests, NULL, NULL);
}
