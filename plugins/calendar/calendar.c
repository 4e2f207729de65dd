/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calendar plugin: "where did my week go?". Declares the options, puts the source together,
 * registers the route. The work is in the rooms beside it; README.md says how they fit.
 */
#include "config.h"

#include "connect.h"
#include "ics_file.h"
#include "id_token.h"
#include "identity_server.h"
#include "me.h"
#include "range.h"
#include "rows_server.h"
#include "service.h"
#include "sign_in.h"
#include "week.h"
#include "week_server.h"
#include "working_time.h"
#include "zone.h"

#include <ctype.h>
#include <errno.h>
#include <kontor/kontor.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** Steps (effort.h) to follow the repetitions of a calendar: about 200 ms of one core. */
#define STEPS_MAX 20000000
/** Looks of one person that wait for their turn; more are refused. */
#define LOOKS_WAITING_MAX 16u
/** Texts of one person that wait: those of all that is connected, of several looks. */
#define TEXTS_WAITING_MAX 1024u
/** Threads of the pool, unless the environment says otherwise (libuv). */
#define THREADS 4
/** The largest file that may be allowed: talloc holds less than 256 MiB in one piece. */
#define FILE_SIZE_BOUND (INT64_C(200) << 20)

static const struct kt_option options[] = {
    {.name = "file",
     .type = KT_OPTION_PATH,
     .help = "a calendar for all who have connected none: one iCalendar file (.ics), read at each "
             "request"},
    {.name = "key_file",
     .type = KT_OPTION_PATH,
     .help = "32 random bytes that seal tokens and passwords, closed to others; default: the "
             "credential secret.key of the service. Without it nothing can be connected"},
    {.name = "public_url",
     .type = KT_OPTION_STRING,
     .help = "where people find kontor, such as https://example.org/kontor: Google sends them back "
             "there"},
    {.name = "sign_in_domains",
     .type = KT_OPTION_STRING,
     .help = "whose people may sign in: domains of their e-mail addresses, separated by commas, or "
             "* for everybody; default: everybody who can sign in with Google"},
    {.name = "sign_in_mail",
     .type = KT_OPTION_BOOLEAN,
     .default_value = "no",
     .help = "people may sign in by a link that is sent to their address; needs the plugin mailer, "
             "public_url, key_file and sign_in_domains"},
    {.name = "google_client_id",
     .type = KT_OPTION_STRING,
     .help = "of an OAuth client (web application) in Google's console, with "
             "PUBLIC_URL/api/calendar/callback as its redirect"},
    {.name = "google_client_secret",
     .type = KT_OPTION_STRING,
     .is_secret = true,
     .help = "of the same client"},
    {.name = "google_api",
     .type = KT_OPTION_STRING,
     .default_value = "https://www.googleapis.com/calendar/v3",
     .help = "address of the calendar API, for proxies and tests"},
    {.name = "google_authorize",
     .type = KT_OPTION_STRING,
     .default_value = "https://accounts.google.com/o/oauth2/v2/auth",
     .help = "address of the consent page"},
    {.name = "google_token",
     .type = KT_OPTION_STRING,
     .default_value = "https://oauth2.googleapis.com/token",
     .help = "where tokens come from"},
    {.name = "google_revoke",
     .type = KT_OPTION_STRING,
     .default_value = "https://oauth2.googleapis.com/revoke",
     .help = "where they are given back"},
    {.name = "google_issuer",
     .type = KT_OPTION_STRING,
     .default_value = "https://accounts.google.com",
     .help = "who has to have issued the ID tokens that say who somebody is"},
    {.name = "google_list_age",
     .type = KT_OPTION_DURATION,
     .default_value = "5min",
     .help = "a person's list of calendars that is older is read again, beside their events"},
    {.name = "answer_size_max",
     .type = KT_OPTION_SIZE,
     .default_value = "16M",
     .minimum = 65536,
     .maximum = 128 << 20,
     .help = "a larger answer of a calendar server is refused"},
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
    {.name = "working_days",
     .type = KT_OPTION_STRING,
     .default_value = "monday-friday",
     .help = "days of work, such as \"sunday-thursday\" or \"mon, tue, thu\""},
    {.name = "working_hours",
     .type = KT_OPTION_STRING,
     .default_value = "09:00-17:00",
     .help = "hours of work, by the clock where the person is; what is outside is after hours"},
    {.name = "focus_at_least",
     .type = KT_OPTION_DURATION,
     .default_value = "2h",
     .minimum = 60000,
     .maximum = 86400000,
     .help = "a shorter free stretch of working time counts as fragmented"},
    {.name = "large_over",
     .type = KT_OPTION_INTEGER,
     .default_value = "100",
     .minimum = 2,
     .maximum = 1000000,
     .help = "a meeting to which more people are invited counts as large"},
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
    {.name = "source_timeout",
     .type = KT_OPTION_DURATION,
     .default_value = "20s",
     .minimum = 100,
     .maximum = 600000,
     .help = "a calendar that has not answered by then is left out"},
    {.name = "looks_at_once",
     .type = KT_OPTION_INTEGER,
     .default_value = "4",
     .minimum = 1,
     .maximum = 1000000,
     .help = "looks at the calendars of one person at once, in each worker; more wait their turn, "
             "and many more are refused (429)"},
    {.name = "fetches_at_once",
     .type = KT_OPTION_INTEGER,
     .default_value = "32",
     .minimum = 1,
     .maximum = 1000000,
     .help = "questions to calendar servers for one person at once, in each worker; more wait"},
    {.name = "fetch_memory",
     .type = KT_OPTION_SIZE,
     .default_value = "128M",
     .minimum = 4 << 20,
     .maximum = INT64_C(1) << 40,
     .help =
         "what calendars of more than 1M take at once while they are read, in each worker; half "
         "of it is for one person, more wait their turn, and one that is larger is left out"},
    {.name = NULL},
};

