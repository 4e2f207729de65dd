/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From top to bottom: the window, the events, the breakdown, the text. What may take long runs on
 * the thread pool; nothing is kept between looks.
 */
#include "look.h"
#include "civil.h"
#include "connections.h"
#include "ics_text.h"
#include "owners.h"
#include "sample.h"
#include "week_json.h"
#include "work_tree.h"
#include "zone.h"
#include "zone_database.h"

#include <errno.h>
#include <kontor/log.h>
#include <kontor/process.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/** The years that can be asked for; zone data means little outside of them. */
#define YEAR_MIN 1900
#define YEAR_MAX 2199
/** So few events, people in them and days are taken where one is: that is over sooner than a turn
 * on the pool. */
#define QUICK_EVENTS_MAX 100u
#define QUICK_PEOPLE_MAX 500u
#define QUICK_DAYS_MAX 42u

/** When somebody whose turn it wasn't may come again. */
#define TURN_PAUSE_MS 2000

/** What is made on the thread pool; a child of the look's tree. */
struct job {
    const struct kt_look_question *question;
    const char *zone_name;
    int64_t now; /* seconds since 1970 */
    struct kt_source_answer answer;
    struct kt_window before[KT_COMPARED_WEEKS]; /* the weeks before, the last one first */
    struct kt_window all;                       /* with the weeks before */
    struct kt_look *look;
    int result;
};

int kt_look_day(const char *date, int32_t *ret_day)
{
    int32_t year;

    if (!date || kt_date_parse(date, ret_day) < 0)
        return -EINVAL;
    year = kt_date_from_day(*ret_day).year;
    return year >= YEAR_MIN && year <= YEAR_MAX ? 0 : -EINVAL;
}

int kt_look_days(const char *from, const char *to, int32_t *ret_first_day, uint32_t *ret_days)
{
    int32_t first, last;

    if (kt_look_day(from, &first) < 0 || kt_look_day(to, &last) < 0)
        return -EINVAL;
    if (last < first || last - first >= (int32_t)KT_LOOK_DAYS_MAX)
        return -EINVAL;
    *ret_first_day = first;
    *ret_days = (uint32_t)(last - first) + 1;
    return 0;
}

/** Fill a refusal. @return its code */
__attribute__((__format__(__printf__, 4, 5))) static int
refuse(struct kt_look_refusal *refusal, int code, int status, const char *format, ...)
{
    va_list arguments;

    *refusal = (struct kt_look_refusal){.status = status};
    va_start(arguments, format);
    vsnprintf(refusal->text, sizeof(refusal->text), format, arguments);
    va_end(arguments);
    return code;
}

static int refuse_busy(struct kt_look_refusal *refusal)
{
    return refuse(refusal, -EAGAIN, 503, "The server is too busy. Try again in a moment.");
}

static double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/** Do it at once if it is quickly done, else on the thread pool. @return as kt_work */
static int work(bool is_quick, void (*function)(void *argument), void *argument)
{
    if (!is_quick)
        return kt_work(function, argument);
    function(argument);
    return 0;
}

/* ---------------------------------------------------------------- the window */

/** The weeks before the window, and the window of all. @return 0 or -ENOMEM */
static int look_back(struct job *job)
{
    const struct kt_window *window = &job->look->window;
    int32_t weeks = (int32_t)job->question->weeks_before;
    int result = 0;

    job->all = *window;
    for (int32_t week = 0; result == 0 && week < weeks; week++)
        result = kt_window_days(job->look->tree, window->zone,
                                window->first_day - (week + 1) * KT_LOOK_WEEK_DAYS,
                                KT_LOOK_WEEK_DAYS, &job->before[week]);
    if (result < 0 || weeks == 0)
        return result;
    return kt_window_days(job->look->tree, window->zone,
                          window->first_day - weeks * KT_LOOK_WEEK_DAYS,
                          (uint32_t)(weeks * KT_LOOK_WEEK_DAYS) + window->days, &job->all);
}

