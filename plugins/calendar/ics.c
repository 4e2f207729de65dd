/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two passes over each VCALENDAR of a text: the first collects what it says of time zones, which
 * may stand anywhere, and of its owner, the second reads the events. Components inside of events
 * (alarms) and others (tasks, journals) are passed over. Where a VCALENDAR begins, whatever was
 * open before it ends: so none can reach into another.
 */
#include "ics_event.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <strings.h>

/** The depth of the properties of a VCALENDAR, and of the components in it. */
#define DEPTH_CALENDAR 1
#define DEPTH_COMPONENT 2

/** Texts on their way to be a calendar. */
struct reading {
    TALLOC_CTX *scratch;
    struct kt_ics_reader reader;
    struct kt_ics_lines lines; /* of the text that is being read */
    struct kt_calendar *calendar;
    size_t capacity;
    bool is_file; /* the text is all there is, not one of many */
};

/** Where a VCALENDAR is: what follows its BEGIN, up to the next one. */
struct extent {
    const char *begin, *end;
};

static void go_to(struct kt_ics_lines *lines, const struct extent *extent)
{
    lines->cursor = extent->begin;
    lines->end = extent->end;
    lines->depth = DEPTH_CALENDAR;
}

/* ---------------------------------------------------------------- zones and owner */

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

/** First pass: where the zones are, whose calendar it is, and where the next one begins. */
static int read_head(struct reading *reading, struct extent *extent)
{
    struct kt_ics_zones *zones = reading->reader.zones;
    struct kt_ics_lines *lines = &reading->lines;
    struct kt_ics_line line;
    char *tzid = NULL, *location = NULL;
    const char *definition = NULL; /* where the text of the VTIMEZONE begins that we are in */
    int result = 0;

    go_to(lines, extent);
    for (const char *at = lines->cursor; result == 0 && kt_ics_lines_next(lines, &line);
         at = lines->cursor) {
        if (kt_ics_line_marks(&line, "BEGIN", "VCALENDAR")) {
            extent->end = at;
            break;
        }
        if (lines->depth == DEPTH_CALENDAR && kt_ics_line_is(&line, "X-WR-TIMEZONE")) {
            kt_ics_zones_home(zones, line.value);
        } else if (lines->depth == DEPTH_CALENDAR &&
                   (kt_ics_line_is(&line, "X-OWNER") || kt_ics_line_is(&line, "X-WR-CALNAME"))) {
            result = read_owner(&reading->reader, &line);
        } else if (kt_ics_line_marks(&line, "BEGIN", "VTIMEZONE")) {
            definition = lines->cursor;
        } else if (kt_ics_line_marks(&line, "END", "VTIMEZONE")) {
            if (tzid && definition)
                kt_ics_zones_define(zones, tzid, location, definition,
                                    (size_t)(lines->cursor - definition));
            TALLOC_FREE(tzid);
            TALLOC_FREE(location);
            definition = NULL;
        } else if (definition && lines->depth == DEPTH_COMPONENT) {
            if (kt_ics_line_is(&line, "TZID") && !tzid)
                tzid = talloc_strdup(reading->scratch, line.value);
            else if (kt_ics_line_is(&line, "X-LIC-LOCATION") && !location)
                location = talloc_strdup(reading->scratch, line.value);
        }
    }
    talloc_free(tzid);
    talloc_free(location);
    return result;
}

/* ---------------------------------------------------------------- events */

static int push_entry(struct reading *reading, const struct kt_entry *entry)
{
    struct kt_calendar *calendar = reading->calendar;

    if (calendar->count == reading->capacity) {
        size_t wanted = reading->capacity ? reading->capacity * 2 : 64;
        struct kt_entry *entries = talloc_realloc(reading->reader.owner, calendar->entries,
                                                  struct kt_entry, (unsigned)wanted);

        if (!entries)
            return -ENOMEM;
        calendar->entries = entries;
        reading->capacity = wanted;
    }
    calendar->entries[calendar->count++] = *entry;
    return 0;
}

static int end_event(struct reading *reading, struct kt_ics_event *event)
{
    struct kt_ics_reader *reader = &reading->reader;
    struct kt_entry entry;
    int result;

    if (reader->number > reader->options->entries_max)
        return -E2BIG;
    result = kt_ics_event_end(reader, event, &entry);
    if (result == -EBADMSG)
        return 0;
    return result < 0 ? result : push_entry(reading, &entry);
}

/** What is open at the end of a VCALENDAR has no end, and is left out. */
static void warn_of_no_end(struct reading *reading, bool is_last)
{
    if (reading->is_file && is_last)
        kt_warnings_add(reading->reader.owner, reading->reader.warnings,
                        "The calendar file ends in the middle of an entry: it may be incomplete.");
    else
        kt_warnings_add(reading->reader.owner, reading->reader.warnings,
                        "A part of the calendar ends in the middle of an entry: it may be "
                        "incomplete.");
}