/** All that the plugin holds in a worker; it lives as long as the worker. Those of the starts
 * before hang on it: what these have left, such as a request that is ending, may still use them. */
static struct kt_service *service;

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

/** The file of the key: the option's, or the one that systemd gives; NULL: there is none. */
static const char *find_key(TALLOC_CTX *context, const struct kt_plugin *plugin)
{
    const char *path = kt_plugin_string(plugin, "key_file");
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");

    if (path || !credentials)
        return path;
    path = kt_must(talloc_asprintf(context, "%s/secret.key", credentials));
    return access(path, F_OK) == 0 ? path : NULL;
}

/** What the breakdown goes by. @return 0, or -EINVAL with the place of the wrong option */
static int read_breakdown(const struct kt_plugin *plugin, struct kt_breakdown_options *ret_options,
                          struct kt_error *error)
{
    const char *days = kt_plugin_string(plugin, "working_days");
    const char *hours = kt_plugin_string(plugin, "working_hours");

    *ret_options = kt_breakdown_defaults;
    ret_options->large_over = (uint32_t)kt_plugin_integer(plugin, "large_over");
    ret_options->focus_at_least = kt_plugin_integer(plugin, "focus_at_least") / 1000;
    if (kt_working_days_parse(days, &ret_options->work_days) < 0)
        return kt_error_set(error, -EINVAL,
                            "%s: \"%s\" are no days; write them as monday-friday or mon, tue, thu",
                            kt_plugin_option_place(plugin, "working_days"), days);
    if (kt_working_hours_parse(hours, &ret_options->work_from, &ret_options->work_to) < 0)
        return kt_error_set(error, -EINVAL,
                            "%s: \"%s\" are no hours of a day; write them as 09:00-17:30",
                            kt_plugin_option_place(plugin, "working_hours"), hours);
    return 0;
}

