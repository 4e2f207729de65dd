/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: a plugin that crashes all the time would take the others' requests along for
 * ever, or one that crashed long ago would be left out for nothing. */
#include "config.h"

#include "files.h"

#include "master/quarantine.h"

#include <stdio.h>
#include <string.h>

#define TIME_MS 30000
#define TIME_MAX_MS 200000
#define PERIOD_MS 60000

static const struct kt_quarantine_policy policy = {
    .crashes = 3, .period_ms = PERIOD_MS, .time_ms = TIME_MS, .time_max_ms = TIME_MAX_MS};
static struct kt_quarantine *quarantine;

static int set_up(void **state)
{
    (void)state;
    quarantine = kt_quarantine_new(NULL);
    return quarantine != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    talloc_free(quarantine);
    return 0;
}

/** @return whether it is in quarantine because of this crash */
static bool crash_slowly(const char *plugin, int64_t now_ms, int64_t starting_ms)
{
    bool is_new;
    const struct kt_plugin_crash crash = {.plugin = plugin,
                                          .text = "bus error",
                                          .backtrace = "a.so+0x1",
                                          .now_ms = now_ms,
                                          .starting_ms = starting_ms};
    assert_non_null(kt_quarantine_crash(quarantine, &policy, &crash, &is_new));
    return is_new;
}

static bool crash(const char *plugin, int64_t now_ms)
{
    return crash_slowly(plugin, now_ms, 0);
}

static const char *state_of(const char *plugin, int64_t now_ms)
{
    return kt_suspect_state(kt_quarantine_find(quarantine, plugin), &policy, now_ms);
}

static void a_series_of_crashes_does_it(void **state)
{
    (void)state;
    assert_false(crash("shop", 1000));
    assert_false(crash("bank", 1500));
    assert_false(crash("shop", 1000 + PERIOD_MS));
    assert_string_equal(state_of("shop", 2000), "well");
    assert_int_equal(quarantine->version, 0);
    assert_true(crash("shop", 1000 + 2 * PERIOD_MS));
    assert_int_equal(quarantine->version, 1);
    assert_string_equal(state_of("shop", 1000 + 2 * PERIOD_MS), "quarantined");
    assert_string_equal(state_of("bank", 1000 + 2 * PERIOD_MS), "well");
    assert_int_equal(kt_quarantine_deadline(quarantine), 1000 + 2 * PERIOD_MS + TIME_MS);
    assert_string_equal(kt_quarantine_find(quarantine, "shop")->text, "bus error");
    assert_null(kt_quarantine_find(quarantine, "mill"));
}

static void rare_crashes_are_forgotten(void **state)
{
    (void)state;
    for (int64_t now = 0; now < 1000 * (int64_t)PERIOD_MS; now += PERIOD_MS + 1)
        assert_false(crash("shop", now));
    assert_int_equal(kt_quarantine_deadline(quarantine), INT64_MAX);
}

static void slow_starts_do_not_hide_it(void **state)
{
    (void)state;
    assert_false(crash_slowly("shop", 5 * PERIOD_MS, 5 * PERIOD_MS));
    assert_false(crash_slowly("shop", 10 * PERIOD_MS, 5 * PERIOD_MS));
    assert_true(crash_slowly("shop", 15 * PERIOD_MS, 5 * PERIOD_MS));
}

static void workers_from_before_change_nothing(void **state)
{
    (void)state;
    crash("shop", 1), crash("shop", 2), crash("shop", 3);
    assert_false(crash("shop", 4));
    assert_int_equal(kt_quarantine_deadline(quarantine), 3 + TIME_MS);
    assert_int_equal(quarantine->version, 1);
    assert_int_equal(kt_quarantine_find(quarantine, "shop")->crashes_total, 4);
}

