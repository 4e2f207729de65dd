/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: a sleeping process would wake too early, never, or in the wrong order. */
#include "inside.h"

#include <uv.h>

enum { SLEEPERS = 1000 };
static int64_t woken[SLEEPERS];
static int woken_count;

static void day_sleeper(void *argument)
{
    const struct kt_message *message;
    kt_receive(-1, &message); /* all have started before the first goes to sleep */
    int64_t time = *(const int64_t *)argument;
    kt_sleep_until(time);
    assert_true(kt_unix_ms() >= time);
    woken[woken_count++] = time;
}

static void test_sleepers_wake_in_order(void)
{
    static int64_t times[SLEEPERS];
    kt_pid pids[SLEEPERS];
    woken_count = 0;
    for (int i = 0; i < SLEEPERS; i++)
        kt_spawn(NULL, day_sleeper, &times[i], &pids[i]);
    kt_yield();
    int64_t base = kt_unix_ms() + 300;
    for (int i = 0; i < SLEEPERS; i++) {
        times[i] = base + i * 7919 % 211;
        kt_send(pids[i], 1, NULL, 0);
    }
    AWAIT(woken_count == SLEEPERS);
    for (int i = 1; i < SLEEPERS; i++)
        assert_true(woken[i] >= woken[i - 1]);
}

static int64_t clock_ms(void)
{
    return (int64_t)(uv_hrtime() / 1000000);
}

static void sleeper(void *argument)
{
    int64_t start = clock_ms(), duration = *(const int64_t *)argument;
    kt_sleep(duration);
    assert_true(clock_ms() - start >= duration - 1);
    woken_count++;
}

static void test_nobody_wakes_early(void)
{
    static int64_t durations[SLEEPERS];
    woken_count = 0;
    for (int i = 0; i < SLEEPERS; i++) {
        durations[i] = i * 7919 % 97;
        kt_spawn(NULL, sleeper, &durations[i], NULL);
    }
    AWAIT(woken_count == SLEEPERS);
}

static void test_sleep_until_a_time_of_day(void)
{
    int64_t wanted = kt_unix_ms() + 30;
    kt_sleep_until(wanted);
    assert_true(kt_unix_ms() >= wanted);
    kt_sleep_until(0); /* the past */
    kt_sleep_until(kt_unix_ms() - 1);
}

static void test_sleepers_can_be_killed(void)
{
    kt_pid day, duration;
    int64_t far = 1000000, far_day = kt_unix_ms() + far;
    kt_spawn(NULL, sleeper, &far, &duration);
    kt_spawn(NULL, day_sleeper, &far_day, &day);
    kt_send(day, 1, NULL, 0);
    kt_yield();
    kt_signal(day, KT_EXIT_KILL, NULL);
    kt_signal(duration, KT_EXIT_KILL, NULL);
    assert_int_equal(kt_join(day, -1), 0);
    assert_int_equal(kt_join(duration, -1), 0);
}

/** A message that comes due for one who has died wakes nobody; those behind it must still wake. */
static void test_dead_receivers_stop_no_clock(void)
{
    kt_pid dead;
    int64_t no_time = 0;
    for (int i = 0; i < 20; i++) {
        kt_spawn(NULL, sleeper, &no_time, &dead);
        kt_send_after(dead, 1, 1, NULL, 0);
        kt_signal(dead, KT_EXIT_KILL, NULL);
        int64_t due_ms = kt_unix_ms() + 3;
        while (kt_unix_ms() < due_ms)
            ; /* it is due before the loop looks at its clock again */
        kt_sleep(5);
    }
}

CASE(sleepers_wake_in_order)
CASE(nobody_wakes_early)
CASE(sleep_until_a_time_of_day)
CASE(sleepers_can_be_killed)
CASE(dead_receivers_stop_no_clock)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sleepers_wake_in_order),
        cmocka_unit_test(nobody_wakes_early),
        cmocka_unit_test(sleep_until_a_time_of_day),
        cmocka_unit_test(sleepers_can_be_killed),
        cmocka_unit_test(dead_receivers_stop_no_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
