/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How often each duration was seen, in fixed memory: buckets that grow with the value, so that each
 * is known to better than one percent, from a nanosecond to centuries.
 */
#pragma once

#include <stdint.h>

/** Buckets for each power of two: 2^7 keep the error below 1/128. */
#define HISTOGRAM_BITS 7u
#define HISTOGRAM_BUCKETS ((64u - HISTOGRAM_BITS + 1u) << HISTOGRAM_BITS)

/** Zeroed, it is empty. */
struct histogram {
    uint64_t count; /**< of all values: the sum of the buckets */
    uint64_t sum;
    uint64_t max;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, uint64_t value);

/**
 * The value that so many percent of all do not exceed.
 * @param percent  above 0 and at most 100
 * @return the largest value of its bucket, but never more than the largest that was seen; 0 if
 *         there is none
 */
uint64_t histogram_percentile(const struct histogram *histogram, double percent);

/** @return the mean, or 0 if there is no value */
double histogram_mean(const struct histogram *histogram);
