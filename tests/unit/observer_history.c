/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: the charts would show an hour that never was, after a crash, a reload, or when
 * the clock is set. */
#include "inside.h"

#include "observer/history.h"

#include <kontor/observe.h>

#define STEP HISTORY_STEP_MS
#define HOUR ((int64_t)HISTORY_SAMPLES * STEP)
/** A time of day, a multiple of the step. */
#define NOON INT64_C(1700000000000)

/** Count so many requests ever, all of them in the second bucket. */
static void take(struct history *history, int64_t time_ms, unsigned requests)
{
    cJSON *worker = cJSON_CreateObject(), *service = cJSON_AddObjectToObject(worker, "service");
    cJSON *durations = cJSON_AddArrayToObject(service, "durations");
    cJSON *runtime = cJSON_AddObjectToObject(worker, "runtime");
    cJSON_AddNumberToObject(service, "requests_total", requests);
    cJSON_AddNumberToObject(runtime, "processes", 7);
    for (unsigned i = 0; i < KT_OBSERVED_DURATIONS; i++) {
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddNumberToObject(entry, "count", i == 1 ? requests : 0);
        cJSON_AddItemToArray(durations, entry);
    }
    history_add(history, time_ms, worker);
    cJSON_Delete(worker);
}

/** Begin to count at a time, and take samples until another one, with so many requests in each. */
static struct history *make(int64_t from_ms, int64_t to_ms, unsigned requests)
{
    unsigned ever = 0;
    struct history *history = history_new(NULL);
    assert_non_null(history);
    for (int64_t time_ms = from_ms; time_ms <= to_ms; time_ms += STEP, ever += requests)
        take(history, time_ms, ever);
    return history;
}

/** That it has these samples: from one to another, none missing, with so many requests in each. */
static void check(const struct history *history, int64_t from_ms, int64_t to_ms, double requests,
                  double processes)
{
    const cJSON *sample;
    cJSON *all = history_since(history, 0);
    int64_t expected = from_ms;
    cJSON_ArrayForEach(sample, all)
    {
        const cJSON *second = cJSON_GetArrayItem(cJSON_GetObjectItem(sample, "durations"), 1);
        assert_int_equal((int64_t)cJSON_GetNumberValue(cJSON_GetObjectItem(sample, "time_ms")),
                         expected);
        assert_float_equal(cJSON_GetNumberValue(cJSON_GetObjectItem(sample, "requests")), requests,
                           0);
        assert_float_equal(cJSON_GetNumberValue(second), requests, 0);
        assert_float_equal(cJSON_GetNumberValue(cJSON_GetObjectItem(sample, "processes")),
                           processes, 0);
        expected += STEP;
    }
    assert_int_equal(expected, to_ms + STEP);
    cJSON_Delete(all);
}

/** Hand one over to another, which frees it. */
static void hand_over(struct history *from, struct history *to)
{
    size_t size;
    char *data = history_pack(from, from, &size);
    assert_non_null(data);
    assert_true(history_unpack(to, data, size));
    talloc_free(from);
}

static void the_last_hour_stays_in_order(void **state)
{
    struct history *history = make(NOON, NOON + 3 * HOUR / 2, 3);
    (void)state;
    check(history, NOON + HOUR / 2 + STEP, NOON + 3 * HOUR / 2, 3, 7);
    cJSON *some = history_since(history, NOON + 3 * HOUR / 2 - 2 * STEP);
    assert_int_equal(cJSON_GetArraySize(some), 2);
    cJSON_Delete(some);
    talloc_free(history);
}

static void a_successor_has_the_past_of_the_one_before(void **state)
{
    struct history *old = make(NOON, NOON + 10 * STEP, 3);
    struct history *successor = make(NOON + 10 * STEP, NOON + 10 * STEP, 3);
    (void)state;
    hand_over(old, successor);
    for (unsigned i = 1; i <= 5; i++)
        take(successor, NOON + (10 + i) * STEP, 3 * i);
    check(successor, NOON + STEP, NOON + 15 * STEP, 3, 7);
    talloc_free(successor);
}

static void those_of_the_same_time_are_added_up(void **state)
{
    struct history *one = make(NOON, NOON + 10 * STEP, 3), *other = make(NOON, NOON + 10 * STEP, 2);
    (void)state;
    hand_over(one, other);
    check(other, NOON + STEP, NOON + 10 * STEP, 5, 14);
    talloc_free(other);
}

static void what_is_older_than_the_hour_is_left_out(void **state)
{
    struct history *old = make(NOON, NOON + HOUR, 3);
    struct history *successor = make(NOON + 3 * HOUR / 2, NOON + 3 * HOUR / 2, 3);
    struct history *late = make(NOON + 5 * HOUR, NOON + 5 * HOUR, 3);
    (void)state;
    hand_over(old, successor);
    check(successor, NOON + HOUR / 2 + STEP, NOON + HOUR, 3, 7);
    hand_over(successor, late);
    check(late, NOON, NOON - STEP, 0, 0); /* none */
    talloc_free(late);
}

static void a_clock_set_back_shows_no_future(void **state)
{
    struct history *history = make(NOON, NOON + 20 * STEP, 3);
    struct history *other = make(NOON, NOON + 20 * STEP, 3);
    (void)state;
    take(history, NOON + 5 * STEP, 63);
    check(history, NOON + STEP, NOON + 5 * STEP, 3, 7);
    take(history, NOON + 5 * STEP, 64); /* twice at a time: it is counted in the next */
    take(history, NOON + 6 * STEP, 66);
    check(history, NOON + STEP, NOON + 6 * STEP, 3, 7);
    /* what another one took in that future */
    size_t size;
    char *data = history_pack(other, other, &size);
    assert_true(history_unpack(history, data, size));
    check(history, NOON + STEP, NOON + 6 * STEP, 6, 14);
    talloc_free(other);
    talloc_free(history);
}

static void what_another_kontor_has_written_is_refused(void **state)
{
    struct history *history = make(NOON, NOON + 3 * STEP, 3);
    struct history *other = make(NOON, NOON + 3 * STEP, 3);
    size_t size;
    char *data = history_pack(other, other, &size);
    (void)state;
    for (size_t less = 0; less < size; less++)
        assert_false(history_unpack(history, data, less));
    for (size_t i = 0; i < 16; i++) { /* each byte of its head */
        data[i] = (char)(data[i] ^ 0x55);
        assert_false(history_unpack(history, data, size));
        data[i] = (char)(data[i] ^ 0x55);
    }
    check(history, NOON + STEP, NOON + 3 * STEP, 3, 7);
    assert_true(history_unpack(history, data, size));
    talloc_free(other);
    talloc_free(history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_hour_stays_in_order),
        cmocka_unit_test(a_successor_has_the_past_of_the_one_before),
        cmocka_unit_test(those_of_the_same_time_are_added_up),
        cmocka_unit_test(what_is_older_than_the_hour_is_left_out),
        cmocka_unit_test(a_clock_set_back_shows_no_future),
        cmocka_unit_test(what_another_kontor_has_written_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