/** Who may sign in has to be said, and the secrets of signing in go over TLS only. */
static int check_sign_in(const struct kt_plugin *plugin, struct kt_error *error)
{
    const char *token = kt_plugin_string(plugin, "google_token");
    const char *domains = kt_plugin_string(plugin, "sign_in_domains");

    if (!kt_id_token_source_is_safe(token))
        return kt_error_set(error, -EINVAL,
                            "%s: \"%s\" has to begin with https://, since who somebody is comes "
                            "from there",
                            kt_plugin_option_place(plugin, "google_token"), token);
    if (domains && (strchr(domains, '@') || domains[strspn(domains, ", \t")] == '\0'))
        return kt_error_set(error, -EINVAL,
                            "%s: \"%s\" are no domains; write what is behind the @, such as "
                            "example.org, or * for everybody",
                            kt_plugin_option_place(plugin, "sign_in_domains"), domains);
    if (!kt_plugin_boolean(plugin, "sign_in_mail"))
        return 0;
    if (!kt_plugin_string(plugin, "public_url"))
        return kt_error_set(error, -EINVAL, "%s: it needs public_url, which the links lead to",
                            kt_plugin_option_place(plugin, "sign_in_mail"));
    if (!domains)
        return kt_error_set(error, -EINVAL,
                            "%s: say who may sign in: sign_in_domains = example.org, or * for "
                            "everybody",
                            kt_plugin_option_place(plugin, "sign_in_mail"));
    return 0;
}

static int calendar_check(const struct kt_plugin *plugin, struct kt_error *error)
{
    const char *name = kt_plugin_string(plugin, "timezone");
    struct kt_breakdown_options breakdown;
    struct kt_secrets *secrets;
    TALLOC_CTX *context;
    struct kt_zone *zone;
    const char *key;
    int result = 0;

    if (kt_zone_open(NULL, name, &zone) < 0)
        return kt_error_set(error, -EINVAL,
                            "%s: there is no time zone \"%s\"; use a name such as Europe/Berlin",
                            kt_plugin_option_place(plugin, "timezone"), name);
    talloc_free(zone);
    result = read_breakdown(plugin, &breakdown, error);
    if (result == 0)
        result = check_sign_in(plugin, error);
    if (result < 0)
        return result;
    context = kt_must(talloc_new(NULL));
    key = find_key(context, plugin);
    if (key)
        result = kt_secrets_open(context, key, &secrets, error);
    talloc_free(context);
    return result;
}

/** An address without slashes at its end, or NULL. */
static const char *read_base(TALLOC_CTX *context, const struct kt_plugin *plugin,
                             const char *option)
{
    const char *text = kt_plugin_string(plugin, option);
    size_t length = text ? strlen(text) : 0;

    while (length > 0 && text[length - 1] == '/')
        length--;
    return length > 0 ? kt_must(talloc_strndup(context, text, length)) : NULL;
}

/** How many threads of the pool may work on texts at once: one less, for all else. */
static size_t count_workers(void)
{
    const char *threads = getenv("UV_THREADPOOL_SIZE");
    int count = threads ? atoi(threads) : THREADS;

    return count > 2 ? (size_t)count - 1 : 1;
}

/** What people share. */
static void make_shares(const struct kt_plugin *plugin)
{
    size_t answer_size_max = (size_t)kt_plugin_integer(plugin, "answer_size_max");
    const struct kt_turns_limits looks = {.all = SIZE_MAX,
                                          .each =
                                              (size_t)kt_plugin_integer(plugin, "looks_at_once"),
                                          .waiting_max = LOOKS_WAITING_MAX};
    size_t workers = count_workers();
    const struct kt_turns_limits texts = {
        .all = workers, .each = (workers + 1) / 2, .waiting_max = TEXTS_WAITING_MAX};
    const struct kt_turns_limits uploads = {
        .all = (workers + 1) / 2, .each = 1, .waiting_max = LOOKS_WAITING_MAX};
    const struct kt_fetches_options fetches = {
        .at_once = (uint32_t)kt_plugin_integer(plugin, "fetches_at_once"),
        .room = (size_t)kt_plugin_integer(plugin, "fetch_memory"),
        .largest =
            answer_size_max > service->file_size_max ? answer_size_max : service->file_size_max};

    service->looks = kt_must(kt_turns_new(service, &looks));
    service->texts = kt_must(kt_turns_new(service, &texts));
    service->uploads = kt_must(kt_turns_new(service, &uploads));
    service->fetches = kt_must(kt_fetches_new(service, &fetches));
}

