/* SPDX-License-Identifier: BSD-2-Clause */
/* Reports and jobs over HTTP. Whoever asks for a report with the same parameters gets the same job.
 */
#include "jobs.h"

#include "access.h"
#include "forget.h"
#include "form.h"
#include "make.h"
#include "parameters.h"
#include "personal.h"
#include "view.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <kontor/log.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** How long a request for a report waits for one that is made quickly, unless it says (RFC 7240).
 */
#define WAIT_DEFAULT_MS 200
#define WAIT_MAX_MS 30000
/** A comment so often keeps proxies from ending a silent stream. */
#define KEEP_ALIVE_MS 15000
/** What a query for the choices of a form may take. */
#define CHOICES_TIMEOUT_MS 5000
#define HOUR_MS INT64_C(3600000)
#define RETENTION_MAX_MS (24 * HOUR_MS)
/** Digits of a job's id that tell its parameters: 96 bits. */
#define SUM_DIGITS 24

static const struct catalogue *catalogue_of(struct kt_request *request)
{
    return kt_request_context(request);
}

static void respond_unavailable(struct kt_request *request, int result)
{
    if (result == -ENOTCONN || result == -ETIMEDOUT)
        access_respond_restart(request);
    else if (result == -ENOENT)
        kt_respond_problem(request, 404, "There is no such job any more.");
    else
        kt_respond_problem(request, 500, "This did not work: %s.", strerror(-result));
}

static bool has_ended(const struct kt_job *job)
{
    return job->state != KT_JOB_QUEUED && job->state != KT_JOB_RUNNING;
}

/** What the clock on the wall shows where a report is at home, with what was entered. Parks. */
static int64_t wall_ms(struct kt_request *request, const struct definition *definition,
                       const struct entered *entered, size_t entered_count)
{
    const struct wall_clock *clock =
        definition->is_personal ? personal_clock(definition, entered, entered_count) : NULL;
    if (!clock) /* what is wrong with a zone the calendar says */
        clock = catalogue_clock(catalogue_of(request), definition);
    return wall_clock_read(clock, kt_unix_ms());
}

/* ---------------------------------------------------------------- lists */

/** Add the jobs that this person may see. @return 0 or a negative errno */
static int add_jobs(struct kt_request *request, cJSON *array)
{
    const struct kt_job *after = NULL;
    struct kt_job_page *page;
    do {
        int result = kt_job_list(NULL, after, &page);
        if (result < 0)
            return result;
        for (uint32_t i = 0; i < page->count; i++) {
            const struct definition *definition;
            after = page->jobs[i];
            if (after->state != KT_JOB_EXPIRED &&
                access_may_see_job(catalogue_of(request), after, access_user(request), &definition))
                cJSON_AddItemToArray(array, view_job(after, definition, access_user(request)));
        }
    } while (page->has_more);
    return 0;
}

void jobs_list(struct kt_request *request)
{
    if (!access_identify(request))
        return;
    cJSON *json = cJSON_CreateObject();
    int result = add_jobs(request, cJSON_AddArrayToObject(json, "jobs"));
    if (result < 0)
        respond_unavailable(request, result);
    else
        kt_respond_json(request, 200, json);
}

void reports_list(struct kt_request *request)
{
    if (!access_identify(request))
        return;
    const struct catalogue *catalogue = catalogue_of(request);
    const char *user = access_user(request);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "user", user);
    cJSON *formats = cJSON_AddArrayToObject(json, "formats");
    for (int file = 0; file < REPORT_FILES; file++)
        cJSON_AddItemToArray(formats, cJSON_CreateString(report_file_kinds[file].name));
    cJSON *reports = cJSON_AddArrayToObject(json, "reports");
    for (size_t i = 0; i < catalogue->definition_count; i++) {
        const struct definition *definition = catalogue->definitions[i];
        if (catalogue_may_see(catalogue, definition, *user ? user : NULL))
            cJSON_AddItemToArray(
                reports, view_report(definition, NULL, wall_ms(request, definition, NULL, 0)));
    }
    int result = add_jobs(request, cJSON_AddArrayToObject(json, "jobs"));
    if (result < 0)
        respond_unavailable(request, result);
    else
        kt_respond_json(request, 200, json);
}

/* ---------------------------------------------------------------- one report */

/** The choices of a form, asked on the thread pool. */
struct choices {
    TALLOC_CTX *memory; /**< of the pool's thread while it works, then of this */
    const struct catalogue *catalogue;
    const struct definition *definition;
    char ***lists; /**< one for each parameter, NULL: none */
    int result;
    struct kt_error error;
};

