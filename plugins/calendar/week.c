/* SPDX-License-Identifier: BSD-2-Clause */
#include "week.h"
#include "look_request.h"

#include <string.h>

/** @return whether the date, if one is given, is good; otherwise the request has been answered */
static bool read_date(struct kt_request *request, struct kt_look_question *question)
{
    const char *date = kt_request_query(request, "date");

    question->first_day = KT_LOOK_TODAY;
    if (!date || !*date || kt_look_day(date, &question->first_day) == 0)
        return true;
    kt_respond_problem(request, 400,
                       "“%s” is not a date that can be shown. Write it as YYYY-MM-DD, in the years "
                       "1900 to 2199, such as 2026-11-16.",
                       kt_look_presentable(date));
    return false;
}

/** @return whether the first day of the week is good; otherwise the request has been answered */
static bool read_week_start(struct kt_request *request, struct kt_look_question *question)
{
    const char *day = kt_request_query(request, "week_start");

    if (!day || !*day)
        return true;
    question->week_start = strcmp(day, "sunday") == 0 ? 6 : 0;
    if (question->week_start == 6 || strcmp(day, "monday") == 0)
        return true;
    kt_respond_problem(request, 400, "Weeks begin on “monday” or “sunday”.");
    return false;
}

void kt_week_handle(struct kt_request *request)
{
    struct kt_look_question question = kt_look_ask(kt_request_context(request));
    const struct kt_look *look;

    if (!read_date(request, &question) || !read_week_start(request, &question))
        return;
    if (kt_look_is_wanted(request, "compare"))
        question.weeks_before = KT_COMPARED_WEEKS;
    look = kt_look_for_request(request, &question);
    if (look)
        kt_respond(request, 200, "application/json", look->text, look->size);
}
