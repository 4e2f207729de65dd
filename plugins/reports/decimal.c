/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All digits without leading zeros, and where the point is: no binary number comes in between, so
 * that a database that counts in decimals gets what was entered.
 */
#include "decimal.h"

#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX 30
/** Zeros that an exponent may add. */
#define EXPONENT_MAX 30

struct decimal {
    char digits[DIGITS_MAX];
    int count; /**< of the digits */
    int point; /**< the number is 0.DIGITS times ten to the power of it */
    bool is_negative;
};

static bool read_decimal(const char *text, struct decimal *decimal)
{
    bool has_digits = false, has_point = false;
    decimal->is_negative = *text == '-';
    text += *text == '-' || *text == '+';
    for (;; text++) {
        if (*text == '.' && !has_point) {
            has_point = true;
            continue;
        }
        if (*text < '0' || *text > '9')
            break;
        has_digits = true;
        if (*text == '0' && decimal->count == 0) {
            decimal->point -= has_point;
            continue;
        }
        if (decimal->count == DIGITS_MAX)
            return false;
        decimal->digits[decimal->count++] = *text;
        decimal->point += !has_point;
    }
    if (*text == 'e' || *text == 'E') {
        char *end;
        const char *digits = text + 1 + (text[1] == '-' || text[1] == '+');
        if (*digits < '0' || *digits > '9')
            return false;
        long exponent = strtol(text + 1, &end, 10);
        if (exponent > EXPONENT_MAX || exponent < -EXPONENT_MAX)
            return false;
        decimal->point += (int)exponent;
        text = end;
    }
    while (decimal->count > 0 && decimal->digits[decimal->count - 1] == '0')
        decimal->count--;
    return has_digits && *text == '\0' && abs(decimal->point) <= EXPONENT_MAX;
}

bool decimal_canonical(const char *text, char ret_text[DECIMAL_TEXT_SIZE])
{
    struct decimal decimal = {0};
    char *at = ret_text;
    if (!read_decimal(text, &decimal))
        return false;
    if (decimal.count == 0) {
        strcpy(ret_text, "0");
        return true;
    }
    if (decimal.is_negative)
        *at++ = '-';
    if (decimal.point <= 0)
        *at++ = '0';
    for (int i = 0; i < decimal.point; i++)
        *at++ = i < decimal.count ? decimal.digits[i] : '0';
    if (decimal.count > decimal.point)
        *at++ = '.';
    for (int i = decimal.point; i < 0; i++)
        *at++ = '0';
    for (int i = decimal.point > 0 ? decimal.point : 0; i < decimal.count; i++)
        *at++ = decimal.digits[i];
    *at = '\0';
    return true;
}
