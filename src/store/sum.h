/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A checksum of 64 bits against damage, not against malice: 8 bytes a step in four lanes, so that a
 * page takes less than a microsecond. It stands in files: to change it is a new version of them.
 */
#ifndef KT_STORE_SUM_H
#define KT_STORE_SUM_H

#include <stddef.h>
#include <stdint.h>

/**
 * Sum up bytes, behind what was summed before.
 * @param seed  the sum so far, or a number that says what this is
 * @return the sum; the same on every machine. Two texts that differ in one aligned word of 8 bytes
 *         always have different sums, others with all probability
 */
uint64_t kt_sum(uint64_t seed, const void *bytes, size_t size);

#endif
