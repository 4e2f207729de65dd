/* SPDX-License-Identifier: BSD-2-Clause */
#include "range.h"
#include "civil.h"
#include "look_request.h"

#include <stdio.h>

/** The days that are asked for. @return false: the request is answered */
static bool read_days(struct kt_request *request, struct kt_look_question *question)
{
    if (kt_look_days(kt_request_query(request, "from"), kt_request_query(request, "to"),
                     &question->first_day, &question->days) == 0)
        return true;
    kt_respond_problem(request, 400, "%s", KT_LOOK_DAYS_WRONG);
    return false;
}

static void handle_json(struct kt_request *request)
{
    struct kt_look_question question = kt_look_ask(kt_request_context(request));
    const struct kt_look *look =
        read_days(request, &question) ? kt_look_for_request(request, &question) : NULL;

    if (look)
        kt_respond(request, 200, "application/json", look->text, look->size);
}

/** On any thread. */
static int write_csv(struct kt_look *look, const struct kt_look_question *question)
{
    return kt_rows_csv(look->tree, question->rows, &look->breakdown, &look->window, &look->text,
                       &look->size);
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
    struct kt_look_question question = kt_look_ask(kt_request_context(request));
    const char *what = kt_request_query(request, "what");
    const struct kt_look *look;

    question.rows = kt_rows_find(what && *what ? what : kt_rows_name(KT_ROWS_EVENTS));
    question.write = write_csv;
    if (question.rows == KT_ROWS_COUNT) {
        kt_respond_problem(request, 400, "what is events, people, days or series.");
        return;
    }
    look = read_days(request, &question) ? kt_look_for_request(request, &question) : NULL;
    if (!look)
        return;
    add_file_name(request, question.rows, &look->window);
    kt_respond(request, 200, "text/csv; charset=utf-8", look->text, look->size);
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