static void make_window(void *argument)
{
    struct job *job = argument;
    struct kt_look *look = job->look;
    const struct kt_look_question *question = job->question;
    int32_t first_day = question->first_day;
    struct kt_zone *zone;

    job->result = kt_zone_open(look->tree, job->zone_name, &zone);
    if (job->result < 0)
        return;
    look->today = kt_local_day(kt_zone_to_local(zone, job->now));
    if (first_day == KT_LOOK_TODAY)
        first_day = look->today;
    if (question->days == 0)
        job->result =
            kt_window_week(look->tree, zone, first_day, question->week_start, &look->window);
    else
        job->result = kt_window_days(look->tree, zone, first_day, question->days, &look->window);
    if (job->result == 0)
        job->result = look_back(job);
}

const char *kt_look_presentable(const char *text)
{
    char *copy = kt_must(talloc_strndup(kt_self_memory(), text, KT_ZONE_NAME_MAX));

    for (char *at = copy; *at; at++) {
        if (*at < ' ' || *at > '~')
            *at = '?';
    }
    return copy;
}

/** @return 0, or the refusal's code */
static int find_window(struct job *job, struct kt_look_refusal *refusal)
{
    const struct kt_service *service = job->question->service;
    const char *zone = job->question->zone;
    bool is_given = zone && *zone;

    job->zone_name = is_given ? zone : service->timezone;
    if (work(kt_zone_database_has(job->zone_name), make_window, job) < 0 || job->result == -ENOMEM)
        return refuse_busy(refusal);
    if (job->result == 0)
        return 0;
    if (is_given)
        return refuse(refusal, -EINVAL, 400,
                      "There is no time zone “%s”. Use a name of the IANA database, such as "
                      "Europe/Berlin.",
                      kt_look_presentable(zone));
    return refuse(refusal, -EINVAL, 500,
                  "The time zone of the configuration (option timezone of [calendar]), “%s”, is "
                  "unknown on this server.",
                  service->timezone);
}

/* ---------------------------------------------------------------- turns */

/** Who asks: somebody, or somebody's machine. */
static const char *person_of(const struct kt_look_question *question)
{
    return question->user ? question->user : question->client ? question->client : "";
}

static int take_turn(struct kt_turns *turns, const char *person, int64_t deadline_ms,
                     struct kt_look_refusal *refusal)
{
    struct kt_turn *turn;
    int result = kt_turns_take(kt_self_memory(), turns, person, 1, deadline_ms, &turn);

    if (result == 0)
        return 0;
    if (result == -ETIMEDOUT)
        (void)refuse(refusal, result, 503,
                     "Other looks at your calendars take so long that it wasn't this one's turn. "
                     "Try again in a moment.");
    else
        (void)refuse(refusal, result, 429,
                     "Your calendars are looked at too often at once. Try again in a moment.");
    refusal->trouble = KT_TROUBLE_OVERLOADED;
    refusal->pause_ms = TURN_PAUSE_MS;
    return result;
}

int kt_look_turn(const struct kt_service *service, const char *user, int64_t deadline_ms,
                 struct kt_look_refusal *refusal)
{
    return take_turn(service->looks, user, deadline_ms, refusal);
}

/* ---------------------------------------------------------------- the events */

static int read_sample(struct kt_source *source, TALLOC_CTX *context,
                       const struct kt_source_question *question,
                       struct kt_source_answer *ret_answer, struct kt_source_error *error)
{
    (void)source;
    if (kt_sample_events(context, question->window, &ret_answer->events) == 0)
        return 0;
    return kt_source_fail(error, KT_TROUBLE_OVERLOADED, "there is not enough memory");
}

static struct kt_source sample = {.name = "sample", .label = "The sample", .read = read_sample};

/** @return the refusal's code */
static int refuse_store(int result, struct kt_look_refusal *refusal)
{
    kt_log_warning("what people have connected can't be read: %s", strerror(-result));
    return refuse(refusal, result, 503, "The store can't be used now. Try again in a moment.");
}