static void read_google(const struct kt_plugin *plugin, struct kt_google_options *google)
{
    google->api = read_base(service, plugin, "google_api");
    google->authorize = kt_plugin_string(plugin, "google_authorize");
    google->token = kt_plugin_string(plugin, "google_token");
    google->revoke = kt_plugin_string(plugin, "google_revoke");
    google->issuer = kt_plugin_string(plugin, "google_issuer");
    google->client_id = kt_plugin_string(plugin, "google_client_id");
    google->client_secret = kt_plugin_string(plugin, "google_client_secret");
    google->answer_size_max = (size_t)kt_plugin_integer(plugin, "answer_size_max");
    google->list_age_ms = kt_plugin_integer(plugin, "google_list_age");
    google->events_max = service->limits.instances_max;
    google->fetches = service->fetches;
}

static void read_options(const struct kt_plugin *plugin)
{
    service->public_url = read_base(service, plugin, "public_url");
    service->sign_in_mail = kt_plugin_boolean(plugin, "sign_in_mail");
    service->sign_in_domains = split_words(service, kt_plugin_string(plugin, "sign_in_domains"));
    service->timezone = kt_plugin_string(plugin, "timezone");
    service->week_start = strcmp(kt_plugin_string(plugin, "week_start"), "sunday") == 0 ? 6 : 0;
    service->timeout_ms = kt_plugin_integer(plugin, "source_timeout");
    service->file_size_max = (size_t)kt_plugin_integer(plugin, "file_size_max");
    service->events_listed_max = (size_t)kt_plugin_integer(plugin, "events_listed_max");
    service->people_listed_max = (size_t)kt_plugin_integer(plugin, "people_listed_max");
    service->ics = (struct kt_ics_options){
        .owners = split_words(service, kt_plugin_string(plugin, "owner")),
        .focus_words = split_words(service, kt_plugin_string(plugin, "focus_words")),
        .default_zone = service->timezone,
        .entries_max = (size_t)kt_plugin_integer(plugin, "entries_max"),
    };
    service->limits = (struct kt_series_limits){
        .instances_max = (size_t)kt_plugin_integer(plugin, "instances_max"),
        .steps_max = STEPS_MAX,
    };
    make_shares(plugin);
    read_google(plugin, &service->google);
}

static int calendar_start(struct kt_plugin *plugin, struct kt_error *error)
{
    const char *path = kt_plugin_string(plugin, "file"), *key;
    struct kt_secrets *secrets = NULL;
    int result = 0;

    struct kt_service *before = service;
    service = kt_must(talloc_zero(NULL, struct kt_service));
    talloc_steal(service, before);
    read_options(plugin);
    result = read_breakdown(plugin, &service->breakdown, error);
    if (result < 0)
        return result;
    if (path)
        service->file = kt_must(kt_ics_file_new(
            service, &(struct kt_ics_file_options){.path = path,
                                                   .size_max = service->file_size_max,
                                                   .ics = service->ics,
                                                   .limits = service->limits}));
    key = find_key(service, plugin);
    if (key)
        result = kt_secrets_open(service, key, &secrets, error);
    if (result < 0)
        return result;
    service->secrets = secrets;
    result = kt_plugin_route(plugin, "GET", "/week", kt_week_handle, service);
    if (result == 0)
        result = kt_plugin_route(plugin, "POST", "/week", kt_week_handle, service);
    if (result == 0)
        result = kt_connect_routes(plugin, service);
    if (result == 0)
        result = kt_me_routes(plugin, service);
    if (result == 0)
        result = kt_sign_in_routes(plugin, service);
    if (result == 0)
        result = kt_identity_server_start(plugin, service);
    if (result == 0)
        result = kt_range_routes(plugin, service);
    if (result == 0)
        result = kt_week_server_start(plugin, service);
    if (result == 0)
        result = kt_rows_server_start(plugin, service);
    return result < 0 ? kt_error_set(error, result, "the routes cannot be registered") : 0;
}

KT_PLUGIN(.name = "calendar", .version = PACKAGE_VERSION,
          .summary = "where did my week go: hours in meetings, and with whom", .options = options,
          .check = calendar_check, .start = calendar_start);
