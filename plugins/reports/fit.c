/* SPDX-License-Identifier: BSD-2-Clause */
/* One function per kind of column; each leaves alone what it does not understand. */
#include "fit.h"

#include "moment.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/** A number in digits is not longer than this; longer texts are none. */
#define NUMBER_MAX_BYTES 400
/** The Julian day of 1970-01-01 00:00, and days around it that dates can have: 1601 to 9999. */
#define JULIAN_1970 2440587.5
#define DAYS_MIN (-134774.0)
#define DAYS_MAX 2932896.0
/** Integers up to here are exact as reals. */
#define EXACT_MAX 9007199254740992.0

static void set_integer(struct report_value *value, int64_t integer)
{
    value->form = REPORT_IS_INTEGER;
    value->integer = integer;
}

/** "12" and "12.50", but not "0x1f" or " 12": what databases write. */
static void fit_number_text(struct report_value *value)
{
    char text[NUMBER_MAX_BYTES], *end;
    if (value->size == 0 || value->size >= sizeof text)
        return;
    memcpy(text, value->text, value->size);
    text[value->size] = '\0';
    bool is_special = strcmp(text, "NaN") == 0 || strcmp(text, "Infinity") == 0 ||
                      strcmp(text, "-Infinity") == 0;
    if (!is_special && strspn(text, "0123456789+-.eE") != value->size)
        return;
    errno = 0;
    long long integer = strtoll(text, &end, 10);
    if (*end == '\0' && errno == 0) {
        set_integer(value, integer);
        return;
    }
    bool is_integer = *end == '\0'; /* of too many digits: no real could hold them */
    double real = strtod(text, &end);
    if (*end != '\0' || end == text || is_integer)
        return;
    value->form = REPORT_IS_REAL;
    value->real = real;
}

static void fit_integer(struct report_value *value)
{
    if (value->form == REPORT_IS_TEXT)
        fit_number_text(value);
    if (value->form == REPORT_IS_REAL && fabs(value->real) < EXACT_MAX &&
        value->real == trunc(value->real))
        set_integer(value, (int64_t)value->real);
}

/** To milliseconds since 1970; whether it worked. */
static bool fit_moment(struct report_value *value)
{
    int64_t ms = 0;
    double days;
    switch (value->form) {
    case REPORT_IS_TEXT:
        if (!moment_read(value->text, value->size, &ms))
            return false;
        break;
    case REPORT_IS_INTEGER:
        days = (double)value->integer / 86400.0;
        if (days < DAYS_MIN || days >= DAYS_MAX + 1)
            return false;
        ms = value->integer * 1000;
        break;
    case REPORT_IS_REAL:
        days = value->real - JULIAN_1970;
        if (!(days >= DAYS_MIN && days < DAYS_MAX + 1))
            return false;
        ms = llround(days * (double)MOMENT_DAY_MS);
        break;
    case REPORT_NULL:
        return false;
    }
    set_integer(value, ms);
    return true;
}

static void fit_duration(struct report_value *value)
{
    int64_t ms;
    if (value->form == REPORT_IS_TEXT) {
        if (moment_read_duration(value->text, value->size, &ms)) {
            set_integer(value, ms);
            return;
        }
        fit_number_text(value);
    }
    if (value->form == REPORT_IS_INTEGER && value->integer < INT64_MAX / 1000 &&
        value->integer > INT64_MIN / 1000)
        value->integer *= 1000;
    else if (value->form == REPORT_IS_REAL && fabs(value->real) < EXACT_MAX / 1000)
        set_integer(value, llround(value->real * 1000));
}

static void fit_boolean(struct report_value *value)
{
    static const char *const words[] = {"f", "t", "false", "true", "0", "1"};
    for (size_t i = 0; value->form == REPORT_IS_TEXT && i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == value->size && memcmp(words[i], value->text, value->size) == 0)
            set_integer(value, i % 2);
    if (value->form == REPORT_IS_INTEGER)
        value->integer = value->integer != 0;
}

void value_fit(enum report_type type, struct report_value *value)
{
    switch (type) {
    case REPORT_INTEGER:
        fit_integer(value);
        break;
    case REPORT_NUMBER:
    case REPORT_MONEY:
    case REPORT_PERCENT:
        if (value->form == REPORT_IS_TEXT)
            fit_number_text(value);
        break;
    case REPORT_DATE:
        if (fit_moment(value))
            value->integer = moment_day(value->integer);
        break;
    case REPORT_DATETIME:
        fit_moment(value);
        break;
    case REPORT_DURATION:
        fit_duration(value);
        break;
    case REPORT_BOOLEAN:
        fit_boolean(value);
        break;
    case REPORT_TEXT:
    case REPORT_TYPES:
        break;
    }
}