/** The text that was sent, of whoever sent it. @return 0, or the refusal's code */
static int open_upload(const struct kt_look_question *question, struct kt_sources *sources,
                       struct kt_look_refusal *refusal)
{
    static const char *const nobody[] = {NULL};
    const struct kt_service *service = question->service;
    const char *const *owners = nobody;
    struct kt_account *account;

    if (question->user && service->secrets) {
        int result = kt_account_read(sources, service->secrets, question->user, &account);

        if (result < 0)
            return refuse_store(result, refusal);
        owners = kt_owners_of(sources, account, NULL);
    }
    return kt_sources_add(sources, kt_ics_text_new(sources, service, question->upload,
                                                   question->upload_size, owners));
}

/** What the person has connected, or the file for all. @return 0, or the refusal's code */
static int open_own(const struct kt_look_question *question, struct kt_sources *sources,
                    struct kt_look_refusal *refusal)
{
    const struct kt_service *service = question->service;
    struct kt_account *account;
    int result = question->user && service->secrets
                     ? kt_account_read(sources, service->secrets, question->user, &account)
                     : -ENOENT;

    if (result == 0 && kt_connections_open(service, account, sources) > 0)
        return 0;
    if (result < 0 && result != -ENOENT)
        return refuse_store(result, refusal);
    if (service->file)
        return kt_sources_add(sources, service->file);
    if (question->user)
        return refuse(refusal, -ENOENT, 404, "No calendar is connected yet.");
    return refuse(refusal, -EACCES, 401, "Sign in first: calendars belong to somebody.");
}

static int open_sources(const struct kt_look_question *question, struct kt_sources *sources,
                        struct kt_look_refusal *refusal)
{
    if (question->is_sample)
        return kt_sources_add(sources, &sample);
    if (question->upload)
        return open_upload(question, sources, refusal);
    return open_own(question, sources, refusal);
}

/** Tell the log and the person. @return the refusal's code */
static int refuse_source(const struct kt_look_question *question, bool is_file, const char *label,
                         int code, const struct kt_source_error *error,
                         struct kt_look_refusal *refusal)
{
    int status = question->upload ? 422 : kt_trouble_status(error->trouble);

    kt_log_warning("a calendar cannot be read (%s): %s", kt_trouble_name(error->trouble),
                   error->text);
    if (is_file)
        (void)refuse(refusal, code, status,
                     "The calendar file (option file of [calendar]) cannot be used: %s.",
                     error->text);
    else
        (void)refuse(refusal, code, status, "%.60s cannot be read: %s.", label, error->text);
    refusal->trouble = error->trouble;
    refusal->pause_ms = error->pause_ms;
    return code;
}

/** @return 0, or the refusal's code */
static int read_events(struct job *job, struct kt_look_refusal *refusal)
{
    const struct kt_look_question *question = job->question;
    const struct kt_source_question asked = {.window = &job->all,
                                             .deadline_ms =
                                                 kt_now_ms() + question->service->timeout_ms,
                                             .person = person_of(question)};
    struct kt_source_error error = {.trouble = KT_TROUBLE_NONE};
    struct kt_sources *sources = kt_sources_new();
    const char *label;
    bool is_file;
    int result = 0;

    talloc_steal(kt_self_memory(), sources); /* until they are read */
    if (question->user && question->service->secrets)
        result = kt_look_turn(question->service, question->user, asked.deadline_ms, refusal);
    else if (question->upload)
        result = take_turn(question->service->uploads, asked.person, asked.deadline_ms, refusal);
    if (result == 0)
        result = open_sources(question, sources, refusal);
    if (result < 0)
        return result;
    is_file = sources->list[0] == question->service->file;
    label = sources->count > 1 ? "What you have connected"
                               : kt_must(talloc_strdup(kt_self_memory(), sources->list[0]->label));
    job->look->source = sources->count > 1 ? "sources" : sources->list[0]->name;
    result = kt_sources_read(kt_self_memory(), sources, &asked, &job->answer, &error);
    job->look->warnings = job->answer.warnings;
    job->look->is_incomplete = job->answer.is_incomplete;
    return result < 0 ? refuse_source(question, is_file, label, result, &error, refusal) : 0;
}

