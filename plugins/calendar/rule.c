/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the text of a recurrence rule. Strict where the text would be ambiguous, tolerant of
 * letter case and of repetitions. Knows the grammar only; what a rule means is in recurrence.c.
 */
#include "rule.h"
#include "civil.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/** One NAME=VALUE of the rule; borrowed from the text. */
struct part {
    const char *name, *value;
    size_t name_length, value_length;
};

static const char *const weekday_names[7] = {"MO", "TU", "WE", "TH", "FR", "SA", "SU"};
static const char *const frequency_names[7] = {"SECONDLY", "MINUTELY", "HOURLY", "DAILY",
                                               "WEEKLY",   "MONTHLY",  "YEARLY"};

static int bad_value(const struct part *part, struct kt_error *error)
{
    return kt_error_set(error, -EINVAL, "a recurrence rule has %.*s=%.*s", (int)part->name_length,
                        part->name, (int)(part->value_length > 60 ? 60 : part->value_length),
                        part->value);
}

static bool is_word(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && strncasecmp(text, word, length) == 0;
}

/** Read digits only; at most nine, so that an int64_t cannot overflow. */
static bool read_digits(const char *text, size_t length, int64_t *ret_value)
{
    int64_t value = 0;

    if (length == 0 || length > 9)
        return false;
    for (size_t index = 0; index < length; index++) {
        if (text[index] < '0' || text[index] > '9')
            return false;
        value = value * 10 + (text[index] - '0');
    }
    *ret_value = value;
    return true;
}

static bool read_number(const char *text, size_t length, int64_t *ret_value)
{
    bool is_negative = length > 0 && text[0] == '-';
    bool has_sign = is_negative || (length > 0 && text[0] == '+');

    if (!read_digits(text + has_sign, length - has_sign, ret_value))
        return false;
    if (is_negative)
        *ret_value = -*ret_value;
    return true;
}

/** Take the next item of a comma-separated list; false at its end. */
static bool next_item(const char **cursor, const char *end, const char **ret_item,
                      size_t *ret_length)
{
    const char *comma;

    if (!*cursor)
        return false;
    comma = memchr(*cursor, ',', (size_t)(end - *cursor));
    *ret_item = *cursor;
    *ret_length = (size_t)((comma ? comma : end) - *cursor);
    *cursor = comma ? comma + 1 : NULL;
    return true;
}

/** A list of numbers minimum … maximum as bits. */
static int read_bits(const struct part *part, int64_t minimum, int64_t maximum, uint64_t *ret_bits,
                     struct kt_error *error)
{
    const char *cursor = part->value, *item;
    size_t length;
    int64_t number;

    while (next_item(&cursor, part->value + part->value_length, &item, &length)) {
        if (!read_digits(item, length, &number) || number < minimum || number > maximum)
            return bad_value(part, error);
        *ret_bits |= UINT64_C(1) << number;
    }
    return 0;
}

/** A list of numbers ±1 … ±maximum. */
static int read_signed(const struct part *part, int64_t maximum, struct kt_rule_numbers *numbers,
                       struct kt_error *error)
{
    const char *cursor = part->value, *item;
    size_t length;
    int64_t number;

    while (next_item(&cursor, part->value + part->value_length, &item, &length)) {
        if (!read_number(item, length, &number) || number == 0 || number < -maximum ||
            number > maximum)
            return bad_value(part, error);
        kt_rule_numbers_add(numbers, (int32_t)number);
    }
    return 0;
}

static int read_weekday(const char *text, size_t length, uint32_t *ret_weekday)
{
    for (uint32_t index = 0; index < 7; index++) {
        if (is_word(text, length, weekday_names[index])) {
            *ret_weekday = index;
            return 0;
        }
    }
    return -EINVAL;
}

static int read_by_day(const struct part *part, struct kt_rule *rule, struct kt_error *error)
{
    const char *cursor = part->value, *item;
    size_t length;
    uint32_t weekday;
    int64_t number;

    while (next_item(&cursor, part->value + part->value_length, &item, &length)) {
        if (length < 2 || read_weekday(item + length - 2, 2, &weekday) < 0)
            return bad_value(part, error);
        if (length == 2) {
            rule->by_weekday |= 1u << weekday;
            continue;
        }
        if (!read_number(item, length - 2, &number) || number == 0 || number < -KT_RULE_WEEKS_MAX ||
            number > KT_RULE_WEEKS_MAX)
            return bad_value(part, error);
        rule->has_ordinals = true;
        if (number > 0)
            rule->nth_from_begin[weekday] |= UINT64_C(1) << number;
        else
            rule->nth_from_end[weekday] |= UINT64_C(1) << -number;
    }
    return 0;
}

