/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One part after the other (STANDARD, DAYLIGHT) is read and turned into changes: at its DTSTART,
 * its RDATEs and the instances of its RRULEs the clocks go from TZOFFSETFROM to TZOFFSETTO. All
 * these times are local ones by the clocks before the change. Which part is "daylight" makes no
 * difference.
 */
#include "ics_timezone.h"
#include "civil.h"
#include "ics_lines.h"
#include "recurrence.h"

#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

/** RRULEs of one part that are read; the standard wants one at most. */
#define RULES_MAX 8
/** RDATEs of one part that are read. */
#define DATES_MAX 1000

/** A change of the clocks, with what orders it: its instant, then its place in the text. */
struct change {
    struct kt_zone_change value;
    int32_t from;
    size_t order;
};

/** A STANDARD or DAYLIGHT part under way. */
struct part {
    bool is_open, has_start, has_from, has_to;
    int64_t start; /* local, by the clocks before the change; the dates too */
    int32_t from, to;
    struct kt_rule rules[RULES_MAX];
    uint32_t rule_count;
    int64_t dates[DATES_MAX];
    uint32_t date_count;
};

/** A definition under way. */
struct reading {
    struct part part;
    struct change *changes; /* KT_ICS_CHANGES_MAX of them */
    size_t count;
    struct kt_ics_timezone_budget *budget;
    bool is_cut, has_unread;
};

/* ---------------------------------------------------------------- values */

static bool read_number(const char **cursor, int digits, int32_t *ret_number)
{
    *ret_number = 0;
    for (; digits > 0; digits--, (*cursor)++) {
        if (!g_ascii_isdigit(**cursor))
            return false;
        *ret_number = *ret_number * 10 + (**cursor - '0');
    }
    return true;
}

/** "+0100", "-023015": seconds east of Greenwich. */
static bool read_offset(const char *text, int32_t *ret_offset)
{
    const char *cursor = text + 1;
    int32_t hour, minute, second = 0;

    if ((*text != '+' && *text != '-') || !read_number(&cursor, 2, &hour) ||
        !read_number(&cursor, 2, &minute) || (*cursor && !read_number(&cursor, 2, &second)))
        return false;
    if (*cursor || minute > 59 || second > 59)
        return false;
    *ret_offset = (hour * 3600 + minute * 60 + second) * (*text == '-' ? -1 : 1);
    return abs(*ret_offset) <= KT_ZONE_OFFSET_MAX;
}

/** "20260329T020000", up to a comma or the end; a "Z" is no part of it. */
static bool read_time(const char **cursor, int64_t *ret_local)
{
    int32_t year, month, day, hour, minute, second;

    if (!read_number(cursor, 4, &year) || !read_number(cursor, 2, &month) ||
        !read_number(cursor, 2, &day) || g_ascii_toupper(**cursor) != 'T')
        return false;
    ++*cursor;
    if (!read_number(cursor, 2, &hour) || !read_number(cursor, 2, &minute) ||
        !read_number(cursor, 2, &second))
        return false;
    if (year < KT_YEAR_MIN || month < 1 || month > 12 || day < 1 ||
        day > (int32_t)kt_month_length(year, (uint32_t)month) || hour > 23 || minute > 59 ||
        second > 59)
        return false;
    *ret_local = (int64_t)kt_day_from_date(year, (uint32_t)month, (uint32_t)day) * KT_DAY_SECONDS +
                 hour * 3600 + minute * 60 + second;
    return true;
}

static bool read_dates(struct part *part, const char *text)
{
    do {
        if (part->date_count == DATES_MAX || !read_time(&text, &part->dates[part->date_count]))
            return false;
        part->date_count++;
    } while (*text++ == ',');
    return text[-1] == '\0';
}

static bool read_rule(struct part *part, const char *text)
{
    struct kt_error problem;

    return part->rule_count < RULES_MAX &&
           kt_rule_parse(text, &part->rules[part->rule_count], &problem) == 0 &&
           ++part->rule_count > 0;
}

/** One property of a part. @return false: it can't be read */
static bool read_property(struct part *part, const struct kt_ics_line *line)
{
    const char *cursor = line->value;

    if (line->is_cut)
        return false;
    if (kt_ics_line_is(line, "DTSTART"))
        return part->has_start = read_time(&cursor, &part->start) && *cursor == '\0';
    if (kt_ics_line_is(line, "TZOFFSETFROM"))
        return part->has_from = read_offset(line->value, &part->from);
    if (kt_ics_line_is(line, "TZOFFSETTO"))
        return part->has_to = read_offset(line->value, &part->to);
    if (kt_ics_line_is(line, "RDATE"))
        return read_dates(part, line->value);
    return !kt_ics_line_is(line, "RRULE") || read_rule(part, line->value);
}

/* ---------------------------------------------------------------- changes */

