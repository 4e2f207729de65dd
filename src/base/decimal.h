/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers as digits, where printf would take longer than what is done with them. */
#ifndef KT_BASE_DECIMAL_H
#define KT_BASE_DECIMAL_H

#include <stdint.h>

/** The most bytes of a number: a sign and 19 digits. */
#define KT_DECIMAL_MAX 20u

/**
 * Write a number: its digits, after '-' if it is negative, without a NUL.
 * @param at  room for KT_DECIMAL_MAX bytes
 * @return behind the last digit
 */
char *kt_decimal_put(char *at, int64_t number);

#endif
