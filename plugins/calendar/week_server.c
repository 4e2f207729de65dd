/* SPDX-License-Identifier: BSD-2-Clause */
/* Seven days are what weeks are made for; any others that fit into a message are as good. */
#include "week_server.h"
#include "question.h"
#include "week_json.h"
#include "work_tree.h"

#include <errno.h>
#include <kontor/log.h>
#include <kontor/registry.h>
#include <string.h>

#define QUESTIONS_MAX 64u

/** What is done on the thread pool, with a tree of its own. */
struct writing {
    TALLOC_CTX *tree;
    const struct kt_service *service;
    const struct kt_look *look;
    char *text; /* JSON */
    size_t size;
    int result;
};

/** A week that is too large for a message goes without its lists of events. */
static void write_week(void *argument)
{
    struct writing *writing = argument;
    const struct kt_service *service = writing->service;
    struct kt_week week = {.window = &writing->look->window,
                           .breakdown = &writing->look->breakdown,
                           .warnings = &writing->look->warnings,
                           .week_start = service->week_start,
                           .today = writing->look->today,
                           .events_max = service->events_listed_max,
                           .people_max = service->people_listed_max};

    writing->result =
        kt_week_json(writing->tree, &week, KT_MESSAGE_SIZE_MAX, &writing->text, &writing->size);
    if (writing->result != -EMSGSIZE)
        return;
    week.events_max = 0;
    writing->result =
        kt_week_json(writing->tree, &week, KT_MESSAGE_SIZE_MAX, &writing->text, &writing->size);
}

static void answer(const struct kt_question *question, const struct kt_look *look)
{
    TALLOC_CTX *tree = kt_must(kt_work_tree(kt_self_memory()));
    struct writing *writing = kt_must(talloc_zero(tree, struct writing));

    *writing = (struct writing){.tree = tree, .service = question->service, .look = look};
    if (kt_work(write_week, writing) < 0 || writing->result == -ENOMEM)
        kt_question_refuse(question, 503, "The server is too busy.");
    else if (writing->result < 0 ||
             kt_reply(&question->from, 200, writing->text, writing->size) < 0)
        kt_question_refuse(question, 500, "The week is too large.");
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
