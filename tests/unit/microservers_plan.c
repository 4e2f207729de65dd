/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: rows would be counted down too fast or too slow, or a burst would hit the store
 * where the load was to be spread. */
#include "inside.h"

#include "microservers/plan.h"

#define AT_ONCE 10000u

static const struct plan together = {
    .epoch_ms = 1000000, .interval_ms = 1000, .step_ms = 0, .at_once = AT_ONCE};
static const struct plan spread = {
    .epoch_ms = 1000000, .interval_ms = 1000, .step_ms = 5, .at_once = AT_ONCE};

static void together_all_tick_at_the_end_of_each_interval(void **state)
{
    (void)state;
    for (uint32_t row = 0; row < 2 * AT_ONCE; row += 997) {
        assert_int_equal(plan_next_ms(&together, row, together.epoch_ms), 1001000);
        assert_int_equal(plan_next_ms(&together, row, 1000999), 1001000);
        assert_int_equal(plan_next_ms(&together, row, 1001000), 1002000);
        assert_int_equal(plan_next_ms(&together, row, 1001001), 1002000);
    }
}

static void each_step_has_equally_many_rows(void **state)
{
    uint32_t counts[1001] = {0};
    (void)state;
    for (uint32_t row = 0; row < AT_ONCE; row++) {
        int64_t phase = plan_phase_ms(&spread, row);
        assert_in_range(phase, 1, 1000);
        counts[phase]++;
    }
    for (int64_t phase = 0; phase <= 1000; phase++)
        assert_int_equal(counts[phase], phase > 0 && phase % 5 == 0 ? 50 : 0);
}

static void a_row_and_the_one_that_follows_it_tick_at_the_same_phase(void **state)
{
    (void)state;
    for (uint32_t row = 0; row < AT_ONCE; row += 13)
        assert_int_equal(plan_phase_ms(&spread, row), plan_phase_ms(&spread, row + AT_ONCE));
}

static void ticks_are_an_interval_apart_whatever_the_server_was_late(void **state)
{
    (void)state;
    for (uint32_t row = 0; row < AT_ONCE; row += 101) {
        int64_t due = plan_next_ms(&spread, row, spread.epoch_ms);
        assert_int_equal(due - spread.epoch_ms, plan_phase_ms(&spread, row));
        for (int64_t late = 0; late < 1000; late += 111)
            assert_int_equal(plan_next_ms(&spread, row, due + late), due + 1000);
        /* who is late by more than an interval leaves ticks out, and keeps its place */
        assert_int_equal(plan_next_ms(&spread, row, due + 3456), due + 4000);
    }
}

static void steps_that_do_not_divide_the_interval_stay_within_it(void **state)
{
    const struct plan odd = {.epoch_ms = 0, .interval_ms = 100, .step_ms = 30, .at_once = 7};
    const struct plan wide = {.epoch_ms = 0, .interval_ms = 100, .step_ms = 5000, .at_once = 7};
    (void)state;
    for (uint32_t row = 0; row < 20; row++) {
        assert_in_range(plan_phase_ms(&odd, row), 1, 100);
        assert_int_equal(plan_phase_ms(&wide, row), 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(together_all_tick_at_the_end_of_each_interval),
        cmocka_unit_test(each_step_has_equally_many_rows),
        cmocka_unit_test(a_row_and_the_one_that_follows_it_tick_at_the_same_phase),
        cmocka_unit_test(ticks_are_an_interval_apart_whatever_the_server_was_late),
        cmocka_unit_test(steps_that_do_not_divide_the_interval_stay_within_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