static void ask_choices(void *argument)
{
    struct choices *choices = argument;
    const struct definition *definition = choices->definition;
    const struct source_limits limits = {.timeout_ms = CHOICES_TIMEOUT_MS};
    struct source *source = NULL;
    for (size_t i = 0; i < definition->parameter_count && choices->result == 0; i++) {
        const struct parameter *parameter = &definition->parameters[i];
        if (!parameter->values_query)
            continue;
        if (!source)
            choices->result = source_open(choices->memory, definition->source,
                                          catalogue_address(choices->catalogue, definition->source),
                                          &source, &choices->error);
        if (choices->result == 0)
            choices->result = source_choices(source, choices->memory, parameter->values_query,
                                             &limits, &choices->lists[i], &choices->error);
    }
    talloc_free(source); /* closing may block, too */
}

/** Also when the process is ended in the middle: that takes effect when the thread is done. */
static int free_choices(struct choices *choices)
{
    talloc_free(choices->memory);
    return 0;
}

void reports_show(struct kt_request *request)
{
    const struct definition *definition = access_report(request);
    if (!definition)
        return;
    struct choices *choices = kt_must(talloc_zero(kt_self_memory(), struct choices));
    choices->memory = kt_must(talloc_new(NULL));
    talloc_set_destructor(choices, free_choices);
    choices->catalogue = catalogue_of(request);
    choices->definition = definition;
    choices->lists = kt_must(
        talloc_zero_array(choices->memory, char **, (unsigned)definition->parameter_count + 1));
    int result = kt_work(ask_choices, choices);
    if (result < 0)
        respond_unavailable(request, result);
    else if (choices->result < 0)
        kt_respond_problem(request, 502, "The choices of this report could not be read: %s.",
                           choices->error.text);
    else
        kt_respond_json(request, 200,
                        view_report(definition, (char *const *const *)choices->lists,
                                    wall_ms(request, definition, NULL, 0)));
}

/* ---------------------------------------------------------------- asking for one */

/** A title that tells this job from others of the same report: "Sales by day, From: 2026-11-01". */
static const char *make_title(const struct definition *definition, const struct bound *bound)
{
    char *title = kt_must(talloc_strdup(kt_self_memory(), definition->title));
    for (size_t i = 0; i < definition->parameter_count; i++)
        if (bound[i].value)
            title =
                kt_must(talloc_asprintf_append(title, "%s%s: %s", i == 0 ? " – " : ", ",
                                               definition->parameters[i].label, bound[i].value));
    return title;
}

/** How long to wait before answering 202 (RFC 7240, 4.1 and 4.3). */
static int64_t preferred_wait(struct kt_request *request)
{
    const char *prefer = kt_request_header(request, "Prefer");
    if (prefer && strstr(prefer, "respond-async"))
        return 0;
    const char *wait = prefer ? strstr(prefer, "wait=") : NULL;
    if (!wait)
        return WAIT_DEFAULT_MS;
    int64_t seconds = strtoll(wait + strlen("wait="), NULL, 10);
    return seconds < 0 ? 0 : seconds > WAIT_MAX_MS / 1000 ? WAIT_MAX_MS : seconds * 1000;
}

static void add_location(struct kt_request *request, const struct kt_job *job, const char *what)
{
    char *location = kt_must(talloc_asprintf(kt_self_memory(), "%s/api/reports/jobs/%s/%s%s",
                                             kt_request_mount(request), job->realm, job->id, what));
    kt_response_header(request, "Location", location);
}

static void respond_started(struct kt_request *request, const struct definition *definition,
                            const struct kt_job *job)
{
    if (job->state == KT_JOB_READY) {
        add_location(request, job, "/file");
        kt_respond(request, 303, NULL, NULL, 0);
        return;
    }
    add_location(request, job, "");
    kt_response_header(request, "Retry-After", "1");
    kt_respond_json(request, 202, view_job(job, definition, access_user(request)));
}

/** Whether there is a job to join. */
static bool is_there(const char *realm, const char *id)
{
    struct kt_job job;
    return kt_job_look(realm, id, &job) == 0 && (job.state == KT_JOB_READY || !has_ended(&job));
}

/**
 * Start a job for a person who has asked for it at this time, unless all that is theirs was deleted
 * since. @return as kt_job_start; -EOWNERDEAD: it was deleted
 */
