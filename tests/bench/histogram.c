/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A histogram whose buckets double in width with each power of two, after the first ones, which
 * hold one value each. Knows nothing of what is counted.
 */
#include "histogram.h"

#define BUCKETS_EACH (UINT64_C(1) << HISTOGRAM_BITS)

/** How often the width of a value's bucket has doubled. */
static unsigned doublings(uint64_t value)
{
    unsigned bits = value == 0 ? 0 : 64u - (unsigned)__builtin_clzll(value);
    return bits > HISTOGRAM_BITS + 1u ? bits - (HISTOGRAM_BITS + 1u) : 0;
}

static uint64_t bucket_of(uint64_t value)
{
    unsigned shift = doublings(value);
    return shift * BUCKETS_EACH + (value >> shift);
}

static uint64_t bucket_largest(uint64_t bucket)
{
    uint64_t shift = bucket < 2 * BUCKETS_EACH ? 0 : bucket / BUCKETS_EACH - 1;
    return ((bucket - shift * BUCKETS_EACH + 1) << shift) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
    histogram->buckets[bucket_of(value)]++;
    histogram->count++;
    histogram->sum += value;
    if (value > histogram->max)
        histogram->max = value;
}

uint64_t histogram_percentile(const struct histogram *histogram, double percent)
{
    double wanted = (double)histogram->count * percent / 100;
    uint64_t seen = 0;
    for (uint64_t bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        seen += histogram->buckets[bucket];
        if (seen > 0 && (double)seen >= wanted) {
            uint64_t largest = bucket_largest(bucket);
            return largest < histogram->max ? largest : histogram->max;
        }
    }
    return histogram->max;
}

double histogram_mean(const struct histogram *histogram)
{
    return histogram->count == 0 ? 0 : (double)histogram->sum / (double)histogram->count;
}