/** Second pass: the events. */
static int read_events(struct reading *reading, const struct extent *extent, bool is_last)
{
    struct kt_ics_lines *lines = &reading->lines;
    struct kt_ics_event *event = NULL;
    struct kt_ics_line line;
    int result = 0;

    go_to(lines, extent);
    while (result == 0 && kt_ics_lines_next(lines, &line)) {
        if (lines->depth == DEPTH_COMPONENT && kt_ics_line_marks(&line, "BEGIN", "VEVENT")) {
            talloc_free(event);
            event = kt_ics_event_begin(reading->scratch);
            reading->reader.number++;
            result = event ? 0 : -ENOMEM;
        } else if (event && lines->depth == DEPTH_CALENDAR && kt_ics_line_is(&line, "END")) {
            result = end_event(reading, event);
            event = NULL;
        } else if (event && lines->depth == DEPTH_COMPONENT && !kt_ics_line_is(&line, "END")) {
            result = kt_ics_event_line(event, &line);
        } else if (lines->depth == DEPTH_CALENDAR && kt_ics_line_is(&line, "BEGIN")) {
            kt_warnings_add(reading->reader.owner, reading->reader.warnings,
                            "A part of the calendar stands behind its end; it is left out.");
        }
    }
    talloc_free(event);
    if (result == 0 && lines->depth > 0)
        warn_of_no_end(reading, is_last);
    return result;
}

/* ---------------------------------------------------------------- texts */

/** All calendars of a text. @return 0, -EBADMSG (it doesn't begin as one does), -E2BIG, -ENOMEM */
static int read_text(struct reading *reading, const char *text, size_t size)
{
    struct kt_ics_lines *lines = &reading->lines;
    struct kt_ics_line line;
    int result = 0;

    kt_ics_lines_restart(lines, text, size);
    if (!kt_ics_lines_next(lines, &line) || !kt_ics_line_marks(&line, "BEGIN", "VCALENDAR"))
        return -EBADMSG;
    do {
        struct extent extent = {lines->cursor, text + size};

        kt_ics_zones_begin(reading->reader.zones);
        reading->reader.file_owner = NULL;
        result = read_head(reading, &extent);
        if (result == 0)
            result = read_events(reading, &extent, extent.end == text + size);
        lines->cursor = extent.end;
        lines->end = text + size;
    } while (result == 0 && kt_ics_lines_next(lines, &line));
    return result;
}

/** @return 0 or -ENOMEM */
static int begin(struct reading *reading, TALLOC_CTX *context, const struct kt_ics_options *options,
                 struct kt_calendar *calendar)
{
    memset(calendar, 0, sizeof(*calendar));
    *reading = (struct reading){
        .scratch = talloc_new(NULL),
        .reader = {.owner = context, .options = options, .warnings = &calendar->warnings},
        .calendar = calendar,
    };
    if (!reading->scratch)
        return -ENOMEM;
    reading->reader.zones =
        kt_ics_zones_new(reading->scratch, context, options->default_zone, &calendar->warnings);
    reading->reader.texts = kt_text_pool_new(reading->scratch, context);
    if (!reading->reader.zones || !reading->reader.texts)
        return -ENOMEM;
    return kt_ics_lines_begin(reading->scratch, "", 0, &reading->lines);
}

/** Conclude what began, whatever came of it. @return the result, with an error if it is one */
static int end(struct reading *reading, int result, struct kt_error *error)
{
    if (result == 0)
        kt_calendar_complete(reading->calendar);
    talloc_free(reading->scratch);
    if (result == -ENOMEM)
        return kt_error_set(error, -ENOMEM, "there is not enough memory");
    if (result == -E2BIG)
        return kt_error_set(error, -E2BIG, "the calendar has more than %zu entries",
                            reading->reader.options->entries_max);
    if (result == -EBADMSG)
        return kt_error_set(error, -EBADMSG,
                            "it is not an iCalendar file: there is no "
                            "BEGIN:VCALENDAR at its beginning");
    return result;
}

int kt_ics_read(TALLOC_CTX *context, const char *text, size_t size,
                const struct kt_ics_options *options, struct kt_calendar *ret_calendar,
                struct kt_error *error)
{
    struct reading reading;
    int result = begin(&reading, context, options, ret_calendar);

    reading.is_file = true;
    if (result == 0)
        result = read_text(&reading, text, size);
    return end(&reading, result, error);
}

int kt_ics_read_all(TALLOC_CTX *context, const struct kt_ics_text *texts, size_t count,
                    const struct kt_ics_options *options, struct kt_calendar *ret_calendar,
                    struct kt_error *error)
{
    struct reading reading;
    int result = begin(&reading, context, options, ret_calendar);

    for (size_t index = 0; result == 0 && index < count; index++) {
        result = read_text(&reading, texts[index].data, texts[index].size);
        if (result == -EBADMSG) {
            kt_warnings_add(context, &ret_calendar->warnings,
                            "An entry of the calendar is no iCalendar text; it is left out.");
            result = 0;
        }
    }
    return end(&reading, result, error);
}
