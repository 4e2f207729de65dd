/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Most decimals of a database have few digits: they are found with one multiplication and proved
 * with one division. All others of usual size are computed exactly in integers of 128 bits; only
 * the very large and very small go the slow way through libc.
 */
#include "number_text.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Integers below are exact in a double. */
#define EXACT_END 9007199254740992.0 /* 2^53 */
/** Digits that are always enough to tell two doubles apart. */
#define DIGITS_MAX 17

static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233"
                            "34353637383940414243444546474849505152535455565758596061626364656667"
                            "6869707172737475767778798081828384858687888990919293949596979899";

char *number_put_unsigned(char *at, uint64_t value)
{
    char digits[20];
    char *first = digits + sizeof digits;
    while (value >= 100) {
        first -= 2;
        memcpy(first, pairs + value % 100 * 2, 2);
        value /= 100;
    }
    if (value >= 10) {
        first -= 2;
        memcpy(first, pairs + value * 2, 2);
    } else {
        *--first = (char)('0' + value);
    }
    size_t count = (size_t)(digits + sizeof digits - first);
    memcpy(at, first, count);
    return at + count;
}

char *number_put_integer(char *at, int64_t value)
{
    if (value >= 0)
        return number_put_unsigned(at, (uint64_t)value);
    *at = '-';
    return number_put_unsigned(at + 1, 0 - (uint64_t)value);
}

/** An integer with a decimal point so many places from its right end; no zeros behind it. */
static char *put_scaled(char *at, uint64_t value, unsigned places)
{
    char digits[20];
    unsigned count;
    while (places > 0 && value % 10 == 0) {
        value /= 10;
        places--;
    }
    count = (unsigned)(number_put_unsigned(digits, value) - digits);
    if (count > places) {
        memcpy(at, digits, count - places);
        at += count - places;
    } else {
        *at++ = '0';
    }
    if (places == 0)
        return at;
    *at++ = '.';
    for (unsigned i = count; i < places; i++)
        *at++ = '0';
    unsigned fraction = count < places ? count : places;
    memcpy(at, digits + count - fraction, fraction);
    return at + fraction;
}

/**
 * Few decimals: m / 10^p is the double nearest to that decimal, since both are exact and division
 * rounds correctly; so when it is the value, the decimal reads back as it.
 * @return NULL: it has more of them
 */
static char *put_few_decimals(char *at, double value)
{
    static const struct {
        unsigned places;
        double power;
    } steps[] = {{2, 1e2}, {4, 1e4}, {6, 1e6}};
    for (unsigned i = 0; i < sizeof steps / sizeof *steps; i++) {
        double scaled = value * steps[i].power + 0.5;
        if (scaled >= EXACT_END / 4) /* beyond, half of a unit could be lost */
            return NULL;
        uint64_t whole = (uint64_t)scaled;
        if ((double)whole / steps[i].power == value)
            return put_scaled(at, whole, steps[i].places);
    }
    return NULL;
}

#ifdef __SIZEOF_INT128__
typedef unsigned __int128 uint128;

/** The exact range of put_shortest: there all intermediate values have fewer than 128 bits. */
#define SHORTEST_FIRST 1e-5
#define SHORTEST_END 1e15
/** The least number of 17 digits. */
#define LEAST_DIGITS UINT64_C(10000000000000000)

/**
 * value = m × 2^e. With p places chosen so that value × 10^p has 17 digits before the point, that
 * is (m × 5^p) / 2^s for a positive s: everything is exact. A decimal with fewer digits will do
 * when it is nearer to the value than half of the distance to the next double, which is 5^p / 2^s.
 */
static char *put_shortest(char *at, double value)
{
    int exponent;
    uint64_t mantissa = (uint64_t)ldexp(frexp(value, &exponent), 53);
    int places = DIGITS_MAX - 1 - (int)floor(log10(value));
    uint128 five_to = 1, exact;
    uint64_t digits;
    int shift;
    for (int i = 0; i < places; i++)
        five_to *= 5;
    for (;;) {
        exact = mantissa * five_to;
        shift = -(exponent - 53 + places);
        digits = (uint64_t)((exact + ((uint128)1 << (shift - 1))) >> shift);
        if (digits >= LEAST_DIGITS)
            break;
        places++; /* the logarithm was rounded up: one digit is missing */
        five_to *= 5;
    }

    for (uint64_t unit = 100; unit >= 10; unit /= 10) { /* 15 digits, then 16 */
        /* from the value itself: rounding what is rounded already could go the wrong way */
        uint64_t candidate = (uint64_t)(exact >> shift) / unit * unit;
        if ((exact - ((uint128)candidate << shift)) * 2 >= (uint128)unit << shift)
            candidate += unit;
        uint128 scaled = (uint128)candidate << shift;
        uint128 distance = scaled > exact ? scaled - exact : exact - scaled;
        /* below a power of two the next double is only half as far */
        unsigned narrow = mantissa == UINT64_C(1) << 52 ? 4 : 2;
        if (distance * narrow < five_to) {
            digits = candidate;
            break;
        }
    }
    return put_scaled(at, digits, (unsigned)places);
}
#endif