static void push_change(struct reading *reading, int64_t local)
{
    const struct part *part = &reading->part;

    if (reading->count == KT_ICS_CHANGES_MAX || reading->budget->changes == 0) {
        reading->is_cut = true;
        return;
    }
    reading->budget->changes--;
    reading->changes[reading->count] = (struct change){
        .value = {local - part->from, part->to}, .from = part->from, .order = reading->count};
    reading->count++;
}

/** The instances of a rule; its UNTIL is an instant, its DTSTART counts and is a change already. */
static void follow_rule(struct reading *reading, struct kt_rule rule)
{
    const struct part *part = &reading->part;
    int64_t end = (int64_t)kt_day_from_date(KT_ICS_CHANGES_YEAR_END, 1, 1) * KT_DAY_SECONDS, local;
    struct kt_recurrence recurrence;

    if (rule.has_until && rule.until_is_utc)
        rule.until += part->from;
    if (rule.count && !kt_recurrence_has_start(&rule, part->start, &reading->budget->effort) &&
        --rule.count == 0)
        return;
    kt_recurrence_begin(&recurrence, &rule, part->start, NULL, &reading->budget->effort);
    while (!reading->is_cut && kt_recurrence_next(&recurrence, end, &local)) {
        if (local != part->start)
            push_change(reading, local);
    }
    reading->is_cut |= recurrence.is_cut;
}

/** The end of a part: all its changes. */
static void end_part(struct reading *reading)
{
    struct part *part = &reading->part;

    part->is_open = false;
    if (!part->has_start || !part->has_from || !part->has_to) {
        reading->has_unread = true;
        return;
    }
    push_change(reading, part->start);
    for (uint32_t index = 0; index < part->date_count; index++)
        push_change(reading, part->dates[index]);
    for (uint32_t index = 0; index < part->rule_count; index++)
        follow_rule(reading, part->rules[index]);
}

static void read_line(struct reading *reading, const struct kt_ics_line *line, size_t depth)
{
    struct part *part = &reading->part;

    if (depth == 1 && (kt_ics_line_marks(line, "BEGIN", "STANDARD") ||
                       kt_ics_line_marks(line, "BEGIN", "DAYLIGHT"))) {
        memset(part, 0, sizeof(*part));
        part->is_open = true;
    } else if (part->is_open && depth == 0 && kt_ics_line_is(line, "END")) {
        end_part(reading);
    } else if (part->is_open && depth == 1 && !read_property(part, line)) {
        reading->has_unread = true;
    }
}

/* ---------------------------------------------------------------- the zone */

static int compare_changes(const void *left, const void *right)
{
    const struct change *a = left, *b = right;

    if (a->value.instant != b->value.instant)
        return (a->value.instant > b->value.instant) - (a->value.instant < b->value.instant);
    return (a->order > b->order) - (a->order < b->order);
}

/** Put the changes in order and make the zone; before the first its TZOFFSETFROM holds. */
static int make_zone(TALLOC_CTX *context, const char *name, struct reading *reading,
                     struct kt_zone **ret_zone)
{
    struct kt_zone_change *changes =
        talloc_array(reading->changes, struct kt_zone_change, (unsigned)reading->count);

    if (!changes)
        return -ENOMEM;
    qsort(reading->changes, reading->count, sizeof(struct change), compare_changes);
    for (size_t index = 0; index < reading->count; index++)
        changes[index] = reading->changes[index].value;
    return kt_zone_new(context, name, reading->changes[0].from, changes, reading->count, ret_zone);
}

static void warn(TALLOC_CTX *context, struct kt_warnings *warnings, const char *name,
                 const struct reading *reading)
{
    if (reading->is_cut)
        kt_warnings_add(context, warnings,
                        "The definition of the time zone “%s” has too many changes of the clocks "
                        "to follow; its times may be wrong.",
                        name);
    else if (reading->has_unread)
        kt_warnings_add(context, warnings,
                        "A part of the definition of the time zone “%s” could not be read; its "
                        "times may be wrong.",
                        name);
}

int kt_ics_timezone_read(TALLOC_CTX *context, const char *tzid, const char *definition, size_t size,
                         struct kt_ics_timezone_budget *budget, struct kt_warnings *warnings,
                         struct kt_zone **ret_zone)
{
    struct reading *reading = talloc_zero(NULL, struct reading);
    struct kt_ics_lines lines;
    struct kt_ics_line line;
    int result = -ENOMEM;

    if (!reading)
        return -ENOMEM;
    reading->budget = budget;
    reading->changes = talloc_array(reading, struct change, KT_ICS_CHANGES_MAX);
    if (!reading->changes || kt_ics_lines_begin(reading, definition, size, &lines) < 0)
        goto end;
    while (kt_ics_lines_next(&lines, &line))
        read_line(reading, &line, lines.depth);
    result = reading->count > 0 ? make_zone(context, tzid, reading, ret_zone) : -ENOENT;
    if (result == 0)
        warn(context, warnings, tzid, reading);
end:
    talloc_free(reading);
    return result;
}
