/* SPDX-License-Identifier: BSD-2-Clause */
/* The call is copied for the process; the look is the same for all questions. */
#include "question.h"
#include "zone.h"

#include <cjson/cJSON.h>
#include <string.h>

#define QUESTION_BYTES_MAX 4096u

void kt_question_refuse(const struct kt_question *question, int status, const char *detail)
{
    cJSON *problem = cJSON_CreateObject();
    char *text;

    cJSON_AddNumberToObject(problem, "status", status);
    cJSON_AddStringToObject(problem, "detail", detail);
    text = kt_must(cJSON_PrintUnformatted(problem));
    kt_reply(&question->from, (uint32_t)status, text, strlen(text));
    cJSON_free(text);
    cJSON_Delete(problem);
}

static const char *text_of(const cJSON *json, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
}

/** Read the question. @return whether it makes sense; otherwise it has been answered */
static bool parse(const struct kt_question *question, struct kt_look_question *ret_asked)
{
    cJSON *json = cJSON_Parse(question->text);
    const char *user = text_of(json, "user"), *zone = text_of(json, "zone");
    bool has_user = user && *user && (!zone || strlen(zone) <= KT_ZONE_NAME_MAX);
    bool is_good = has_user && kt_look_days(text_of(json, "from"), text_of(json, "to"),
                                            &ret_asked->first_day, &ret_asked->days) == 0;

    if (!is_good)
        kt_question_refuse(question, 400,
                           has_user ? KT_LOOK_DAYS_WRONG : "The question makes no sense.");
    if (is_good) {
        ret_asked->service = question->service;
        ret_asked->user = kt_must(talloc_strdup(question, user));
        ret_asked->zone =
            kt_must(talloc_strdup(question, zone ? zone : question->service->timezone));
    }
    cJSON_Delete(json);
    return is_good;
}

static void answer_main(void *argument)
{
    const struct kt_question *question = argument;
    struct kt_look_question asked = {.user = NULL};
    struct kt_look_refusal refusal;
    struct kt_look *look;

    if (!parse(question, &asked))
        return;
    if (kt_look(&asked, &look, &refusal) < 0)
        kt_question_refuse(question, refusal.status, refusal.text);
    else
        question->answer(question, look);
}

void kt_desk_take(struct kt_desk *desk, const struct kt_message *call)
{
    struct kt_question *question = kt_must(talloc_zero(NULL, struct kt_question));
    uint64_t monitor;

    question->service = desk->service;
    question->from = kt_message_from(call);
    question->answer = desk->answer;
    if (call->type != desk->type || call->size > QUESTION_BYTES_MAX)
        kt_question_refuse(question, 400, "The question makes no sense.");
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
