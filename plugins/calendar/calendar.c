/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calendar plugin: "where did my week go?". Declares the options, puts the source together,
 * registers the route. The work is in the rooms beside it; README.md says how they fit.
 */
#include "config.h"

#include "ics_file.h"
#include "week.h"
#include "zone.h"

#include <ctype.h>
#include <errno.h>
#include <kontor/kontor.h>
#include <string.h>

/** Steps of recurrence expansion per request: well under a second of one core. */
#define STEPS_MAX 5000000
/** The largest file that may be allowed: talloc holds less than 256 MiB in one piece. */
#define FILE_SIZE_BOUND (INT64_C(200) << 20)
/** A meeting with more people than this is marked as large. */
#define LARGE_OVER 100

static const struct kt_option options[] = {
    {.name = "file",
     .type = KT_OPTION_PATH,
     .required = true,
     .help = "the calendar: one iCalendar file (.ics), read at each request"},
    {.name = "timezone",
     .type = KT_OPTION_STRING,
     .default_value = "UTC",
     .help = "IANA name of the zone when a request names none"},
    {.name = "owner",
     .type = KT_OPTION_STRING,
     .help = "e-mail addresses of the person whose calendar it is, separated by commas; default: "
             "as the file says"},
    {.name = "week_start",
     .type = KT_OPTION_CHOICE,
     .default_value = "monday",
     .choices = "monday sunday",
     .help = "the first day of the week"},
    {.name = "focus_words",
     .type = KT_OPTION_STRING,
     .default_value = "focus time, focus",
     .help = "categories, or titles of events without guests, that mean focus time"},
    {.name = "file_size_max",
     .type = KT_OPTION_SIZE,
     .default_value = "32M",
     .minimum = 1,
     .maximum = FILE_SIZE_BOUND,
     .help = "a larger file is refused"},
    {.name = "entries_max",
     .type = KT_OPTION_INTEGER,
     .default_value = "100000",
     .minimum = 1,
     .maximum = 500000,
     .help = "a file with more events is refused"},
    {.name = "instances_max",
     .type = KT_OPTION_INTEGER,
     .default_value = "10000",
     .minimum = 1,
     .maximum = 1000000,
     .help = "events of one week that are counted, repetitions included"},
    {.name = "events_listed_max",
     .type = KT_OPTION_INTEGER,
     .default_value = "500",
     .minimum = 0,
     .maximum = 100000,
     .help = "events of a week that are listed in the answer; all are counted"},
    {.name = "people_listed_max",
     .type = KT_OPTION_INTEGER,
     .default_value = "100",
     .minimum = 0,
     .maximum = 100000,
     .help = "people that are listed in the answer"},
    {.name = NULL},
};

/** All that the plugin holds in a worker; it lives as long as the worker. */
static struct kt_week_service *service;

/** A list of words separated by commas, in lower case, ended by NULL. */
static const char *const *split_words(TALLOC_CTX *context, const char *text)
{
    size_t count = 0, capacity = 2;
    const char **words;

    for (const char *at = text; at && *at; at++)
        capacity += *at == ',';
    words = kt_must(talloc_zero_array(context, const char *, (unsigned)capacity));
    while (text && *text) {
        size_t length = strcspn(text, ",");
        size_t first = strspn(text, " \t"), last = length;
        char *word;

        while (last > first && (text[last - 1] == ' ' || text[last - 1] == '\t'))
            last--;
        if (last > first) {
            word = kt_must(talloc_strndup(words, text + first, last - first));
            for (char *at = word; *at; at++)
                *at = (char)tolower((unsigned char)*at);
            words[count++] = word;
        }
        text += length;
        text += *text == ',';
    }
    return words;
}

static int calendar_check(const struct kt_plugin *plugin, struct kt_error *error)
{
    const char *name = kt_plugin_string(plugin, "timezone");
    struct kt_zone *zone;

    if (kt_zone_open(NULL, name, &zone) < 0)
        return kt_error_set(error, -EINVAL,
                            "%s: there is no time zone \"%s\"; use a name such as Europe/Berlin",
                            kt_plugin_option_place(plugin, "timezone"), name);
    talloc_free(zone);
    return 0;
}

static int calendar_start(struct kt_plugin *plugin, struct kt_error *error)
{
    struct kt_ics_file_options file = {
        .path = kt_plugin_string(plugin, "file"),
        .size_max = (size_t)kt_plugin_integer(plugin, "file_size_max"),
        .ics.default_zone = kt_plugin_string(plugin, "timezone"),
        .ics.entries_max = (size_t)kt_plugin_integer(plugin, "entries_max"),
        .limits.instances_max = (size_t)kt_plugin_integer(plugin, "instances_max"),
        .limits.steps_max = STEPS_MAX,
    };
    int result;

    service = kt_must(talloc_zero(NULL, struct kt_week_service));
    file.ics.owners = split_words(service, kt_plugin_string(plugin, "owner"));
    file.ics.focus_words = split_words(service, kt_plugin_string(plugin, "focus_words"));
    service->source = kt_must(kt_ics_file_new(service, &file));
    service->timezone = file.ics.default_zone;
    service->week_start = strcmp(kt_plugin_string(plugin, "week_start"), "sunday") == 0 ? 6 : 0;
    service->events_listed_max = (size_t)kt_plugin_integer(plugin, "events_listed_max");
    service->people_listed_max = (size_t)kt_plugin_integer(plugin, "people_listed_max");
    service->large_over = LARGE_OVER;
    result = kt_plugin_route(plugin, "GET", "/week", kt_week_handle, service);
    if (result < 0)
        return kt_error_set(error, result, "the route /week cannot be registered");
    return 0;
}

KT_PLUGIN(.name = "calendar", .version = PACKAGE_VERSION,
          .summary = "where did my week go: hours in meetings, and with whom", .options = options,
          .check = calendar_check, .start = calendar_start);
