/* SPDX-License-Identifier: BSD-2-Clause */
/* Buckets: the first 32 are one microsecond wide, each further 32 twice as wide as those before. */
#include "meter.h"

static unsigned bucket_of(uint64_t duration_us)
{
    unsigned doubling = 0;
    for (; duration_us >= 2u * METER_STEPS; duration_us >>= 1)
        doubling++;
    unsigned bucket = doubling * METER_STEPS + (unsigned)duration_us;
    return bucket < METER_BUCKETS ? bucket : METER_BUCKETS - 1;
}

/** The longest duration that belongs to a bucket. */
static uint64_t upper_us(unsigned bucket)
{
    unsigned doubling = bucket < 2 * METER_STEPS ? 0 : bucket / METER_STEPS - 1;
    return ((uint64_t)(bucket - doubling * METER_STEPS + 1) << doubling) - 1;
}

void meter_add(struct meter *meter, uint64_t duration_us)
{
    meter->count++;
    meter->sum_us += duration_us;
    if (duration_us > meter->longest_us)
        meter->longest_us = duration_us;
    meter->buckets[bucket_of(duration_us)]++;
}

uint64_t meter_quantile_us(const struct meter *meter, unsigned permille)
{
    uint64_t wanted = (meter->count * permille + 999) / 1000, seen = 0;
    for (unsigned i = 0; i < METER_BUCKETS - 1; i++) {
        seen += meter->buckets[i];
        if (seen > 0 && seen >= wanted)
            return upper_us(i) < meter->longest_us ? upper_us(i) : meter->longest_us;
    }
    return meter->longest_us;
}

uint64_t meter_mean_us(const struct meter *meter)
{
    return meter->count > 0 ? meter->sum_us / meter->count : 0;
}