static char *put_by_libc(char *at, double value)
{
    char text[NUMBER_TEXT_MAX];
    int size = 0;
    /* 15 digits survive in a double, and "%g" leaves zeros out; in the least ones fewer do */
    for (int digits = value < DBL_MIN ? 1 : DBL_DIG; digits <= DIGITS_MAX; digits++) {
        size = snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    memcpy(at, text, (size_t)size);
    return at + size;
}

static char *put_word(char *at, const char *word)
{
    size_t size = strlen(word);
    memcpy(at, word, size);
    return at + size;
}

char *number_put_real(char *at, double value)
{
    if (isnan(value))
        return put_word(at, "NaN");
    if (value < 0) {
        *at++ = '-';
        value = -value;
    }
    if (isinf(value))
        return put_word(at, "Infinity");
    if (value < EXACT_END && (double)(uint64_t)value == value)
        return number_put_unsigned(at, (uint64_t)value);
    char *end = put_few_decimals(at, value);
    if (end)
        return end;
#ifdef __SIZEOF_INT128__
    if (value >= SHORTEST_FIRST && value < SHORTEST_END)
        return put_shortest(at, value);
#endif
    return put_by_libc(at, value);
}

/* ---------------------------------------------------------------- dates */

static char *put_two(char *at, unsigned value)
{
    memcpy(at, pairs + (size_t)value * 2, 2);
    return at + 2;
}

/**
 * The Gregorian calendar in eras of 400 years that begin on 1 March.
 * Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
 */
char *number_put_date(char *at, int64_t days)
{
    if (days < DAY_FIRST || days >= DAY_END)
        return number_put_integer(at, days);
    uint32_t shifted = (uint32_t)(days + 719468 + 146097); /* from 1 March of the year -400 */
    uint32_t era = shifted / 146097, of_era = shifted % 146097;
    uint32_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint32_t of_year = of_era - (365 * year + year / 4 - year / 100);
    uint32_t month = (5 * of_year + 2) / 153;
    uint32_t day = of_year - (153 * month + 2) / 5 + 1;
    month = month < 10 ? month + 3 : month - 9;
    year = year + era * 400 - 400 + (month <= 2);
    at = put_two(put_two(at, year / 100), year % 100);
    *at++ = '-';
    at = put_two(at, month);
    *at++ = '-';
    return put_two(at, day);
}

/** 05:00, and .123 */
static char *put_rest_of_hour(char *at, uint32_t ms)
{
    at = put_two(at, ms / 60000);
    *at++ = ':';
    at = put_two(at, ms / 1000 % 60);
    if (ms % 1000 != 0) {
        *at++ = '.';
        *at++ = (char)('0' + ms % 1000 / 100);
        at = put_two(at, ms % 100);
    }
    return at;
}

char *number_put_datetime(char *at, int64_t ms)
{
    int64_t days = ms / DAY_MS, of_day = ms % DAY_MS;
    if (of_day < 0) {
        of_day += DAY_MS;
        days--;
    }
    if (days < DAY_FIRST || days >= DAY_END)
        return number_put_integer(at, ms);
    at = number_put_date(at, days);
    *at++ = ' ';
    at = put_two(at, (unsigned)(of_day / 3600000));
    *at++ = ':';
    return put_rest_of_hour(at, (uint32_t)(of_day % 3600000));
}

char *number_put_duration(char *at, int64_t ms)
{
    uint64_t size = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
    if (ms < 0)
        *at++ = '-';
    at = number_put_unsigned(at, size / 3600000);
    *at++ = ':';
    return put_rest_of_hour(at, (uint32_t)(size % 3600000));
}
