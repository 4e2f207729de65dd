/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: the load generator would tell people percentiles that never were. */
#include "config.h"

#include "inside.h"

#include "histogram.h"

#include <stdlib.h>
#include <string.h>

/* The error that a bucket may have. */
#define ERROR_MAX (1.0 / 128)

static struct histogram histogram;

static void add_all(const uint64_t *values, size_t count)
{
    memset(&histogram, 0, sizeof histogram);
    for (size_t i = 0; i < count; i++)
        histogram_add(&histogram, values[i]);
}

static int by_size(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static void nothing_has_no_percentile(void **state)
{
    (void)state;
    add_all(NULL, 0);
    assert_int_equal(histogram_percentile(&histogram, 50), 0);
    assert_true(histogram_mean(&histogram) == 0);
}

static void small_values_are_exact(void **state)
{
    (void)state;
    uint64_t values[100];
    for (uint64_t i = 0; i < 100; i++)
        values[i] = i + 1;
    add_all(values, 100);
    for (uint64_t percent = 1; percent <= 100; percent++)
        assert_int_equal(histogram_percentile(&histogram, (double)percent), percent);
    assert_true(histogram_mean(&histogram) == 50.5);
}

static void the_largest_is_exact(void **state)
{
    (void)state;
    const uint64_t values[] = {0, 1, 255, 256, 257, 123456789, UINT64_MAX};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        add_all(values, i + 1);
        assert_int_equal(histogram_percentile(&histogram, 100), values[i]);
        assert_int_equal(histogram.max, values[i]);
    }
}

/* One in a thousand waits long: 99.9 % did not, and the rest is seen. */
static void a_rare_wait_is_seen(void **state)
{
    (void)state;
    static uint64_t values[10000];
    for (size_t i = 0; i < 10000; i++)
        values[i] = i % 1000 == 999 ? 5000000 : 100;
    add_all(values, 10000);
    assert_int_equal(histogram_percentile(&histogram, 99.9), 100);
    assert_int_equal(histogram_percentile(&histogram, 99.91), 5000000);
}

/* Beside a sorted list, over all sizes that a wait can have. */
static void percentiles_are_near_the_truth(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    static uint64_t values[COUNT];
    const double percents[] = {0.1, 10, 50, 90, 99, 99.9};
    srandom(1);
    for (size_t i = 0; i < COUNT; i++)
        values[i] = (uint64_t)random() >> (random() % 31);
    add_all(values, COUNT);
    qsort(values, COUNT, sizeof values[0], by_size);
    for (size_t i = 0; i < sizeof percents / sizeof percents[0]; i++) {
        uint64_t truth = values[(size_t)(COUNT * percents[i] / 100 + 0.5) - 1];
        uint64_t found = histogram_percentile(&histogram, percents[i]);
        assert_true(found >= truth);
        assert_true((double)(found - truth) <= (double)truth * ERROR_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_has_no_percentile),      cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(the_largest_is_exact),           cmocka_unit_test(a_rare_wait_is_seen),
        cmocka_unit_test(percentiles_are_near_the_truth),
    };
    return cmocka_run_group_tests_name("bench_histogram", tests, NULL, NULL);
}