static int start_personal(const struct kt_job_start *start, int64_t began_ms,
                          struct kt_job *ret_job)
{
    int result = kt_job_start(start, ret_job);
    if (!personal_is_forgotten(start->realm, began_ms))
        return result;
    forget_job(start->realm, start->id); /* also after an error: it may be there all the same */
    return -EOWNERDEAD;
}

/** Start or join, and answer. @param began_ms  when it was asked for, ms since 1970 */
static void start_job(struct kt_request *request, const struct definition *definition,
                      const struct order *order, int64_t began_ms)
{
    char sum[33], id[KT_JOB_NAME_MAX + 1];
    const char *format = report_file_kinds[order->file].name;
    parameters_id(definition, format, order->bound, order->bound_count, sum);
    snprintf(id, sizeof id, "%s.%s.%.*s", definition->name, format, SUM_DIGITS, sum);
    const char *address = catalogue_address(catalogue_of(request), definition->source);
    bool is_local = definition->is_personal || strncmp(address, "sqlite:", strlen("sqlite:")) == 0;
    const char *realm = definition->is_personal ? personal_realm(kt_self_memory(), order->who)
                                                : catalogue_realm(definition);
    struct kt_memory_file *rows = NULL;
    if (definition->is_personal && !is_there(realm, id) && !personal_gather(request, order, &rows))
        return;
    const struct kt_job_start start = {
        .realm = realm,
        .id = id,
        .kind = REPORT_JOB,
        .title = make_title(definition, order->bound),
        .who = order->who,
        .argument = kt_must(order_write(kt_self_memory(), order)),
        .input = rows,
        .retention_ms = definition->retention_ms,
        .limits = {.time_ms = definition->timeout_ms,
                   .needs_network = !is_local,
                   .needs_local_sockets = !is_local},
    };
    struct kt_job job;
    int result = definition->is_personal ? start_personal(&start, began_ms, &job)
                                         : kt_job_start(&start, &job);
    kt_log_info("report %s for %s: %s", id, access_name(request),
                result == 0         ? "asked for"
                : result == -EEXIST ? "joined"
                                    : strerror(-result));
    if (result == -EBUSY) {
        kt_response_header(request, "Retry-After", ACCESS_RETRY_AFTER_S);
        kt_respond_problem(request, 429, "Too many reports are waiting; please try again.");
        return;
    }
    if (result == -EOWNERDEAD) {
        kt_respond_problem(request, 409, "All that is yours was deleted meanwhile, this too.");
        return;
    }
    if (result < 0 && result != -EEXIST) {
        respond_unavailable(request, result);
        return;
    }
    int64_t wait_ms = preferred_wait(request);
    if (wait_ms > 0)
        kt_job_wait(start.realm, id, wait_ms, &job);
    respond_started(request, definition, &job);
}

void jobs_start(struct kt_request *request)
{
    cJSON *json;
    struct kt_error error;
    struct bound *bound;
    int64_t began_ms = kt_unix_ms();
    const struct definition *definition = access_is_ours(request) ? access_report(request) : NULL;
    if (!definition)
        return;
    int result = kt_request_json(request, &json);
    if (result < 0) {
        kt_respond_body_error(request, result);
        return;
    }
    struct form *form;
    result = form_read(kt_self_memory(), json, &form, &error);
    if (result == 0)
        result =
            parameters_bind(kt_self_memory(), definition, form->list, form->count,
                            wall_ms(request, definition, form->list, form->count), &bound, &error);
    if (result < 0) {
        kt_respond_problem(request, result == -EBADMSG ? 400 : 422, "%s", error.text);
        return;
    }
    const struct order order = {
        .report = definition->name,
        .version = definition->version,
        .who = access_user(request),
        .file = form->file,
        .bound_count = definition->parameter_count,
        .bound = bound,
    };
    start_job(request, definition, &order, began_ms);
}

/* ---------------------------------------------------------------- one job */

void jobs_show(struct kt_request *request)
{
    struct access_job found;
    if (!access_job(request, &found))
        return;
    if (found.job.state == KT_JOB_EXPIRED)
        kt_respond_problem(request, 410, "This report's time was over; please make it again.");
    else
        kt_respond_json(request, 200, view_job(&found.job, found.definition, access_user(request)));
}

/** One event of the stream. @return 0 or -EPIPE */
static int send_event(struct kt_request *request, const struct access_job *found)
{
    cJSON *json = view_job(&found->job, found->definition, access_user(request));
    char *text = kt_must(cJSON_PrintUnformatted(json));
    int result = kt_response_write(request, "event: job\ndata: ", strlen("event: job\ndata: "));
    if (result == 0)
        result = kt_response_write(request, text, strlen(text));
    if (result == 0)
        result = kt_response_write(request, "\n\n", 2);
    cJSON_free(text);
    cJSON_Delete(json);
    return result == 0 ? kt_response_flush(request) : result;
}

