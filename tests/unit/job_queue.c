/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: somebody who queues a hundred reports would keep everybody else waiting. */
#include "config.h"

#include "inside.h"

#include "job/queue.h"

static struct kt_queue_place place(const char *realm, int64_t queued_ms, uint64_t number,
                                   bool is_running)
{
    return (struct kt_queue_place){
        .realm = realm, .queued_ms = queued_ms, .number = number, .is_running = is_running};
}

/** One realm is first come, first served, also within a millisecond. */
static void test_fifo(void **state)
{
    struct kt_queue_place places[] = {place("a", 2, 7, false), place("a", 1, 9, false),
                                      place("a", 2, 3, false), place("a", 3, 1, false)};
    (void)state;
    assert_int_equal(kt_queue_order(places, 4), 0);
    const uint64_t expected[] = {9, 3, 7, 1};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(places[i].number, expected[i]);
}

/** A realm that came late with one job is second, not hundredth. */
static void test_fair(void **state)
{
    struct kt_queue_place places[101];
    (void)state;
    for (size_t i = 0; i < 100; i++)
        places[i] = place("many", (int64_t)i, i, false);
    places[100] = place("one", 1000, 100, false);
    assert_int_equal(kt_queue_order(places, 101), 0);
    assert_string_equal(places[0].realm, "many");
    assert_string_equal(places[1].realm, "one");
    assert_int_equal(places[2].number, 1);
}

/** What runs counts: the realm that has none running is next, though it came last. */
static void test_running(void **state)
{
    struct kt_queue_place places[] = {place("a", 1, 1, true), place("a", 2, 2, true),
                                      place("a", 3, 3, false), place("b", 9, 4, false),
                                      place("b", 8, 5, true)};
    (void)state;
    assert_int_equal(kt_queue_order(places, 5), 3);
    assert_true(places[0].is_running && places[1].is_running && places[2].is_running);
    assert_int_equal(places[3].number, 4);
    assert_int_equal(places[4].number, 3);
    assert_int_equal(places[4].rank, 2);
}

/** Nobody runs beyond a limit, and a full realm does not hold others up. */
static void test_limits(void **state)
{
    struct kt_queue_place places[] = {place("a", 1, 1, true), place("a", 2, 2, false),
                                      place("b", 3, 3, false)};
    (void)state;
    assert_int_equal(kt_queue_order(places, 3), 1);
    assert_false(kt_queue_may_run(&places[0], 0, 9, 9));
    assert_int_equal(places[1].number, 3);
    assert_true(kt_queue_may_run(&places[1], 1, 2, 1));
    assert_false(kt_queue_may_run(&places[1], 2, 2, 1));
    assert_false(kt_queue_may_run(&places[2], 1, 9, 1));
    assert_true(kt_queue_may_run(&places[2], 1, 9, 2));
    assert_int_equal(kt_queue_order(places, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fifo),
        cmocka_unit_test(test_fair),
        cmocka_unit_test(test_running),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
