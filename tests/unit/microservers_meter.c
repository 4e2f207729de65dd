/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: the page and the benchmark would show waits that nobody had. */
#include "inside.h"

#include "microservers/history.h"
#include "microservers/meter.h"

static void empty_is_zero(void **state)
{
    const struct meter meter = {0};
    (void)state;
    assert_int_equal(meter_quantile_us(&meter, 990), 0);
    assert_int_equal(meter_mean_us(&meter), 0);
}

static void quantiles_are_at_most_a_32nd_above_the_truth(void **state)
{
    static struct meter meter;
    (void)state;
    /* 1 to 1,000,000: the quantiles are known */
    for (uint64_t i = 1; i <= 1000000; i++)
        meter_add(&meter, i);
    for (unsigned permille = 1; permille <= 1000; permille++) {
        uint64_t truth = permille * UINT64_C(1000);
        assert_in_range(meter_quantile_us(&meter, permille), truth, truth + truth / 32 + 1);
    }
    assert_int_equal(meter_mean_us(&meter), 500000);
    assert_int_equal(meter_quantile_us(&meter, 1000), 1000000);
}

static void one_value_is_all_its_quantiles(void **state)
{
    (void)state;
    for (uint64_t value = 0; value < UINT64_C(1) << 40; value = value * 3 + 1) {
        struct meter meter = {0};
        meter_add(&meter, value);
        assert_int_equal(meter_quantile_us(&meter, 1), value);
        assert_int_equal(meter_quantile_us(&meter, 990), value);
        assert_int_equal(meter.longest_us, value);
    }
}

static void one_percent_of_slow_ones_shows_where_it_should(void **state)
{
    struct meter meter = {0};
    (void)state;
    for (int i = 0; i < 989; i++)
        meter_add(&meter, 100);
    for (int i = 0; i < 11; i++)
        meter_add(&meter, 50000);
    assert_in_range(meter_quantile_us(&meter, 500), 100, 104);
    assert_int_equal(meter_quantile_us(&meter, 990), 50000);
    assert_in_range(meter_quantile_us(&meter, 980), 100, 104);
}

static void the_history_keeps_the_last_ten_minutes_in_order(void **state)
{
    struct history *history = history_new(NULL);
    (void)state;
    assert_null(history_last(history));
    for (int64_t i = 1; i <= 1000; i++)
        history_add(history, &(struct sample){.time_ms = i});
    assert_int_equal(history_last(history)->time_ms, 1000);
    cJSON *all = history_since(history, 0), *some = history_since(history, 990);
    assert_int_equal(cJSON_GetArraySize(all), HISTORY_SAMPLES);
    assert_int_equal(cJSON_GetArraySize(some), 10);
    int64_t expected = 1000 - HISTORY_SAMPLES;
    const cJSON *sample;
    cJSON_ArrayForEach(sample, all)
    {
        double time_ms = cJSON_GetNumberValue(cJSON_GetObjectItem(sample, "time_ms"));
        assert_int_equal((int64_t)time_ms, ++expected);
    }
    cJSON_Delete(all);
    cJSON_Delete(some);
    talloc_free(history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_is_zero),
        cmocka_unit_test(quantiles_are_at_most_a_32nd_above_the_truth),
        cmocka_unit_test(one_value_is_all_its_quantiles),
        cmocka_unit_test(one_percent_of_slow_ones_shows_where_it_should),
        cmocka_unit_test(the_history_keeps_the_last_ten_minutes_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
