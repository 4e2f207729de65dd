/* SPDX-License-Identifier: BSD-2-Clause */
/* A checksum of 64 bits. */
#include "store/sum.h"

#include <endian.h>
#include <string.h>

/** Odd constants with bits all over: the fractional parts of the square roots of 2, 3, 5 and 7. */
static const uint64_t factors[4] = {UINT64_C(0x6a09e667f3bcc909), UINT64_C(0xbb67ae8584caa73b),
                                    UINT64_C(0x3c6ef372fe94f82b), UINT64_C(0xa54ff53a5f1d36f1)};

static uint64_t word_at(const unsigned char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return le64toh(word);
}

/** One to one in both arguments, so that a difference in either stays one. */
static uint64_t mix(uint64_t sum, uint64_t word, uint64_t factor)
{
    sum = (sum ^ word) * factor;
    return sum ^ sum >> 29;
}

uint64_t kt_sum(uint64_t seed, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    uint64_t lanes[4], last = 0, sum = mix(seed, size, factors[0]);
    for (int i = 0; i < 4; i++)
        lanes[i] = sum ^ factors[i];
    size_t left = size;
    for (; left >= 32; left -= 32, at += 32)
        for (int i = 0; i < 4; i++)
            lanes[i] = mix(lanes[i], word_at(at + 8 * i), factors[i]);
    for (; left >= 8; left -= 8, at += 8)
        lanes[0] = mix(lanes[0], word_at(at), factors[0]);
    for (size_t i = 0; i < left; i++)
        last |= (uint64_t)at[i] << 8 * i;
    lanes[1] = mix(lanes[1], last, factors[1]);
    for (int i = 0; i < 4; i++)
        sum = mix(sum, lanes[i], factors[i]);
    return sum ^ sum >> 32;
}