/** Wait for the end of the quarantine. @return when that was */
static int64_t sit_out(const char *plugin)
{
    int64_t end = kt_quarantine_deadline(quarantine);
    uint32_t version = quarantine->version;
    assert_null(kt_quarantine_expire(quarantine, end - 1));
    const struct kt_suspect *suspect = kt_quarantine_expire(quarantine, end);
    assert_non_null(suspect);
    assert_string_equal(suspect->name, plugin);
    assert_null(kt_quarantine_expire(quarantine, end));
    assert_int_equal(quarantine->version, version + 1);
    assert_string_equal(state_of(plugin, end), "probation");
    return end;
}

static void probation_ends_with_one_crash(void **state)
{
    (void)state;
    static const int64_t expected[] = {2 * TIME_MS, 4 * TIME_MS, TIME_MAX_MS, TIME_MAX_MS};
    crash("shop", 1), crash("shop", 2), crash("shop", 3);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        int64_t now = sit_out("shop") + PERIOD_MS;
        assert_true(crash("shop", now));
        assert_int_equal(kt_quarantine_deadline(quarantine), now + expected[i]);
    }
}

static void probation_ends_with_a_quiet_period(void **state)
{
    (void)state;
    crash("shop", 1), crash("shop", 2), crash("shop", 3);
    int64_t now = sit_out("shop") + PERIOD_MS + 1;
    assert_string_equal(state_of("shop", now), "well");
    assert_false(crash("shop", now));
    assert_false(crash("shop", now + 1));
    assert_true(crash("shop", now + 2));
    assert_int_equal(kt_quarantine_deadline(quarantine), now + 2 + TIME_MS); /* the first again */
}

static void one_or_all_are_released(void **state)
{
    (void)state;
    for (int64_t now = 1; now <= 3; now++)
        crash("shop", now), crash("bank", now);
    assert_int_equal(kt_quarantine_release(quarantine, "mill", 10), 0);
    assert_int_equal(quarantine->version, 2);
    assert_int_equal(kt_quarantine_release(quarantine, "shop", 10), 1);
    assert_int_equal(kt_quarantine_release(quarantine, "shop", 10), 0);
    assert_string_equal(state_of("shop", 10), "probation");
    assert_string_equal(state_of("bank", 10), "quarantined");
    assert_int_equal(kt_quarantine_release(quarantine, NULL, 10), 1);
    assert_int_equal(quarantine->version, 4);
    assert_true(crash("bank", 20));
    assert_int_equal(kt_quarantine_deadline(quarantine), 20 + 2 * TIME_MS);
}

static void who_left_the_configuration_is_forgotten(void **state)
{
    (void)state;
    crash("shop", 1), crash("bank", 1), crash("mill", 1);
    kt_quarantine_forget_others(quarantine, "bank banker");
    assert_null(kt_quarantine_find(quarantine, "shop"));
    assert_null(kt_quarantine_find(quarantine, "mill"));
    assert_non_null(kt_quarantine_find(quarantine, "bank"));
}

static void zero_crashes_mean_never(void **state)
{
    (void)state;
    const struct kt_quarantine_policy never = {.period_ms = PERIOD_MS, .time_ms = 1};
    for (int64_t now = 1; now < 1000; now++) {
        bool is_new;
        const struct kt_plugin_crash crash = {
            .plugin = "shop", .text = "", .backtrace = "", .now_ms = now};
        kt_quarantine_crash(quarantine, &never, &crash, &is_new);
        assert_false(is_new);
    }
    assert_int_equal(kt_quarantine_deadline(quarantine), INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_series_of_crashes_does_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rare_crashes_are_forgotten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(slow_starts_do_not_hide_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(workers_from_before_change_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(probation_ends_with_one_crash, set_up, tear_down),
        cmocka_unit_test_setup_teardown(probation_ends_with_a_quiet_period, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_or_all_are_released, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_left_the_configuration_is_forgotten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(zero_crashes_mean_never, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("quarantine_policy", tests, NULL, NULL);
}
