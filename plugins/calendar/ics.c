/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two passes over the text: the first collects what it says of time zones, which may stand
 * anywhere, and of its owner, the second reads the events. Components inside of events (alarms) and
 * others (tasks, journals) are passed over.
 */
#include "ics_event.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <strings.h>

/** The depth of the properties of a VCALENDAR, and of the components in it. */
#define DEPTH_CALENDAR 1
#define DEPTH_COMPONENT 2

/**
 * Whose calendar it is, if the file says so: Apple writes X-OWNER, Google the address as the
 * calendar's name.
 */
static int read_owner(struct kt_ics_reader *reader, const struct kt_ics_line *line)
{
    const char *address = line->value;
    char *lower;

    if (reader->file_owner || !strchr(address, '@') || strchr(address, ' '))
        return 0;
    if (strncasecmp(address, "mailto:", 7) == 0)
        address += 7;
    lower = g_ascii_strdown(address, -1);
    reader->file_owner = kt_text_pool_add(reader->texts, lower);
    g_free(lower);
    return reader->file_owner ? 0 : -ENOMEM;
}

/** First pass: where the zones are, and whose calendar it is. */
static int read_calendar(TALLOC_CTX *scratch, const char *text, size_t size,
                         struct kt_ics_reader *reader)
{
    struct kt_ics_zones *zones = reader->zones;
    struct kt_ics_lines lines;
    struct kt_ics_line line;
    char *tzid = NULL, *location = NULL;
    const char *definition = NULL; /* where the text of the VTIMEZONE begins that we are in */
    int result = kt_ics_lines_begin(scratch, text, size, &lines);

    while (result == 0 && kt_ics_lines_next(&lines, &line)) {
        if (lines.depth == DEPTH_CALENDAR && kt_ics_line_is(&line, "X-WR-TIMEZONE")) {
            kt_ics_zones_home(zones, line.value);
        } else if (lines.depth == DEPTH_CALENDAR &&
                   (kt_ics_line_is(&line, "X-OWNER") || kt_ics_line_is(&line, "X-WR-CALNAME"))) {
            result = read_owner(reader, &line);
        } else if (kt_ics_line_marks(&line, "BEGIN", "VTIMEZONE")) {
            definition = lines.cursor;
        } else if (kt_ics_line_marks(&line, "END", "VTIMEZONE")) {
            if (tzid && definition)
                kt_ics_zones_define(zones, tzid, location, definition,
                                    (size_t)(lines.cursor - definition));
            TALLOC_FREE(tzid);
            TALLOC_FREE(location);
            definition = NULL;
        } else if (definition && lines.depth == DEPTH_COMPONENT) {
            if (kt_ics_line_is(&line, "TZID") && !tzid)
                tzid = talloc_strdup(scratch, line.value);
            else if (kt_ics_line_is(&line, "X-LIC-LOCATION") && !location)
                location = talloc_strdup(scratch, line.value);
        }
    }
    return result;
}

static int push_entry(TALLOC_CTX *context, struct kt_calendar *calendar, size_t *capacity,
                      const struct kt_entry *entry)
{
    if (calendar->count == *capacity) {
        size_t wanted = *capacity ? *capacity * 2 : 64;
        struct kt_entry *entries =
            talloc_realloc(context, calendar->entries, struct kt_entry, (unsigned)wanted);

        if (!entries)
            return -ENOMEM;
        calendar->entries = entries;
        *capacity = wanted;
    }
    calendar->entries[calendar->count++] = *entry;
    return 0;
}

static int end_event(struct kt_ics_reader *reader, struct kt_ics_event *event,
                     struct kt_calendar *calendar, size_t *capacity, struct kt_error *error)
{
    struct kt_entry entry;
    int result;

    if (reader->number > reader->options->entries_max)
        return kt_error_set(error, -E2BIG, "the calendar has more than %zu entries",
                            reader->options->entries_max);
    result = kt_ics_event_end(reader, event, &entry);
    if (result == -EBADMSG)
        return 0;
    return result < 0 ? result : push_entry(reader->owner, calendar, capacity, &entry);
}

/** Second pass: the events. */
static int read_events(TALLOC_CTX *scratch, const char *text, size_t size,
                       struct kt_ics_reader *reader, struct kt_calendar *calendar,
                       struct kt_error *error)
{
    struct kt_ics_event *event = NULL;
    struct kt_ics_lines lines;
    struct kt_ics_line line;
    size_t capacity = 0;
    int result = kt_ics_lines_begin(scratch, text, size, &lines);

    while (result == 0 && kt_ics_lines_next(&lines, &line)) {
        if (lines.depth == DEPTH_COMPONENT && kt_ics_line_marks(&line, "BEGIN", "VEVENT")) {
            talloc_free(event);
            event = kt_ics_event_begin(scratch);
            reader->number++;
            result = event ? 0 : -ENOMEM;
        } else if (event && lines.depth == DEPTH_CALENDAR && kt_ics_line_is(&line, "END")) {
            result = end_event(reader, event, calendar, &capacity, error);
            event = NULL;
        } else if (event && lines.depth == DEPTH_COMPONENT && !kt_ics_line_is(&line, "END")) {
            result = kt_ics_event_line(event, &line);
        }
    }
    if (result == 0 && lines.depth > 0)
        kt_warnings_add(reader->owner, reader->warnings,
                        "The calendar file ends in the middle of an entry: it may be incomplete.");
    return result;
}

/** Whether the text begins as a calendar does; that tells a web page from a calendar. */
static bool is_calendar(TALLOC_CTX *scratch, const char *text, size_t size)
{
    struct kt_ics_lines lines;
    struct kt_ics_line line;

    return kt_ics_lines_begin(scratch, text, size, &lines) == 0 &&
           kt_ics_lines_next(&lines, &line) && kt_ics_line_marks(&line, "BEGIN", "VCALENDAR");
}

int kt_ics_read(TALLOC_CTX *context, const char *text, size_t size,
                const struct kt_ics_options *options, struct kt_calendar *ret_calendar,
                struct kt_error *error)
{
    TALLOC_CTX *scratch = talloc_new(NULL);
    struct kt_ics_reader reader = {
        .owner = context, .options = options, .warnings = &ret_calendar->warnings};
    int result = -ENOMEM;

    memset(ret_calendar, 0, sizeof(*ret_calendar));
    if (!scratch)
        goto end;
    if (!is_calendar(scratch, text, size)) {
        result = kt_error_set(error, -EBADMSG,
                              "it is not an iCalendar file: there is no "
                              "BEGIN:VCALENDAR at its beginning");
        goto end;
    }
    reader.zones =
        kt_ics_zones_new(scratch, context, options->default_zone, &ret_calendar->warnings);
    reader.texts = kt_text_pool_new(scratch, context);
    if (!reader.zones || !reader.texts)
        goto end;
    result = read_calendar(scratch, text, size, &reader);
    if (result == 0)
        result = read_events(scratch, text, size, &reader, ret_calendar, error);
    if (result == 0)
        kt_calendar_complete(ret_calendar);
end:
    talloc_free(scratch);
    return result == -ENOMEM ? kt_error_set(error, -ENOMEM, "there is not enough memory") : result;
}
