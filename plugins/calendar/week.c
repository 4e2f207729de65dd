/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The handler reads from top to bottom: what is asked for, the window, the events, the breakdown,
 * the answer. What may take long runs on the thread pool; nothing is kept between requests here.
 */
#include "week.h"
#include "breakdown.h"
#include "civil.h"
#include "compare.h"
#include "connections.h"
#include "ics_text.h"
#include "sample.h"
#include "week_json.h"
#include "work_tree.h"
#include "zone.h"
#include "zone_database.h"

#include <errno.h>
#include <kontor/log.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/** The years that can be asked for; zone data means little outside of them. */
#define DATE_YEAR_MIN 1900
#define DATE_YEAR_MAX 2199
#define WEEK_DAYS 7
/** So few events are taken where one is: that is over sooner than a turn on the thread pool. */
#define EVENTS_INLINE_MAX 100u

/** The questions for the thread pool before the events are read. */
struct window_job {
    TALLOC_CTX *tree;
    const char *timezone;
    int64_t now; /* seconds since 1970 */
    bool has_day;
    int32_t day, today;
    uint32_t week_start;
    bool compares; /* with the weeks before it, which are read at once */
    struct kt_window window;
    struct kt_window earlier[KT_COMPARED_WEEKS]; /* the last one first; if compares */
    struct kt_window all;                        /* all of them; if not, the week alone */
    int result;                                  /* -ENOENT: no such zone */
};

/** What the thread pool makes of the events: the breakdown, and the answer's text. */
struct breakdown_job {
    TALLOC_CTX *tree;
    const struct kt_service *service;
    const struct kt_source_answer *answer;
    const struct window_job *asked;
    struct kt_breakdown breakdown;
    struct kt_breakdown earlier[KT_COMPARED_WEEKS];
    struct kt_comparison comparison;
    char *text; /* JSON */
    size_t size;
    int result;
};

static double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void make_window(void *argument)
{
    struct window_job *job = argument;
    struct kt_zone *zone;

    job->result = kt_zone_open(job->tree, job->timezone, &zone);
    if (job->result < 0)
        return;
    job->today = kt_local_day(kt_zone_to_local(zone, job->now));
    job->result = kt_window_week(job->tree, zone, job->has_day ? job->day : job->today,
                                 job->week_start, &job->window);
    job->all = job->window;
    if (!job->compares)
        return;
    for (int32_t week = 0; job->result == 0 && week < KT_COMPARED_WEEKS; week++)
        job->result =
            kt_window_days(job->tree, zone, job->window.first_day - (week + 1) * WEEK_DAYS,
                           WEEK_DAYS, &job->earlier[week]);
    if (job->result == 0)
        job->result =
            kt_window_days(job->tree, zone, job->window.first_day - KT_COMPARED_WEEKS * WEEK_DAYS,
                           (KT_COMPARED_WEEKS + 1) * WEEK_DAYS, &job->all);
}

/** @return 0 or -ENOMEM */
static int compare(struct breakdown_job *job)
{
    const struct window_job *asked = job->asked;
    int result = 0;

    for (int week = 0; result == 0 && week < KT_COMPARED_WEEKS; week++)
        result = kt_breakdown_make(job->tree, &job->answer->events, &asked->earlier[week],
                                   &job->service->breakdown, &job->earlier[week]);
    return result < 0 ? result
                      : kt_compare(job->tree, &job->breakdown, job->earlier, KT_COMPARED_WEEKS,
                                   &job->comparison);
}

static void make_answer(void *argument)
{
    struct breakdown_job *job = argument;
    const struct kt_service *service = job->service;
    const struct window_job *asked = job->asked;
    const struct kt_week week = {.window = &asked->window,
                                 .breakdown = &job->breakdown,
                                 .comparison = asked->compares ? &job->comparison : NULL,
                                 .warnings = &job->answer->warnings,
                                 .week_start = asked->week_start,
                                 .today = asked->today,
                                 .events_max = service->events_listed_max,
                                 .people_max = service->people_listed_max};

    job->result = kt_breakdown_make(job->tree, &job->answer->events, &asked->window,
                                    &service->breakdown, &job->breakdown);
    if (job->result == 0 && asked->compares)
        job->result = compare(job);
    if (job->result == 0)
        job->result = kt_week_json(job->tree, &week, KT_WEEK_JSON_SIZE_MAX, &job->text, &job->size);
}

/** Do it at once if it is quickly done, else on the thread pool. @return as kt_work */
static int work(bool is_quick, void (*function)(void *argument), void *argument)
{
    if (!is_quick)
        return kt_work(function, argument);
    function(argument);
    return 0;
}

