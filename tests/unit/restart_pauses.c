/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: a worker that crashed once would come back late, or one that crashes at once
 * would eat the machine. */
#include "config.h"

#include "files.h"

#include "master/restart.h"

static void within_intensity_at_once(void **state)
{
    (void)state;
    bool is_first;
    struct kt_restarts *restarts = kt_restarts_new(NULL, 3, 10000);
    for (int64_t now = 0; now < 1000000; now += 3400) { /* less than three in ten seconds */
        assert_int_equal(kt_restarts_pause(restarts, now, 3400, &is_first), 0);
        assert_false(is_first);
    }
    talloc_free(restarts);
}

static void beyond_it_with_growing_pauses(void **state)
{
    (void)state;
    static const int64_t expected[] = {0,    0,    0,    100,   200,   400,  800,
                                       1600, 3200, 6400, 10000, 10000, 10000};
    bool is_first;
    struct kt_restarts *restarts = kt_restarts_new(NULL, 3, 10000);
    int64_t now = 5;
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        assert_int_equal(kt_restarts_pause(restarts, now, 1, &is_first), expected[i]);
        assert_int_equal(is_first, i == 3); /* told once */
        now += expected[i] + 1;
    }
    /* well for less than a period: still with pauses; for a whole one: at once again */
    assert_int_equal(kt_restarts_pause(restarts, now + 9999, 9999, &is_first), 10000);
    assert_int_equal(kt_restarts_pause(restarts, now + 30000, 10000, &is_first), 0);
    talloc_free(restarts);
}

static void begins_anew_when_the_cause_is_gone(void **state)
{
    (void)state;
    bool is_first;
    struct kt_restarts *restarts = kt_restarts_new(NULL, 1, 10000);
    assert_int_equal(kt_restarts_pause(restarts, 1, 0, &is_first), 0);
    assert_int_equal(kt_restarts_pause(restarts, 2, 0, &is_first), 100);
    kt_restarts_reset(restarts);
    assert_int_equal(kt_restarts_pause(restarts, 3, 0, &is_first), 0);
    assert_int_equal(kt_restarts_pause(restarts, 4, 0, &is_first), 100);
    assert_true(is_first);
    talloc_free(restarts);
}

static void intensity_zero_always_pauses(void **state)
{
    (void)state;
    bool is_first;
    struct kt_restarts *restarts = kt_restarts_new(NULL, 0, 1000);
    assert_int_equal(kt_restarts_pause(restarts, 1, 0, &is_first), KT_RESTART_PAUSE_FIRST_MS);
    assert_true(is_first);
    talloc_free(restarts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(within_intensity_at_once),
        cmocka_unit_test(beyond_it_with_growing_pauses),
        cmocka_unit_test(begins_anew_when_the_cause_is_gone),
        cmocka_unit_test(intensity_zero_always_pauses),
    };
    return cmocka_run_group_tests_name("restart_pauses", tests, NULL, NULL);
}