/* ---------------------------------------------------------------- what is made of them */

int kt_look_write_json(struct kt_look *look, const struct kt_look_question *question)
{
    const struct kt_week week = {.window = &look->window,
                                 .breakdown = &look->breakdown,
                                 .comparison =
                                     question->weeks_before > 0 ? &look->comparison : NULL,
                                 .warnings = &look->warnings,
                                 .is_incomplete = look->is_incomplete,
                                 .week_start = question->week_start,
                                 .today = look->today,
                                 .events_max = question->events_max,
                                 .people_max = question->people_max,
                                 .is_brief = question->is_brief};

    return kt_week_json(look->tree, &week, question->size_max, &look->text, &look->size);
}

struct kt_look_question kt_look_ask(const struct kt_service *service)
{
    return (struct kt_look_question){.service = service,
                                     .week_start = service->week_start,
                                     .write = kt_look_write_json,
                                     .events_max = service->events_listed_max,
                                     .people_max = service->people_listed_max,
                                     .size_max = KT_WEEK_JSON_SIZE_MAX};
}

/** @return 0 or -ENOMEM */
static int compare(struct job *job)
{
    const struct kt_look_question *question = job->question;
    struct kt_look *look = job->look;
    struct kt_breakdown before[KT_COMPARED_WEEKS];
    int result = 0;

    for (uint32_t week = 0; result == 0 && week < question->weeks_before; week++)
        result = kt_breakdown_make(look->tree, &job->answer.events, &job->before[week],
                                   &question->service->breakdown, &before[week]);
    return result < 0 ? result
                      : kt_compare(look->tree, &look->breakdown, before, question->weeks_before,
                                   &look->comparison);
}

static void make_answer(void *argument)
{
    struct job *job = argument;
    const struct kt_look_question *question = job->question;

    job->result = kt_breakdown_make(job->look->tree, &job->answer.events, &job->look->window,
                                    &question->service->breakdown, &job->look->breakdown);
    if (job->result == 0 && question->weeks_before > 0)
        job->result = compare(job);
    if (job->result == 0 && question->write)
        job->result = question->write(job->look, question);
}

static bool is_quickly_made(const struct job *job)
{
    const struct kt_events *events = &job->answer.events;
    size_t people = 0;

    if (events->count > QUICK_EVENTS_MAX || job->all.days > QUICK_DAYS_MAX)
        return false;
    for (size_t index = 0; index < events->count; index++)
        people += events->items[index].details->people_count;
    return people <= QUICK_PEOPLE_MAX;
}

int kt_look(const struct kt_look_question *question, struct kt_look **ret_look,
            struct kt_look_refusal *refusal)
{
    TALLOC_CTX *tree = kt_must(kt_work_tree(kt_self_memory()));
    struct job *job = kt_must(talloc_zero(tree, struct job));
    double began_ms, read_ms;
    int result;

    job->question = question;
    job->look = kt_must(talloc_zero(tree, struct kt_look));
    job->look->tree = tree;
    job->now = kt_floor_divide(kt_unix_ms(), 1000);
    result = find_window(job, refusal);
    if (result < 0)
        return result;
    began_ms = now_ms();
    result = read_events(job, refusal);
    if (result < 0)
        return result;
    read_ms = now_ms();
    if (work(is_quickly_made(job), make_answer, job) < 0)
        return refuse_busy(refusal);
    if (job->result == -EMSGSIZE)
        return refuse(refusal, -EMSGSIZE, 500, "That is too large to be shown.");
    if (job->result < 0)
        return refuse_busy(refusal);
    job->look->read_ms = read_ms - began_ms;
    job->look->made_ms = now_ms() - read_ms;
    *ret_look = job->look;
    return 0;
}