/** A piece of a request as it may be shown: printable ASCII, not too long. */
static const char *presentable(TALLOC_CTX *context, const char *text)
{
    char *copy = kt_must(talloc_strndup(context, text, KT_ZONE_NAME_MAX));

    for (char *at = copy; *at; at++) {
        if (*at < ' ' || *at > '~')
            *at = '?';
    }
    return copy;
}

/** @return whether the date, if one is given, is good; otherwise the request has been answered */
static bool read_date(struct kt_request *request, struct window_job *job)
{
    const char *date = kt_request_query(request, "date");
    int32_t year;

    if (!date || !*date)
        return true;
    job->has_day = kt_date_parse(date, &job->day) == 0;
    year = job->has_day ? kt_date_from_day(job->day).year : 0;
    if (year >= DATE_YEAR_MIN && year <= DATE_YEAR_MAX)
        return true;
    kt_respond_problem(request, 400,
                       "“%s” is not a date that can be shown. Write it as YYYY-MM-DD, in the years "
                       "%d to %d, such as 2026-11-16.",
                       presentable(kt_self_memory(), date), DATE_YEAR_MIN, DATE_YEAR_MAX);
    return false;
}

/** @return whether the first day of the week is good; otherwise the request has been answered */
static bool read_week_start(struct kt_request *request, struct window_job *job)
{
    const char *day = kt_request_query(request, "week_start");

    if (!day || !*day)
        return true;
    job->week_start = strcmp(day, "sunday") == 0 ? 6 : 0;
    if (job->week_start == 6 || strcmp(day, "monday") == 0)
        return true;
    kt_respond_problem(request, 400, "Weeks begin on “monday” or “sunday”.");
    return false;
}

/** Whether a parameter of the request is "1". */
static bool is_wanted(struct kt_request *request, const char *name)
{
    const char *value = kt_request_query(request, name);

    return value && strcmp(value, "1") == 0;
}

/** Whether the made-up week is asked for. */
static bool is_sample(struct kt_request *request)
{
    return strcmp(kt_request_method(request), "POST") != 0 && is_wanted(request, "sample");
}

/** The window that is asked for; NULL when the request has been answered with an error. */
static const struct window_job *find_window(struct kt_request *request,
                                            const struct kt_service *service)
{
    TALLOC_CTX *tree = kt_must(kt_work_tree(kt_self_memory()));
    struct window_job *job = kt_must(talloc_zero(tree, struct window_job));
    const char *wanted = kt_request_query(request, "tz");
    bool is_given = wanted && *wanted;

    job->tree = tree;
    job->timezone = is_given ? wanted : service->timezone;
    job->now = kt_floor_divide(kt_unix_ms(), 1000);
    job->week_start = service->week_start;
    job->compares = is_wanted(request, "compare");
    if (!read_date(request, job) || !read_week_start(request, job))
        return NULL;
    if (work(kt_zone_database_has(job->timezone), make_window, job) < 0 || job->result == -ENOMEM) {
        kt_respond_problem(request, 503, "The server is too busy. Try again in a moment.");
        return NULL;
    }
    if (job->result == 0)
        return job;
    if (is_given)
        kt_respond_problem(request, 400,
                           "There is no time zone “%s”. Use a name of the IANA database, such as "
                           "Europe/Berlin.",
                           presentable(kt_self_memory(), wanted));
    else
        kt_respond_problem(request, 500,
                           "The time zone of the configuration (option timezone of [calendar]), "
                           "“%s”, is unknown on this server.",
                           service->timezone);
    return NULL;
}

/** The sources of the person who asks. @return whether there are any; otherwise it is answered */
static bool open_sources(struct kt_request *request, const struct kt_service *service,
                         struct kt_sources *sources)
{
    const char *user = kt_connections_user(request);
    struct kt_account *account;
    int result = user && service->secrets
                     ? kt_account_read(sources, service->secrets, user, &account)
                     : -ENOENT;

    if (result == 0 && kt_connections_open(service, account, sources) > 0)
        return true;
    if (result < 0 && result != -ENOENT) {
        kt_log_warning("what people have connected can't be read: %s", strerror(-result));
        kt_respond_problem(request, 503, "The store can't be used now. Try again in a moment.");
        return false;
    }
    if (service->file)
        return kt_sources_add(sources, service->file) == 0;
    if (user)
        kt_respond_problem(request, 404, "No calendar is connected yet.");
    else
        kt_respond_problem(request, 401, "Sign in first: calendars belong to somebody.");
    return false;
}

static int read_sample(struct kt_source *source, TALLOC_CTX *context,
                       const struct kt_source_question *question,
                       struct kt_source_answer *ret_answer, struct kt_source_error *error)
{
    (void)source;
    if (kt_sample_events(context, question->window, &ret_answer->events) == 0)
        return 0;
    return kt_source_fail(error, KT_TROUBLE_OVERLOADED, "there is not enough memory");
}

