/* SPDX-License-Identifier: BSD-2-Clause */
/* Digits, the last one first. */
#include "base/decimal.h"

#include <string.h>

char *kt_decimal_put(char *at, int64_t number)
{
    char digits[KT_DECIMAL_MAX];
    char *first = digits + sizeof digits;
    uint64_t left = number < 0 ? -(uint64_t)number : (uint64_t)number;
    do
        *--first = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    if (number < 0)
        *--first = '-';
    return mempcpy(at, first, (size_t)(digits + sizeof digits - first));
}