/** YYYYMMDD, YYYYMMDDTHHMMSS or YYYYMMDDTHHMMSSZ; a date means until the end of that day. */
static int read_until(const struct part *part, struct kt_rule *rule, struct kt_error *error)
{
    const char *text = part->value;
    size_t length = part->value_length;
    int64_t year, month, day, hour = 23, minute = 59, second = 59;

    if ((length != 8 && length != 15 && length != 16) || !read_digits(text, 4, &year) ||
        !read_digits(text + 4, 2, &month) || !read_digits(text + 6, 2, &day))
        return bad_value(part, error);
    if (length > 8 && ((text[8] != 'T' && text[8] != 't') || !read_digits(text + 9, 2, &hour) ||
                       !read_digits(text + 11, 2, &minute) || !read_digits(text + 13, 2, &second)))
        return bad_value(part, error);
    if (length == 16 && text[15] != 'Z' && text[15] != 'z')
        return bad_value(part, error);
    if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
        return bad_value(part, error);
    rule->has_until = true;
    rule->until_is_utc = length == 16;
    rule->until =
        (int64_t)kt_day_from_date((int32_t)year, (uint32_t)month, (uint32_t)day) * KT_DAY_SECONDS +
        hour * 3600 + minute * 60 + second;
    return 0;
}

static int read_frequency(const struct part *part, struct kt_rule *rule, struct kt_error *error)
{
    for (uint32_t index = 0; index < 7; index++) {
        if (is_word(part->value, part->value_length, frequency_names[index])) {
            rule->frequency = (enum kt_frequency)index;
            return 0;
        }
    }
    return bad_value(part, error);
}

static int read_bits32(const struct part *part, int64_t minimum, int64_t maximum,
                       uint32_t *ret_bits, struct kt_error *error)
{
    uint64_t bits = *ret_bits;
    int result = read_bits(part, minimum, maximum, &bits, error);

    *ret_bits = (uint32_t)bits;
    return result;
}

static int read_part(const struct part *part, struct kt_rule *rule, struct kt_error *error)
{
    const char *name = part->name;
    size_t length = part->name_length;
    int64_t number;
    int result;

    if (is_word(name, length, "INTERVAL") || is_word(name, length, "COUNT")) {
        if (!read_digits(part->value, part->value_length, &number) || number == 0)
            return bad_value(part, error);
        if (is_word(name, length, "COUNT"))
            rule->count = (uint64_t)number;
        else if (number <= KT_RULE_INTERVAL_MAX)
            rule->interval = (uint32_t)number;
        else
            return bad_value(part, error);
        return 0;
    }
    if (is_word(name, length, "UNTIL"))
        return read_until(part, rule, error);
    if (is_word(name, length, "WKST"))
        return read_weekday(part->value, part->value_length, &rule->week_start) < 0
                   ? bad_value(part, error)
                   : 0;
    if (is_word(name, length, "BYSECOND")) {
        result = read_bits(part, 0, 60, &rule->by_second, error);
        /* 60 is a leap second; clocks that have none meet it at 59. */
        if (rule->by_second >> 60)
            rule->by_second = (rule->by_second & ~(UINT64_C(1) << 60)) | UINT64_C(1) << 59;
        return result;
    }
    if (is_word(name, length, "BYMINUTE"))
        return read_bits(part, 0, 59, &rule->by_minute, error);
    if (is_word(name, length, "BYHOUR"))
        return read_bits32(part, 0, 23, &rule->by_hour, error);
    if (is_word(name, length, "BYMONTH"))
        return read_bits32(part, 1, 12, &rule->by_month, error);
    if (is_word(name, length, "BYDAY"))
        return read_by_day(part, rule, error);
    if (is_word(name, length, "BYMONTHDAY"))
        return read_signed(part, 31, &rule->by_month_day, error);
    if (is_word(name, length, "BYYEARDAY"))
        return read_signed(part, KT_RULE_DAYS_MAX, &rule->by_year_day, error);
    if (is_word(name, length, "BYWEEKNO"))
        return read_signed(part, KT_RULE_WEEKS_MAX, &rule->by_week, error);
    if (is_word(name, length, "BYSETPOS"))
        return read_signed(part, KT_RULE_DAYS_MAX, &rule->by_position, error);
    if (is_word(name, length, "RSCALE") && is_word(part->value, part->value_length, "GREGORIAN"))
        return 0;
    if (is_word(name, length, "SKIP") && is_word(part->value, part->value_length, "OMIT"))
        return 0;
    if (length > 2 && strncasecmp(name, "X-", 2) == 0)
        return 0;
    bad_value(part, error);
    return is_word(name, length, "RSCALE") || is_word(name, length, "SKIP") ? -ENOTSUP : -EINVAL;
}

int kt_rule_parse(const char *text, struct kt_rule *ret_rule, struct kt_error *error)
{
    bool has_frequency = false;

    memset(ret_rule, 0, sizeof(*ret_rule));
    ret_rule->interval = 1;
    while (*text) {
        struct part part = {.name = text};
        size_t length = strcspn(text, ";");
        const char *equals = memchr(text, '=', length);
        int result;

        if (!equals)
            return kt_error_set(error, -EINVAL, "a recurrence rule has a part without a value");
        part.name_length = (size_t)(equals - text);
        part.value = equals + 1;
        part.value_length = length - part.name_length - 1;
        if (is_word(part.name, part.name_length, "FREQ")) {
            has_frequency = true;
            result = read_frequency(&part, ret_rule, error);
        } else {
            result = read_part(&part, ret_rule, error);
        }
        if (result < 0)
            return result;
        text += length;
        text += *text == ';';
    }
    if (!has_frequency)
        return kt_error_set(error, -EINVAL, "a recurrence rule has no FREQ");
    return 0;
}
