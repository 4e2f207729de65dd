/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calendar plugin's own rooms, without requests around them: a file, a window, the events in
 * it, and then a line for each or the breakdown. What a person sees on the page and here is the
 * same.
 */
#include "control/calendar.h"

#include "calendar/breakdown.h"
#include "calendar/civil.h"
#include "calendar/compare.h"
#include "calendar/ics.h"
#include "calendar/insight_json.h"
#include "calendar/week_json.h"
#include "calendar/zone.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <glib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WEEK_DAYS 7
/** A hundred years: more is a slip of the keyboard. */
#define DAYS_MAX 36600
/** The largest file, as the plugin's option file_size_max allows by default. */
#define FILE_SIZE_MAX (32u << 20)
/** As the plugin's defaults for entries; instances are for a century here, not for a week. */
#define ENTRIES_MAX 100000
#define INSTANCES_MAX 1000000
#define STEPS_MAX 100000000
/** More people and events than these aren't listed in a breakdown; all are counted. */
#define LISTED_MAX 1000

/** Say what is wrong. @return the exit status */
__attribute__((__format__(__printf__, 1, 2))) static int complain(const char *format, ...)
{
    va_list arguments;

    fputs("kontorctl: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return EXIT_FAILURE;
}

/** @return 0 or a negative errno */
static int read_file(TALLOC_CTX *context, const char *path, char **ret_text, size_t *ret_size)
{
    FILE *file = fopen(path, "rb");
    size_t room = 1u << 16, size = 0;
    char *text = talloc_array(context, char, (unsigned)room);
    int result = file ? 0 : -errno;

    while (result == 0 && text && !feof(file)) {
        if (size == room) {
            room *= 2;
            text = talloc_realloc(context, text, char, (unsigned)room);
        }
        if (text)
            size += fread(text + size, 1, room - size, file);
        if (ferror(file))
            result = -EIO;
        else if (size > FILE_SIZE_MAX)
            result = -EFBIG;
    }
    if (file)
        fclose(file);
    *ret_text = text;
    *ret_size = size;
    return result == 0 && !text ? -ENOMEM : result;
}

/** @return 0, or the exit status when it has been told what is wrong */
static int open_window(TALLOC_CTX *context, const struct kt_calendar_command *command,
                       struct kt_window *ret_window)
{
    const char *name = command->zone ? command->zone : "UTC";
    struct kt_zone *zone;
    int32_t from, to;

    if (kt_date_parse(command->from, &from) < 0)
        return complain("'%s' is no date: write YYYY-MM-DD", command->from);
    if (kt_date_parse(command->to, &to) < 0)
        return complain("'%s' is no date: write YYYY-MM-DD", command->to);
    if (to <= from || to - from > DAYS_MAX)
        return complain("--to must be after --from, by %d days at most", DAYS_MAX);
    if (kt_zone_open(context, name, &zone) < 0)
        return complain("there is no time zone '%s'", name);
    if (kt_window_days(context, zone, from, (uint32_t)(to - from), ret_window) < 0)
        return complain("out of memory");
    return 0;
}

/** The events of a window, broken down. @return 0 or -ENOMEM */
static int break_down(TALLOC_CTX *context, const struct kt_calendar *calendar,
                      const struct kt_window *window, const struct kt_breakdown_options *options,
                      struct kt_warnings *warnings, struct kt_breakdown *ret_breakdown)
{
    static const struct kt_series_limits limits = {INSTANCES_MAX, STEPS_MAX};
    struct kt_events events;

    if (kt_calendar_events(context, calendar, window, &limits, &events, warnings) < 0)
        return -ENOMEM;
    return kt_breakdown_make(context, &events, window, options, ret_breakdown);
}

/** The weeks before beside this one. @return 0 or -ENOMEM */
static int compare(TALLOC_CTX *context, const struct kt_calendar *calendar,
                   const struct kt_window *window, const struct kt_breakdown_options *options,
                   const struct kt_breakdown *current, struct kt_comparison *ret_comparison)
{
    struct kt_breakdown earlier[KT_COMPARED_WEEKS];
    struct kt_warnings unseen = {.count = 0}; /* they are about other weeks */

    for (int32_t week = 0; week < KT_COMPARED_WEEKS; week++) {
        struct kt_window *before = talloc(context, struct kt_window);

        if (!before ||
            kt_window_days(context, window->zone, window->first_day - (week + 1) * WEEK_DAYS,
                           WEEK_DAYS, before) < 0 ||
            break_down(context, calendar, before, options, &unseen, &earlier[week]) < 0)
            return -ENOMEM;
    }
    return kt_compare(context, current, earlier, KT_COMPARED_WEEKS, ret_comparison);
}

/** Print an object on a line of its own, and forget it. */
static void print_line(cJSON *object)
{
    char *text = object ? cJSON_PrintUnformatted(object) : NULL;

    if (text)
        puts(text);
    cJSON_free(text);
    cJSON_Delete(object);
}

static void print_event(const struct kt_event *event, const struct kt_zone *zone)
{
    cJSON *object = cJSON_CreateObject();
    char start[KT_INSTANT_TEXT_SIZE], end[KT_INSTANT_TEXT_SIZE];

    if (event->is_all_day) {
        kt_date_format(event->first_day, start);
        kt_date_format(event->end_day, end);
    } else {
        kt_instant_format(zone, event->start, start);
        kt_instant_format(zone, event->end, end);
    }
    cJSON_AddStringToObject(object, "start", start);
    cJSON_AddStringToObject(object, "end", end);
    cJSON_AddStringToObject(object, "summary", event->details->summary);
    cJSON_AddStringToObject(object, "uid", event->details->uid);
    cJSON_AddBoolToObject(object, "all_day", event->is_all_day);
    cJSON_AddBoolToObject(object, "recurring", event->is_recurring);
    print_line(object);
}

static int print_breakdown(TALLOC_CTX *context, const struct kt_window *window,
                           const struct kt_breakdown *breakdown,
                           const struct kt_comparison *comparison,
                           const struct kt_warnings *warnings)
{
    const struct kt_week week = {
        .window = window,
        .breakdown = breakdown,
        .comparison = comparison,
        .warnings = warnings,
        .today = kt_local_day(kt_zone_to_local(window->zone, (int64_t)time(NULL))),
        .events_max = LISTED_MAX,
        .people_max = LISTED_MAX,
    };

    char *text;

    if (kt_week_json(context, &week, KT_WEEK_JSON_SIZE_MAX, &text, NULL) < 0)
        return complain("the breakdown is too large");
    puts(text);
    talloc_free(text);
    return EXIT_SUCCESS;
}

/** The breakdown puts events in order and drops what is there twice, so that both forms need it. */
static int show(TALLOC_CTX *context, const struct kt_calendar_command *command,
                const struct kt_calendar *calendar, const struct kt_window *window)
{
    bool is_week = command->is_breakdown && window->days == WEEK_DAYS;
    struct kt_warnings warnings = calendar->warnings;
    struct kt_comparison comparison;
    struct kt_breakdown_options options;
    struct kt_breakdown breakdown;
    const char *wrong;

    if (kt_calendar_options_read(&command->words, &options, &wrong) < 0)
        return complain("%s", wrong);
    if (break_down(context, calendar, window, &options, &warnings, &breakdown) < 0 ||
        (is_week && compare(context, calendar, window, &options, &breakdown, &comparison) < 0))
        return complain("out of memory");
    for (size_t index = 0; index < warnings.count; index++)
        (void)complain("%s", warnings.texts[index]);
    if (warnings.dropped > 0)
        (void)complain("there are %zu more warnings", warnings.dropped);
    if (command->is_breakdown &&
        print_breakdown(context, window, &breakdown, is_week ? &comparison : NULL, &warnings) != 0)
        return EXIT_FAILURE;
    for (size_t index = 0; !command->is_breakdown && index < breakdown.counted_count; index++)
        print_event(breakdown.counted[index].event, window->zone);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : complain("standard output: %s", strerror(errno));
}

int kt_calendar_command(const struct kt_calendar_command *command)
{
    static const char *const focus_words[] = {"focus", "focus time", NULL};
    TALLOC_CTX *context = talloc_new(NULL);
    char *owner = command->owner ? g_ascii_strdown(command->owner, -1) : NULL;
    const char *const owners[] = {owner, NULL};
    const struct kt_ics_options options = {
        .owners = owners,
        .focus_words = focus_words,
        .default_zone = command->zone ? command->zone : "UTC",
        .entries_max = ENTRIES_MAX,
    };
    struct kt_calendar calendar;
    struct kt_window window;
    struct kt_error error;
    size_t size = 0;
    char *text = NULL;
    int status = open_window(context, command, &window), result;

    if (status == 0) {
        result = read_file(context, command->file, &text, &size);
        if (result < 0)
            status = complain("%s: %s", command->file, strerror(-result));
    }
    if (status == 0 && kt_ics_read(context, text, size, &options, &calendar, &error) < 0)
        status = complain("%s: %s", command->file, error.text);
    if (status == 0)
        status = show(context, command, &calendar, &window);
    g_free(owner);
    talloc_free(context);
    return status;
}