/** The source "somebody made up", which needs nobody to be signed in. */
static struct kt_source sample = {.name = "sample", .label = "The sample", .read = read_sample};

/** The source "what was sent along". @return whether there is one; otherwise it is answered */
static bool open_upload(struct kt_request *request, const struct kt_service *service,
                        struct kt_sources *sources)
{
    const char *text;
    size_t size;
    int result = kt_request_body(request, &text, &size);

    if (result == 0 && size > service->file_size_max)
        result = -EMSGSIZE;
    if (result < 0) {
        kt_respond_body_error(request, result);
        return false;
    }
    return kt_sources_add(sources, kt_ics_text_new(sources, service, text, size)) == 0;
}

/** @return whether there is an answer; otherwise the request has been answered with an error */
static bool read_events(struct kt_request *request, const struct kt_service *service,
                        const struct kt_window *window, struct kt_source_answer *ret_answer,
                        const char **ret_name)
{
    struct kt_source_question question = {.window = window,
                                          .deadline_ms = kt_now_ms() + service->timeout_ms};
    struct kt_source_error error = {.trouble = KT_TROUBLE_NONE};
    struct kt_sources *sources = kt_sources_new();
    bool is_upload = strcmp(kt_request_method(request), "POST") == 0, is_file;
    const char *label;
    char pause[32];

    talloc_steal(kt_self_memory(), sources); /* until they are read */
    if (is_sample(request) ? kt_sources_add(sources, &sample) < 0
        : is_upload        ? !open_upload(request, service, sources)
                           : !open_sources(request, service, sources))
        return false;
    is_file = sources->list[0] == service->file;
    label = sources->count > 1 ? "What you have connected"
                               : kt_must(talloc_strdup(kt_self_memory(), sources->list[0]->label));
    *ret_name = sources->count > 1 ? "sources" : sources->list[0]->name;
    if (kt_sources_read(kt_self_memory(), sources, &question, ret_answer, &error) == 0)
        return true;
    kt_log_warning("a calendar cannot be read (%s): %s", kt_trouble_name(error.trouble),
                   error.text);
    if (error.pause_ms > 0) {
        snprintf(pause, sizeof(pause), "%lld", (long long)(error.pause_ms + 999) / 1000);
        kt_response_header(request, "Retry-After", pause);
    }
    kt_response_header(request, "X-Calendar-Trouble", kt_trouble_name(error.trouble));
    if (is_file)
        kt_respond_problem(request, kt_trouble_status(error.trouble),
                           "The calendar file (option file of [calendar]) cannot be used: %s.",
                           error.text);
    else
        kt_respond_problem(request, is_upload ? 422 : kt_trouble_status(error.trouble),
                           "%s cannot be read: %s.", label, error.text);
    return false;
}

/** The breakdown and its text, or NULL when the request has been answered with an error. */
static const struct breakdown_job *break_down(struct kt_request *request,
                                              const struct kt_service *service,
                                              const struct window_job *asked,
                                              const struct kt_source_answer *answer)
{
    TALLOC_CTX *tree = kt_must(kt_work_tree(kt_self_memory()));
    struct breakdown_job *job = kt_must(talloc_zero(tree, struct breakdown_job));

    job->tree = tree;
    job->service = service;
    job->answer = answer;
    job->asked = asked;
    if (work(!asked->compares && answer->events.count <= EVENTS_INLINE_MAX, make_answer, job) ==
            0 &&
        job->result == 0)
        return job;
    if (job->result == -EMSGSIZE)
        kt_respond_problem(request, 500, "The week is too large to be shown.");
    else
        kt_respond_problem(request, 503, "The server is too busy. Try again in a moment.");
    return NULL;
}

static void respond(struct kt_request *request, const struct breakdown_job *made,
                    const char *source_name, const double times_ms[3])
{
    char timing[128];

    snprintf(timing, sizeof(timing), "%s;dur=%.2f, breakdown;dur=%.2f", source_name,
             times_ms[1] - times_ms[0], times_ms[2] - times_ms[1]);
    kt_response_header(request, "Server-Timing", timing);
    kt_response_header(request, "Cache-Control", "no-store");
    kt_respond(request, 200, "application/json", made->text, made->size);
}

void kt_week_handle(struct kt_request *request)
{
    const struct kt_service *service = kt_request_context(request);
    const struct window_job *asked;
    const struct breakdown_job *made;
    struct kt_source_answer answer = {.events = {NULL, 0}};
    const char *source_name;
    double times_ms[3];

    asked = find_window(request, service);
    if (!asked)
        return;
    times_ms[0] = now_ms();
    if (!read_events(request, service, &asked->all, &answer, &source_name))
        return;
    times_ms[1] = now_ms();
    made = break_down(request, service, asked, &answer);
    if (!made)
        return;
    times_ms[2] = now_ms();
    respond(request, made, source_name, times_ms);
}