void jobs_follow(struct kt_request *request)
{
    struct access_job found;
    if (!access_job(request, &found))
        return;
    kt_request_deadline(request, -1);
    kt_response_header(request, "X-Accel-Buffering", "no");
    kt_response_header(request, "Cache-Control", "no-store");
    if (kt_response_begin(request, 200, "text/event-stream", -1) < 0)
        return;
    int result = send_event(request, &found);
    while (result == 0 && !has_ended(&found.job)) {
        struct kt_job known = found.job;
        result = kt_job_follow(&known, KEEP_ALIVE_MS, &found.job);
        if (result == -ETIMEDOUT) {
            static const char comment[] = ": still here\n\n";
            result = kt_response_write(request, comment, sizeof comment - 1);
            if (result == 0)
                result = kt_response_flush(request);
        } else if (result == 0) {
            result = send_event(request, &found);
        }
    }
}

void jobs_cancel(struct kt_request *request)
{
    struct access_job found;
    if (!access_is_ours(request) || !access_job(request, &found))
        return;
    const struct kt_job *job = &found.job;
    if (!access_is_theirs(job, access_user(request))) {
        kt_respond_problem(request, 403, "Only %s, who asked for it, can cancel it.", job->who);
        return;
    }
    int result = kt_job_cancel(job->realm, job->id, access_user(request));
    kt_log_info("report %s cancelled by %s: %s", job->id, access_name(request),
                result < 0 ? strerror(-result) : "done");
    if (result == -EALREADY)
        kt_respond_problem(request, 409, "It has ended already.");
    else if (result < 0)
        respond_unavailable(request, result);
    else if (kt_job_look(found.job.realm, found.job.id, &found.job) == 0)
        kt_respond_json(request, 202, view_job(&found.job, found.definition, access_user(request)));
    else
        kt_respond(request, 204, NULL, NULL, 0);
}

void jobs_extend(struct kt_request *request)
{
    struct access_job found;
    cJSON *json;
    if (!access_is_ours(request) || !access_job(request, &found))
        return;
    int result = kt_request_json(request, &json);
    if (result < 0) {
        kt_respond_body_error(request, result);
        return;
    }
    const cJSON *retention = cJSON_GetObjectItemCaseSensitive(json, "retention_ms");
    if (!cJSON_IsNumber(retention) || retention->valuedouble < 1000 ||
        retention->valuedouble > (double)RETENTION_MAX_MS) {
        kt_respond_problem(request, 422, "retention_ms: a number from 1000 to %" PRId64 ".",
                           RETENTION_MAX_MS);
        return;
    }
    /* Whoever may see it may extend it; to shorten it is to delete it, which is not everybody's. */
    int64_t retention_ms = (int64_t)retention->valuedouble;
    bool is_longer =
        found.job.state != KT_JOB_READY || kt_unix_ms() + retention_ms > found.job.expires_ms;
    result = is_longer ? kt_job_extend(found.job.realm, found.job.id, retention_ms) : 0;
    kt_log_info("report %s extended by %s: %s", found.job.id, access_name(request),
                result < 0  ? strerror(-result)
                : is_longer ? "done"
                            : "it is kept for longer anyway");
    if (result == 0)
        result = kt_job_look(found.job.realm, found.job.id, &found.job);
    if (result == -EALREADY)
        kt_respond_problem(request, 409, "It is not ready, so it has no time left.");
    else if (result < 0)
        respond_unavailable(request, result);
    else
        kt_respond_json(request, 200, view_job(&found.job, found.definition, access_user(request)));
}

void jobs_delete(struct kt_request *request)
{
    struct access_job found;
    if (!access_is_ours(request) || !access_job(request, &found))
        return;
    const struct kt_job *job = &found.job;
    if (!access_is_theirs(job, access_user(request))) {
        kt_respond_problem(request, 403, "Only %s, who asked for it, can delete it.", job->who);
        return;
    }
    int result = kt_job_delete(job->realm, job->id);
    kt_log_info("report %s deleted by %s: %s", job->id, access_name(request),
                result < 0 ? strerror(-result) : "done");
    if (result == -EBUSY)
        kt_respond_problem(request, 409, "It is still being made; cancel it first.");
    else if (result < 0)
        respond_unavailable(request, result);
    else
        kt_respond(request, 204, NULL, NULL, 0);
}
