/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers are JSON; what takes long is done, and answered, by a process of its own. */
#include "operator.h"
#include "delivery.h"
#include "gate.h"
#include "house.h"

#include <errno.h>
#include <kontor/log.h>
#include <kontor/plugin.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SEND "send "

/** After the sleepers were looked at, so many times as long as that took they are not looked at
 * again: a page that asks every few seconds costs a thousandth of the worker's time at most. */
#define PAUSE_FACTOR 1000

/** The server's state. */
struct door {
    const struct kt_mailer *mailer;
    int64_t next_wake_ms, next_look_ns; /**< the latter of the monotonic clock */
};

/** A mail that is to be sent now. A talloc chunk that belongs to its process. */
struct order {
    const struct kt_mailer *mailer;
    struct kt_from from;
    char *user;
};

static void reply(const struct kt_from *to, cJSON *object)
{
    char *text = kt_must(cJSON_PrintUnformatted(object));

    kt_reply(to, KT_PLUGIN_CONTROL, text, strlen(text));
    cJSON_free(text);
    cJSON_Delete(object);
}

static void reply_result(const struct kt_from *to, const char *trouble)
{
    cJSON *object = cJSON_CreateObject();

    cJSON_AddBoolToObject(object, "ok", !trouble);
    if (trouble)
        cJSON_AddStringToObject(object, "error", trouble);
    reply(to, object);
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t next_wake(struct door *door)
{
    int64_t now_ns = clock_ns(CLOCK_MONOTONIC), began_ns, took_ns;

    if (now_ns < door->next_look_ns)
        return door->next_wake_ms;
    began_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID); /* that others had the processor doesn't count */
    door->next_wake_ms = kt_house_next_wake(door->mailer->house);
    took_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - began_ns;
    door->next_look_ns = now_ns + took_ns * PAUSE_FACTOR;
    return door->next_wake_ms;
}

static void reply_status(const struct kt_from *to, struct door *door)
{
    const struct kt_mailer *mailer = door->mailer;
    cJSON *object = cJSON_CreateObject();
    struct kt_house_counts house;
    struct kt_post_counts post;
    uint32_t waiting, inside;

    kt_house_counts(mailer->house, &house);
    kt_post_counts(mailer->post, &post);
    kt_gate_counts(mailer->gate, &waiting, &inside);
    cJSON_AddNumberToObject(object, "slot", house.slot);
    cJSON_AddNumberToObject(object, "sleepers", (double)house.sleepers);
    cJSON_AddNumberToObject(object, "next_wake_ms", (double)next_wake(door));
    cJSON_AddNumberToObject(object, "started_ms", (double)house.started_ms);
    cJSON_AddNumberToObject(object, "waiting", waiting);
    cJSON_AddNumberToObject(object, "sending", inside);
    cJSON_AddNumberToObject(object, "sent", (double)house.sent);
    cJSON_AddNumberToObject(object, "failed", (double)house.failed);
    cJSON_AddNumberToObject(object, "skipped", (double)house.skipped);
    cJSON_AddNumberToObject(object, "tried_again", (double)house.tried_again);
    cJSON_AddNumberToObject(object, "connections", (double)post.connections);
    reply(to, object);
}

static void order_main(void *argument)
{
    const struct order *order = argument;
    const struct kt_mailer *mailer = order->mailer;
    struct kt_settings settings;
    struct kt_post_outcome outcome;
    struct kt_schedule schedule;
    struct kt_zone *zone;
    struct kt_due due;
    char *message_id;
    int result = kt_settings_read(order->user, &settings);

    if (result == -ENOENT || (result == 0 && !settings.is_verified)) {
        reply_result(&order->from, "this user has no confirmed address");
        return;
    }
    if (result == 0)
        result = kt_zone_open(kt_self_memory(), settings.zone, &zone);
    if (result < 0) {
        reply_result(&order->from, "the settings can't be read now");
        return;
    }
    schedule = (struct kt_schedule){zone, settings.weekday, settings.hour};
    due = kt_schedule_after(&schedule, kt_unix_ms() / 1000);
    message_id = kt_must(talloc_asprintf(kt_self_memory(), "now.%08x%08x@%s", randombytes_random(),
                                         randombytes_random(), mailer->domain));
    kt_delivery_week(mailer, order->user, &settings, &due, message_id, KT_DELIVERY_NOW, &outcome);
    reply_result(&order->from, outcome.fate == KT_POST_SENT ? NULL : outcome.text);
}

static void send_to(const struct kt_mailer *mailer, const struct kt_message *call, const char *user,
                    size_t size)
{
    struct order *order = kt_must(talloc_zero(NULL, struct order));

    order->mailer = mailer;
    order->from = kt_message_from(call);
    order->user = kt_must(talloc_strndup(order, user, size));
    if (!kt_settings_user_is_good(order->user))
        reply_result(&order->from, "there can be no such user");
    else if (kt_spawn(&(struct kt_spawn){.label = "mail by hand", .give = true}, order_main, order,
                      NULL) == 0)
        return;
    else
        reply_result(&order->from, "there is no room for another process");
    talloc_free(order);
}

static int operator_init(void *argument, void **ret_state)
{
    struct door *door = kt_must(talloc_zero(kt_self_memory(), struct door));

    door->mailer = argument;
    *ret_state = door;
    return 0;
}

static void operator_call(void *state, const struct kt_message *call)
{
    struct door *door = state;
    struct kt_from from = kt_message_from(call);
    const char *words = call->data;
    size_t prefix = strlen(SEND);

    if (call->size == strlen("status") && memcmp(words, "status", call->size) == 0)
        reply_status(&from, door);
    else if (call->size > prefix && memcmp(words, SEND, prefix) == 0)
        send_to(door->mailer, call, words + prefix, call->size - prefix);
    else
        reply_result(&from, "unknown question");
}

static const struct kt_server operator_server = {
    .label = "kontorctl's door to the mailer",
    .init = operator_init,
    .handle_call = operator_call,
};

struct kt_child kt_operator_child(struct kt_mailer *mailer)
{
    return (struct kt_child){.id = "control",
                             .restart = KT_PERMANENT,
                             .server = &operator_server,
                             .argument = mailer,
                             .name = "mailer" KT_PLUGIN_CONTROL_SUFFIX};
}
