/* SPDX-License-Identifier: BSD-2-Clause */
/* The server only takes questions; a process of its own answers each, for mail servers are slow. */
#include "desk.h"

#include "delivery.h"
#include "house.h"
#include "mailer.h"
#include "settings.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <kontor/log.h>
#include <kontor/server.h>
#include <string.h>

/** Questions at once; more are told to come back. */
#define QUESTIONS_MAX 256u
#define QUESTION_BYTES_MAX 4096u

/** One question. A talloc chunk that belongs to its process. */
struct question {
    const struct kt_mailer *mailer;
    struct kt_from from;
    uint32_t type;
    char *text;
};

struct desk {
    const struct kt_mailer *mailer;
    uint32_t running;
};

static const char *text_of(const cJSON *json, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));

    return text ? text : "";
}

static uint32_t send_sign_in(const struct kt_mailer *mailer, const cJSON *json)
{
    const char *to = text_of(json, "to"), *link = text_of(json, "link");
    const cJSON *minutes = cJSON_GetObjectItemCaseSensitive(json, "minutes");
    struct kt_post_outcome outcome;

    if (!kt_mail_address_is_good(to) || !*link || !cJSON_IsNumber(minutes))
        return KT_DESK_REFUSED;
    kt_delivery_sign_in(mailer, to, link, minutes->valueint, &outcome);
    if (outcome.fate == KT_POST_SENT)
        return KT_DESK_DONE;
    kt_log_warning("a link to sign in could not be sent: %s", outcome.text);
    return outcome.fate == KT_POST_LATER ? KT_DESK_LATER : KT_DESK_REFUSED;
}

/** Settings first, so that no sleeper starts again; then whoever sleeps; then what was sent. */
static uint32_t forget(const char *user)
{
    int result;

    if (!kt_settings_user_is_good(user))
        return KT_DESK_DONE; /* there can't be anything */
    result = kt_settings_delete(user);
    if (result == 0) {
        kt_house_tell(user);
        result = kt_ledger_delete(user);
    }
    if (result == 0)
        return KT_DESK_DONE;
    kt_log_warning("a person can't be forgotten: %s", strerror(-result));
    return KT_DESK_LATER;
}

static void answer_main(void *argument)
{
    const struct question *question = argument;
    cJSON *json = cJSON_Parse(question->text);
    uint32_t status = KT_DESK_REFUSED;

    if (question->type == KT_DESK_SIGN_IN)
        status = send_sign_in(question->mailer, json);
    else if (question->type == KT_DESK_FORGET)
        status = forget(text_of(json, "user"));
    cJSON_Delete(json);
    kt_reply(&question->from, status, NULL, 0);
}

static int desk_init(void *argument, void **ret_state)
{
    struct desk *desk = kt_must(talloc_zero(kt_self_memory(), struct desk));

    desk->mailer = argument;
    *ret_state = desk;
    return 0;
}

static void desk_call(void *state, const struct kt_message *call)
{
    struct kt_from from = kt_message_from(call);
    struct desk *desk = state;
    struct question *question;
    uint64_t monitor;

    if (call->size > QUESTION_BYTES_MAX || desk->running >= QUESTIONS_MAX) {
        kt_reply(&from, call->size > QUESTION_BYTES_MAX ? KT_DESK_REFUSED : KT_DESK_LATER, NULL, 0);
        return;
    }
    question = kt_must(talloc_zero(NULL, struct question));
    question->mailer = desk->mailer;
    question->from = from;
    question->type = call->type;
    question->text = kt_must(talloc_strndup(question, call->data, call->size));
    if (kt_spawn(&(struct kt_spawn){.label = "desk of the mailer",
                                    .give = true,
                                    .ret_monitor = &monitor},
                 answer_main, question, NULL) == 0) {
        desk->running++;
        return;
    }
    talloc_free(question);
    kt_reply(&from, KT_DESK_LATER, NULL, 0);
}

static void desk_message(void *state, const struct kt_message *message)
{
    struct desk *desk = state;

    desk->running -= message->type == KT_MESSAGE_DOWN;
}

static const struct kt_server desk_server = {
    .label = "desk of the mailer",
    .init = desk_init,
    .handle_call = desk_call,
    .handle_message = desk_message,
};

struct kt_child kt_desk_child(struct kt_mailer *mailer)
{
    return (struct kt_child){.id = "desk",
                             .restart = KT_PERMANENT,
                             .server = &desk_server,
                             .argument = mailer,
                             .name = KT_DESK_SERVER};
}
