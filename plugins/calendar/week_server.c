/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server only takes questions; each is answered by a process of its own, which reads from top
 * to bottom as week.c does: the question, the window, the events, the breakdown, the answer.
 */
#include "week_server.h"
#include "breakdown.h"
#include "civil.h"
#include "connections.h"
#include "week_json.h"
#include "work_tree.h"
#include "zone.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <kontor/log.h>
#include <kontor/registry.h>
#include <stdio.h>
#include <string.h>

/** Questions that are being answered at once; more are told to come back. */
#define QUESTIONS_MAX 64u
#define QUESTION_BYTES_MAX 4096u
#define WEEK_DAYS 7

/** One question, and what becomes of it. A talloc chunk that belongs to its process. */
struct question {
    const struct kt_service *service;
    struct kt_from from;
    char *text;
    const char *user, *zone;
    int32_t first_day;
};

/** What is done on the thread pool, with a tree of its own. */
struct job {
    TALLOC_CTX *tree;
    const char *zone_name;
    int32_t first_day, today;
    int64_t now;
    struct kt_window window;
    const struct kt_service *service;
    const struct kt_source_answer *answer;
    struct kt_breakdown breakdown;
    char *text; /* JSON */
    size_t size;
    int result;
};

struct server {
    struct kt_service *service;
    uint32_t running;
};

static void reply_problem(const struct question *question, uint32_t status, const char *detail)
{
    cJSON *problem = cJSON_CreateObject();
    char *text;

    cJSON_AddNumberToObject(problem, "status", status);
    cJSON_AddStringToObject(problem, "detail", detail);
    text = kt_must(cJSON_PrintUnformatted(problem));
    kt_reply(&question->from, status, text, strlen(text));
    cJSON_free(text);
    cJSON_Delete(problem);
}

/** Read the question. @return whether it makes sense */
static bool parse(struct question *question)
{
    cJSON *json = cJSON_Parse(question->text);
    const char *user = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "user"));
    const char *zone = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "zone"));
    const char *from = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "from"));
    const char *to = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "to"));
    int32_t last_day;
    bool is_good = user && zone && from && to && strlen(zone) <= KT_ZONE_NAME_MAX &&
                   kt_date_parse(from, &question->first_day) == 0 &&
                   kt_date_parse(to, &last_day) == 0 &&
                   last_day == question->first_day + WEEK_DAYS - 1;

    question->user = is_good ? kt_must(talloc_strdup(question, user)) : NULL;
    question->zone = is_good ? kt_must(talloc_strdup(question, zone)) : NULL;
    cJSON_Delete(json);
    return is_good;
}

static void make_window(void *argument)
{
    struct job *job = argument;
    struct kt_zone *zone;

    job->result = kt_zone_open(job->tree, job->zone_name, &zone);
    if (job->result < 0)
        return;
    job->today = kt_local_day(kt_zone_to_local(zone, job->now));
    job->result = kt_window_week(job->tree, zone, job->first_day, kt_day_weekday(job->first_day),
                                 &job->window);
}

/** A week that is too large for a message goes without its lists of events. */
static void make_answer(void *argument)
{
    struct job *job = argument;
    const struct kt_service *service = job->service;
    struct kt_week week = {.window = &job->window,
                           .breakdown = &job->breakdown,
                           .warnings = &job->answer->warnings,
                           .week_start = service->week_start,
                           .today = job->today,
                           .events_max = service->events_listed_max,
                           .people_max = service->people_listed_max};

    job->result = kt_breakdown_make(job->tree, &job->answer->events, &job->window,
                                    &service->breakdown, &job->breakdown);
    if (job->result == 0)
        job->result = kt_week_json(job->tree, &week, KT_MESSAGE_SIZE_MAX, &job->text, &job->size);
    if (job->result == -EMSGSIZE) {
        week.events_max = 0;
        job->result = kt_week_json(job->tree, &week, KT_MESSAGE_SIZE_MAX, &job->text, &job->size);
    }
}

static struct job *new_job(const struct question *question)
{
    TALLOC_CTX *tree = kt_must(kt_work_tree(kt_self_memory()));
    struct job *job = kt_must(talloc_zero(tree, struct job));

    job->tree = tree;
    job->zone_name = kt_must(talloc_strdup(job, question->zone));
    job->first_day = question->first_day;
    job->now = kt_floor_divide(kt_unix_ms(), 1000);
    job->service = question->service;
    return job;
}

