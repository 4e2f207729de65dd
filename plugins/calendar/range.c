/* SPDX-License-Identifier: BSD-2-Clause */
/* What is asked for, the look, the answer; rows are written on the thread pool. */
#include "range.h"
#include "civil.h"
#include "connections.h"
#include "look.h"
#include "rows.h"
#include "week_json.h"
#include "work_tree.h"
#include "zone.h"

#include <errno.h>
#include <kontor/kontor.h>
#include <stdio.h>
#include <string.h>

/** What is done on the thread pool. */
struct writing {
    TALLOC_CTX *tree;
    const struct kt_service *service; /* of JSON */
    const struct kt_look *look;
    enum kt_rows rows; /* of CSV */
    char *text;
    size_t size;
    int result;
};

static bool is_post(const struct kt_request *request)
{
    return strcmp(kt_request_method(request), "POST") == 0;
}

/** The days, the zone and whose they are. @return false: the request is answered */
static bool read_question(struct kt_request *request, struct kt_look_question *question)
{
    const struct kt_service *service = question->service;
    const char *zone = kt_request_query(request, "tz"), *sample;
    const char *from = kt_request_query(request, "from"), *to = kt_request_query(request, "to");
    int result;

    question->zone = zone && *zone ? zone : service->timezone;
    if (kt_look_days(from, to, &question->first_day, &question->days) < 0) {
        kt_respond_problem(request, 400, "%s", KT_LOOK_DAYS_WRONG);
        return false;
    }
    if (is_post(request)) {
        result = kt_request_body(request, &question->upload, &question->upload_size);
        if (result == 0 && question->upload_size > service->file_size_max)
            result = -EMSGSIZE;
        if (result < 0)
            kt_respond_body_error(request, result);
        return result == 0;
    }
    sample = kt_request_query(request, "sample");
    question->is_sample = sample && strcmp(sample, "1") == 0;
    if (!question->is_sample)
        question->user = kt_connections_user(request);
    return true;
}

static void respond_refusal(struct kt_request *request, const struct kt_look_refusal *refusal)
{
    char pause[32];

    if (refusal->pause_ms > 0) {
        snprintf(pause, sizeof(pause), "%lld", (long long)(refusal->pause_ms + 999) / 1000);
        kt_response_header(request, "Retry-After", pause);
    }
    if (refusal->trouble != KT_TROUBLE_NONE)
        kt_response_header(request, "X-Calendar-Trouble", kt_trouble_name(refusal->trouble));
    kt_respond_problem(request, refusal->status, "%s", refusal->text);
}

/** @return what was seen, or NULL: the request is answered */
static struct kt_look *look_for(struct kt_request *request)
{
    struct kt_look_question question = {.service = kt_request_context(request)};
    struct kt_look_refusal refusal;
    struct kt_look *look;
    int64_t began_ms = kt_now_ms();
    char timing[64];

    if (!read_question(request, &question))
        return NULL;
    if (kt_look(&question, &look, &refusal) < 0) {
        respond_refusal(request, &refusal);
        return NULL;
    }
    snprintf(timing, sizeof(timing), "calendar;dur=%lld", (long long)(kt_now_ms() - began_ms));
    kt_response_header(request, "Server-Timing", timing);
    kt_response_header(request, "Cache-Control", "no-store");
    return look;
}

static void write_json(void *argument)
{
    struct writing *writing = argument;
    const struct kt_look *look = writing->look;
    const struct kt_week week = {.window = &look->window,
                                 .breakdown = &look->breakdown,
                                 .warnings = &look->warnings,
                                 .week_start = writing->service->week_start,
                                 .today = look->today,
                                 .events_max = writing->service->events_listed_max,
                                 .people_max = writing->service->people_listed_max};

    writing->result =
        kt_week_json(writing->tree, &week, KT_WEEK_JSON_SIZE_MAX, &writing->text, &writing->size);
}

static void handle_json(struct kt_request *request)
{
    const struct kt_look *look = look_for(request);
    TALLOC_CTX *tree = kt_must(kt_work_tree(kt_self_memory()));
    struct writing *writing = kt_must(talloc_zero(tree, struct writing));

    if (!look)
        return;
    writing->tree = tree;
    writing->service = kt_request_context(request);
    writing->look = look;
    if (kt_work(write_json, writing) == 0 && writing->result == 0)
        kt_respond(request, 200, "application/json", writing->text, writing->size);
    else if (writing->result == -EMSGSIZE)
        kt_respond_problem(request, 500, "These days are too large to be shown.");
    else
        kt_respond_problem(request, 503, "The server is too busy. Try again in a moment.");
}

static void write_rows(void *argument)
{
    struct writing *writing = argument;

    writing->result = kt_rows_csv(writing->tree, writing->rows, &writing->look->breakdown,
                                  &writing->look->window, &writing->text, &writing->size);
}

/** "calendar-events-2026-11-16-2026-11-22.csv" */
static void add_file_name(struct kt_request *request, enum kt_rows rows,
                          const struct kt_window *window)
{
    char first[KT_DATE_TEXT_SIZE], last[KT_DATE_TEXT_SIZE], text[128];

    kt_date_format(window->first_day, first);
    kt_date_format(window->first_day + (int32_t)window->days - 1, last);
    snprintf(text, sizeof(text), "attachment; filename=\"calendar-%s-%s-%s.csv\"",
             kt_rows_name(rows), first, last);
    kt_response_header(request, "Content-Disposition", text);
    kt_response_header(request, "X-Content-Type-Options", "nosniff");
}

static void handle_csv(struct kt_request *request)
{
    const char *what = kt_request_query(request, "what");
    enum kt_rows rows = kt_rows_find(what && *what ? what : kt_rows_name(KT_ROWS_EVENTS));
    TALLOC_CTX *tree = kt_must(kt_work_tree(kt_self_memory()));
    struct writing *writing = kt_must(talloc_zero(tree, struct writing));

    if (rows == KT_ROWS_COUNT) {
        kt_respond_problem(request, 400, "what is events, people, days or series.");
        return;
    }
    *writing = (struct writing){.tree = tree, .look = look_for(request), .rows = rows};
    if (!writing->look)
        return;
    if (kt_work(write_rows, writing) < 0 || writing->result < 0) {
        kt_respond_problem(request, 503, "The server is too busy. Try again in a moment.");
        return;
    }
    add_file_name(request, rows, &writing->look->window);
    kt_respond(request, 200, "text/csv; charset=utf-8", writing->text, writing->size);
}

int kt_range_routes(struct kt_plugin *plugin, struct kt_service *service)
{
    static const struct {
        const char *method, *pattern;
        void (*handler)(struct kt_request *request);
    } routes[] = {
        {"GET", "/range", handle_json},
        {"POST", "/range", handle_json},
        {"GET", "/export", handle_csv},
        {"POST", "/export", handle_csv},
    };
    int result = 0;

    for (size_t index = 0; result == 0 && index < sizeof(routes) / sizeof(*routes); index++)
        result = kt_plugin_route(plugin, routes[index].method, routes[index].pattern,
                                 routes[index].handler, service);
    return result;
}
