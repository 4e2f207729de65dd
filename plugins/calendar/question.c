/* SPDX-License-Identifier: BSD-2-Clause */
/* The call is copied for the process; the look is the same for all questions. */
#include "question.h"
#include "zone.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

#define QUESTION_BYTES_MAX 4096u
#define NONSENSE "The question makes no sense."
/** More than any list has. */
#define LISTED_MAX 1e6

static void refuse(const struct kt_question *question, int status, const char *detail,
                   enum kt_trouble trouble)
{
    cJSON *problem = cJSON_CreateObject();
    char *text;

    cJSON_AddNumberToObject(problem, "status", status);
    cJSON_AddStringToObject(problem, "detail", detail);
    if (trouble != KT_TROUBLE_NONE)
        cJSON_AddStringToObject(problem, "trouble", kt_trouble_name(trouble));
    text = kt_must(cJSON_PrintUnformatted(problem));
    kt_reply(&question->from, (uint32_t)status, text, strlen(text));
    cJSON_free(text);
    cJSON_Delete(problem);
}

void kt_question_refuse(const struct kt_question *question, int status, const char *detail)
{
    refuse(question, status, detail, KT_TROUBLE_NONE);
}

static const char *text_of(const cJSON *json, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
}

/** A number that may be missing. @return whether it is a whole one up to a bound */
static bool take_number(const cJSON *json, const char *name, double most, double *number)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

    if (!item)
        return true;
    *number = item->valuedouble;
    return cJSON_IsNumber(item) && *number >= 0 && *number <= most && floor(*number) >= *number;
}

/** What may be missing. @return whether it makes sense */
static bool take_wishes(const cJSON *json, struct kt_look_question *asked)
{
    double weeks = 0, listed = LISTED_MAX;

    if (!take_number(json, "weeks_before", KT_COMPARED_WEEKS, &weeks) ||
        !take_number(json, "listed", LISTED_MAX, &listed) ||
        (weeks > 0 && asked->days != KT_LOOK_WEEK_DAYS))
        return false;
    asked->weeks_before = (uint32_t)weeks;
    asked->is_brief = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "brief"));
    if ((size_t)listed < asked->events_max)
        asked->events_max = (size_t)listed;
    if ((size_t)listed < asked->people_max)
        asked->people_max = (size_t)listed;
    return true;
}

/** @return what is wrong with it, or NULL: nothing */
static const char *take(const struct kt_question *question, const cJSON *json,
                        struct kt_look_question *asked)
{
    const char *user = text_of(json, "user"), *zone = text_of(json, "zone");

    if (!user || !*user || (zone && strlen(zone) > KT_ZONE_NAME_MAX))
        return NONSENSE;
    if (kt_look_days(text_of(json, "from"), text_of(json, "to"), &asked->first_day, &asked->days) <
        0)
        return KT_LOOK_DAYS_WRONG;
    asked->user = kt_must(talloc_strdup(question, user));
    asked->zone = zone ? kt_must(talloc_strdup(question, zone)) : NULL;
    return take_wishes(json, asked) ? NULL : NONSENSE;
}

static void answer_main(void *argument)
{
    const struct kt_question *question = argument;
    struct kt_look_question asked = kt_look_ask(question->desk.service);
    struct kt_look_refusal refusal;
    struct kt_look *look;
    cJSON *json = cJSON_Parse(question->text);
    const char *wrong = take(question, json, &asked);

    cJSON_Delete(json);
    asked.write = question->desk.write;
    if (wrong)
        kt_question_refuse(question, 400, wrong);
    else if (kt_look(&asked, &look, &refusal) < 0)
        refuse(question, refusal.status, refusal.text, refusal.trouble);
    else
        question->desk.answer(question, look);
}

void kt_desk_take(struct kt_desk *desk, const struct kt_message *call)
{
    struct kt_question *question = kt_must(talloc_zero(NULL, struct kt_question));
    uint64_t monitor;

    question->desk = *desk;
    question->from = kt_message_from(call);
    if (call->type != desk->type || call->size > QUESTION_BYTES_MAX)
        kt_question_refuse(question, 400, NONSENSE);
    else if (desk->running >= desk->max)
        kt_question_refuse(question, 503, "Too many questions at once.");
    else {
        question->text = kt_must(talloc_strndup(question, call->data, call->size));
        if (kt_spawn(
                &(struct kt_spawn){.label = desk->label, .give = true, .ret_monitor = &monitor},
                answer_main, question, NULL) == 0) {
            desk->running++;
            return;
        }
        kt_question_refuse(question, 503, "The server is too busy. Try again in a moment.");
    }
    talloc_free(question);
}

void kt_desk_end(struct kt_desk *desk)
{
    desk->running--;
}
