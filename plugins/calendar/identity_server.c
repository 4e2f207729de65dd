/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who it is takes a look into the store, in a process of its own per question. The counting is a
 * table of one server, so that workers don't add up what they allow; when its worker dies another
 * takes over, with an empty table.
 */
#include "identity_server.h"

#include "identity.h"
#include "limits.h"
#include "mail.h"
#include "session.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <kontor/log.h>
#include <kontor/registry.h>
#include <kontor/request.h>
#include <kontor/server.h>
#include <stdio.h>
#include <string.h>

/** Questions about sessions at once; more are told to come back. */
#define QUESTIONS_MAX 256u
/** A header of cookies, escaped; web servers take at most 8 KiB or so. */
#define QUESTION_BYTES_MAX 65536u
#define CALL_MS 5000
/** All plugins of a worker have started by then. */
#define LOOK_MS 3000

struct question {
    const struct kt_service *service;
    struct kt_from from;
    char *text;
};

struct server {
    const struct kt_service *service;
    struct kt_limits *limits;
    uint32_t running;
};

/* ---------------------------------------------------------------- who it is */

static void answer_main(void *argument)
{
    const struct question *question = argument;
    cJSON *json = cJSON_Parse(question->text);
    const char *cookies = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "cookies"));
    const char *https = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "https"));
    const char *user = "";
    int result = -ENOENT;

    if (cookies)
        result =
            kt_session_look_up(cookies, kt_cookie_is_https(question->service->public_url, https),
                               question->service, &user);
    if (result == 0)
        kt_reply(&question->from, KT_IDENTITY_FOUND, user, strlen(user));
    else
        kt_reply(&question->from, result == -ENOENT ? KT_IDENTITY_NOBODY : KT_IDENTITY_UNKNOWN,
                 NULL, 0);
    cJSON_Delete(json);
}

static void ask_who(struct server *server, const struct kt_message *call)
{
    struct kt_from from = kt_message_from(call);
    struct question *question;
    uint64_t monitor;

    if (call->size <= QUESTION_BYTES_MAX && server->running < QUESTIONS_MAX) {
        question = kt_must(talloc_zero(NULL, struct question));
        question->service = server->service;
        question->from = from;
        question->text = kt_must(talloc_strndup(question, call->data, call->size));
        if (kt_spawn(
                &(struct kt_spawn){.label = "whose session", .give = true, .ret_monitor = &monitor},
                answer_main, question, NULL) == 0) {
            server->running++;
            return;
        }
        talloc_free(question);
    }
    kt_reply(&from, KT_IDENTITY_UNKNOWN, NULL, 0);
}

/* ---------------------------------------------------------------- how often */

static void ask_begin(struct server *server, const struct kt_message *call)
{
    struct kt_from from = kt_message_from(call);
    cJSON *json = cJSON_ParseWithLength(call->data, call->size);
    const char *client = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "client"));
    const char *address = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "address"));
    int64_t pause_ms = kt_limits_begin(server->limits, client ? client : "", address, kt_now_ms());

    kt_reply(&from, KT_IDENTITY_BEGIN, &pause_ms, sizeof(pause_ms));
    cJSON_Delete(json);
}

bool kt_sign_in_may_begin(struct kt_request *request, const char *address)
{
    const char *client = kt_request_param(request, "REMOTE_ADDR");
    cJSON *question = kt_must(cJSON_CreateObject());
    const struct kt_message *reply;
    int64_t pause_ms = 0;
    char *text, after[24];
    int result;

    kt_must(cJSON_AddStringToObject(question, "client", client ? client : ""));
    if (address)
        kt_must(cJSON_AddStringToObject(question, "address", address));
    text = kt_must(cJSON_PrintUnformatted(question));
    result = kt_registry_call(KT_IDENTITY_SERVER, KT_IDENTITY_BEGIN, text, strlen(text), CALL_MS,
                              &reply);
    cJSON_free(text);
    cJSON_Delete(question);
    if (result == 0 && reply->size == sizeof(pause_ms))
        memcpy(&pause_ms, reply->data, sizeof(pause_ms));
    else
        result = result < 0 ? result : -EPROTO;
    if (result == 0 && pause_ms == 0)
        return true;
    if (result == 0) {
        snprintf(after, sizeof(after), "%lld", (long long)(pause_ms + 999) / 1000);
        kt_response_header(request, "Retry-After", after);
        kt_respond_problem(request, 429,
                           "Too many people have asked for this at once, or you have "
                           "asked too often. Try again in a few minutes.");
        return false;
    }
    kt_log_warning("whether somebody may sign in can't be asked: %s", strerror(-result));
    kt_respond_problem(request, 503, "Signing in doesn't work now. Try again in a moment.");
    return false;
}

/* ---------------------------------------------------------------- the server */

/** Own the key of the registry unless another worker does. */
static void take_key(void)
{
    int result = kt_registry_register(&(struct kt_registration){.key = KT_IDENTITY_SERVER}, NULL);

    if (result < 0 && result != -EEXIST)
        kt_log_warning("nobody can sign in: %s", strerror(-result));
}

static int server_init(void *argument, void **ret_state)
{
    struct server *server = kt_must(talloc_zero(kt_self_memory(), struct server));
    uint64_t reference;
    int result = kt_registry_subscribe(KT_IDENTITY_SERVER, &reference);

    if (result < 0)
        return result;
    server->service = argument;
    server->limits = kt_must(kt_limits_new(server));
    take_key();
    if (server->service->sign_in_mail)
        kt_server_timeout(LOOK_MS);
    *ret_state = server;
    return 0;
}

static void server_call(void *state, const struct kt_message *call)
{
    struct kt_from from = kt_message_from(call);

    if (call->type == KT_IDENTITY_WHO)
        ask_who(state, call);
    else if (call->type == KT_IDENTITY_BEGIN)
        ask_begin(state, call);
    else
        kt_reply(&from, KT_IDENTITY_UNKNOWN, NULL, 0);
}

static void server_message(void *state, const struct kt_message *message)
{
    struct server *server = state;

    if (message->type == KT_MESSAGE_DOWN) {
        server->running--;
    } else if (message->type == KT_MESSAGE_REGISTRY) {
        const struct kt_registry_change *change = message->data;

        if (change->event == KT_REGISTRY_LOST ||
            (change->event == KT_REGISTRY_GONE && strcmp(change->key, KT_IDENTITY_SERVER) == 0))
            take_key();
    }
}

/** What the configuration alone can't tell: who is here. */
static void server_timeout(void *state)
{
    const struct server *server = state;

    if (!kt_mail_is_there())
        kt_log_warning("sign_in_mail of [calendar] is on, but the plugin mailer isn't loaded: "
                       "nobody can sign in by mail");
    if (!server->service->secrets)
        kt_log_warning("sign_in_mail of [calendar] is on, but there is no key_file: nobody can "
                       "sign in by mail");
}

static const struct kt_server identity_server = {
    .label = "who people are",
    .init = server_init,
    .handle_call = server_call,
    .handle_message = server_message,
    .handle_timeout = server_timeout,
};

int kt_identity_server_start(struct kt_plugin *plugin, struct kt_service *service)
{
    const struct kt_child child = {.id = "identity",
                                   .restart = KT_PERMANENT,
                                   .server = &identity_server,
                                   .argument = service,
                                   .name = KT_IDENTITY_SERVER};

    return kt_plugin_child(plugin, &child, NULL);
}
