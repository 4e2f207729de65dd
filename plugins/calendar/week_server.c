/* SPDX-License-Identifier: BSD-2-Clause */
/* Seven days are what weeks are made for; any others that fit into a message are as good. */
#include "week_server.h"
#include "question.h"

#include <errno.h>
#include <kontor/log.h>
#include <kontor/registry.h>
#include <string.h>

#define QUESTIONS_MAX 64u

/** A week that is too large for a message goes without its lists of events. On any thread. */
static int write_week(struct kt_look *look, const struct kt_look_question *asked)
{
    struct kt_look_question bounded = *asked;
    int result;

    bounded.size_max = KT_MESSAGE_SIZE_MAX;
    result = kt_look_write_json(look, &bounded);
    bounded.events_max = 0;
    return result == -EMSGSIZE ? kt_look_write_json(look, &bounded) : result;
}

static void answer(const struct kt_question *question, const struct kt_look *look)
{
    if (kt_reply(&question->from, 200, look->text, look->size) < 0)
        kt_question_refuse(question, 503, "The server is too busy. Try again in a moment.");
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
    struct kt_desk *desk = kt_must(talloc_zero(kt_self_memory(), struct kt_desk));
    uint64_t reference;
    int result = kt_registry_subscribe(KT_WEEK_SERVER, &reference);

    if (result < 0)
        return result;
    *desk = (struct kt_desk){.service = argument,
                             .type = KT_WEEK_ASK,
                             .max = QUESTIONS_MAX,
                             .label = "week for a plugin",
                             .write = write_week,
                             .answer = answer};
    take_key();
    *ret_state = desk;
    return 0;
}

static void server_call(void *state, const struct kt_message *call)
{
    kt_desk_take(state, call);
}

static void server_message(void *state, const struct kt_message *message)
{
    if (message->type == KT_MESSAGE_DOWN) {
        kt_desk_end(state);
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