/** The sources of the person. @return whether there are any; otherwise it is answered */
static bool open_sources(const struct question *question, struct kt_sources *sources)
{
    const struct kt_service *service = question->service;
    struct kt_account *account;
    int result = service->secrets
                     ? kt_account_read(sources, service->secrets, question->user, &account)
                     : -ENOENT;

    if (result == 0 && kt_connections_open(service, account, sources) > 0)
        return true;
    if (result < 0 && result != -ENOENT)
        reply_problem(question, 503, "The store can't be used now.");
    else if (service->file)
        return kt_sources_add(sources, service->file) == 0;
    else
        reply_problem(question, 404, "No calendar is connected yet.");
    return false;
}

/** @return whether there is an answer; otherwise the question has been answered */
static bool read_events(const struct question *question, const struct kt_window *window,
                        struct kt_source_answer *ret_answer)
{
    struct kt_source_question asked = {.window = window,
                                       .deadline_ms = kt_now_ms() + question->service->timeout_ms};
    struct kt_source_error error = {.trouble = KT_TROUBLE_NONE};
    struct kt_sources *sources = kt_sources_new();

    talloc_steal(kt_self_memory(), sources); /* until they are read */
    if (!open_sources(question, sources))
        return false;
    if (kt_sources_read(kt_self_memory(), sources, &asked, ret_answer, &error) == 0)
        return true;
    reply_problem(question, (uint32_t)kt_trouble_status(error.trouble), error.text);
    return false;
}

static void answer_main(void *argument)
{
    struct question *question = argument;
    struct kt_source_answer answer = {.events = {NULL, 0}};
    struct job *job;

    if (!parse(question)) {
        reply_problem(question, 400, "The question makes no sense.");
        return;
    }
    job = new_job(question);
    if (kt_work(make_window, job) < 0 || job->result < 0) {
        reply_problem(question, job->result == -ENOENT ? 400 : 503, "There is no such week now.");
        return;
    }
    if (!read_events(question, &job->window, &answer))
        return;
    job->answer = &answer;
    if (kt_work(make_answer, job) < 0 || job->result == -ENOMEM)
        reply_problem(question, 503, "The server is too busy.");
    else if (job->result < 0 || kt_reply(&question->from, 200, job->text, job->size) < 0)
        reply_problem(question, 500, "The week is too large.");
}

/* ---------------------------------------------------------------- the server */

/** Own the key of the registry unless another worker does. */
static void take_key(void)
{
    int result = kt_registry_register(&(struct kt_registration){.key = KT_WEEK_SERVER}, NULL);

    if (result < 0 && result != -EEXIST)
        kt_log_warning("other workers can't ask for weeks: %s", strerror(-result));
}

static int server_init(void *argument, void **ret_state)
{
    struct server *server = kt_must(talloc_zero(kt_self_memory(), struct server));
    uint64_t reference;
    int result = kt_registry_subscribe(KT_WEEK_SERVER, &reference);

    if (result < 0)
        return result;
    server->service = argument;
    take_key();
    *ret_state = server;
    return 0;
}

static void server_call(void *state, const struct kt_message *call)
{
    struct server *server = state;
    struct question *question = kt_must(talloc_zero(NULL, struct question));
    uint64_t monitor;

    question->service = server->service;
    question->from = kt_message_from(call);
    if (call->type != KT_WEEK_ASK || call->size > QUESTION_BYTES_MAX)
        reply_problem(question, 400, "The question makes no sense.");
    else if (server->running >= QUESTIONS_MAX)
        reply_problem(question, 503, "Too many questions at once.");
    else {
        question->text = kt_must(talloc_strndup(question, call->data, call->size));
        if (kt_spawn(&(struct kt_spawn){.label = "week for a plugin",
                                        .give = true,
                                        .ret_monitor = &monitor},
                     answer_main, question, NULL) == 0) {
            server->running++;
            return;
        }
        reply_problem(question, 503, "The server is too busy.");
    }
    talloc_free(question);
}

static void server_message(void *state, const struct kt_message *message)
{
    struct server *server = state;

    if (message->type == KT_MESSAGE_DOWN) {
        server->running--;
    } else if (message->type == KT_MESSAGE_REGISTRY) {
        const struct kt_registry_change *change = message->data;

        if (change->event == KT_REGISTRY_LOST ||
            (change->event == KT_REGISTRY_GONE && strcmp(change->key, KT_WEEK_SERVER) == 0))
            take_key();
    }
}

static const struct kt_server week_server = {
    .label = "weeks for plugins",
    .init = server_init,
    .handle_call = server_call,
    .handle_message = server_message,
};

int kt_week_server_start(struct kt_plugin *plugin, struct kt_service *service)
{
    const struct kt_child child = {.id = "weeks",
                                   .restart = KT_PERMANENT,
                                   .server = &week_server,
                                   .argument = service,
                                   .name = KT_WEEK_SERVER};

    return kt_plugin_child(plugin, &child, NULL);
}
