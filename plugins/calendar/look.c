/* SPDX-License-Identifier: BSD-2-Clause */
/* The window, the events, the breakdown, one after the other; what takes long is on the pool. */
#include "look.h"
#include "civil.h"
#include "connections.h"
#include "ics_text.h"
#include "sample.h"
#include "work_tree.h"
#include "zone.h"

#include <errno.h>
#include <kontor/log.h>
#include <kontor/process.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/** The years that can be asked for; zone data means little outside of them. */
#define YEAR_MIN 1900
#define YEAR_MAX 2199

/** What is done on the thread pool, with a tree of its own. */
struct job {
    TALLOC_CTX *tree;
    const char *zone_name;
    int32_t first_day;
    uint32_t days;
    int64_t now; /* seconds since 1970 */
    const struct kt_events *events;
    struct kt_breakdown_options options;
    struct kt_look look;
    int result;
};

int kt_look_days(const char *from, const char *to, int32_t *ret_first_day, uint32_t *ret_days)
{
    int32_t first, last;

    if (!from || !to || kt_date_parse(from, &first) < 0 || kt_date_parse(to, &last) < 0)
        return -EINVAL;
    if (last < first || last - first >= (int32_t)KT_LOOK_DAYS_MAX)
        return -EINVAL;
    if (kt_date_from_day(first).year < YEAR_MIN || kt_date_from_day(last).year > YEAR_MAX)
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

/* ---------------------------------------------------------------- on the pool */

static void make_window(void *argument)
{
    struct job *job = argument;
    struct kt_zone *zone;

    job->result = kt_zone_open(job->tree, job->zone_name, &zone);
    if (job->result < 0)
        return;
    job->look.today = kt_local_day(kt_zone_to_local(zone, job->now));
    job->result = kt_window_days(job->tree, zone, job->first_day, job->days, &job->look.window);
}

static void make_breakdown(void *argument)
{
    struct job *job = argument;

    job->result = kt_breakdown_make(job->tree, job->events, &job->look.window, &job->options,
                                    &job->look.breakdown);
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
    if (result < 0 && result != -ENOENT) {
        kt_log_warning("what people have connected can't be read: %s", strerror(-result));
        return refuse(refusal, result, 503, "The store can't be used now. Try again in a moment.");
    }
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
        return kt_sources_add(sources, kt_ics_text_new(sources, question->service, question->upload,
                                                       question->upload_size));
    return open_own(question, sources, refusal);
}

/** @return 0, or the refusal's code */
static int read_events(const struct kt_look_question *question, const struct kt_window *window,
                       struct kt_source_answer *ret_answer, struct kt_look_refusal *refusal)
{
    const struct kt_source_question asked = {
        .window = window, .deadline_ms = kt_now_ms() + question->service->timeout_ms};
    struct kt_source_error error = {.trouble = KT_TROUBLE_NONE};
    struct kt_sources *sources = kt_sources_new();
    const char *label;
    int result;

    talloc_steal(kt_self_memory(), sources); /* until they are read */
    result = open_sources(question, sources, refusal);
    if (result < 0)
        return result;
    label = sources->count > 1 ? "What you have connected"
                               : kt_must(talloc_strdup(kt_self_memory(), sources->list[0]->label));
    result = kt_sources_read(kt_self_memory(), sources, &asked, ret_answer, &error);
    if (result == 0)
        return 0;
    kt_log_warning("a calendar cannot be read (%s): %s", kt_trouble_name(error.trouble),
                   error.text);
    (void)refuse(refusal, result, question->upload ? 422 : kt_trouble_status(error.trouble),
                 "%.60s cannot be read: %s.", label, error.text);
    refusal->trouble = error.trouble;
    refusal->pause_ms = error.pause_ms;
    return result;
}

int kt_look(const struct kt_look_question *question, struct kt_look **ret_look,
            struct kt_look_refusal *refusal)
{
    TALLOC_CTX *tree = kt_must(kt_work_tree(kt_self_memory()));
    struct job *job = kt_must(talloc_zero(tree, struct job));
    struct kt_source_answer answer = {.events = {NULL, 0}};
    int result;

    job->tree = tree;
    job->zone_name = kt_must(talloc_strdup(job, question->zone));
    job->first_day = question->first_day;
    job->days = question->days;
    job->now = kt_floor_divide(kt_unix_ms(), 1000);
    job->options = question->service->breakdown;
    if (kt_work(make_window, job) < 0 || job->result == -ENOMEM)
        return refuse_busy(refusal);
    if (job->result < 0)
        return refuse(refusal, -EINVAL, 400,
                      "There is no such time zone. Use a name of the IANA database, such as "
                      "Europe/Berlin.");
    result = read_events(question, &job->look.window, &answer, refusal);
    if (result < 0)
        return result;
    job->look.warnings = answer.warnings;
    job->events = &answer.events;
    if (kt_work(make_breakdown, job) < 0 || job->result < 0)
        return refuse_busy(refusal);
    *ret_look = &job->look;
    return 0;
}
