/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Word of changes: the registry tells a worker once, the worker tells its processes. A process that
 * does not take its messages misses some, and is told that it did.
 */
#include "registry/client_private.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define PATIENCE_MS 10000
#define client kt_registry_client

/** Hangs on the memory of the process that subscribed. */
struct subscription {
    uint32_t number;
    kt_pid pid;
    bool has_lost;
    size_t prefix_bytes;
    char prefix[];
};

static struct {
    struct kt_subscriptions prefixes; /**< by number of the subscription */
    struct kt_map by_number;
    uint32_t last_number;
    uint32_t losers; /**< subscriptions that have lost something */
} changes;

/* ---------------------------------------------------------------- subscribing */

static void tell_registry(const struct subscription *subscription)
{
    const struct kt_frame_key key = {(uint32_t)subscription->prefix_bytes};
    const struct kt_frame head = {.kind = KT_FRAME_UNSUBSCRIBE};
    char *body = kt_client_add(&head, sizeof key + key.key_bytes, -1);
    if (!body)
        return;
    memcpy(body, &key, sizeof key);
    memcpy(body + sizeof key, subscription->prefix, key.key_bytes);
}

static int end_subscription(struct subscription *subscription)
{
    kt_map_take(&changes.by_number, subscription->number);
    kt_subscriptions_remove(&changes.prefixes, subscription->number, subscription->prefix,
                            subscription->prefix_bytes);
    changes.losers -= subscription->has_lost;
    if (!kt_subscriptions_has(&changes.prefixes, subscription->prefix, subscription->prefix_bytes))
        tell_registry(subscription);
    return 0;
}

/** Ask the registry to tell this worker. @return what it says */
static int ask(const struct subscription *subscription)
{
    const struct kt_frame_key key = {(uint32_t)subscription->prefix_bytes};
    struct kt_from from = kt_call_begin();
    const struct kt_frame head = {
        .kind = KT_FRAME_SUBSCRIBE, .pid = from.pid, .reference = from.reference};
    char *body = kt_client_add(&head, sizeof key + key.key_bytes, -1);
    if (!body)
        return client.wire ? -ENOMEM : -ENOTCONN;
    memcpy(body, &key, sizeof key);
    memcpy(body + sizeof key, subscription->prefix, key.key_bytes);
    kt_wait_reason(KT_REASON_REGISTRY);
    return kt_call_wait(&from, PATIENCE_MS, NULL);
}

int kt_registry_subscribe(const char *prefix, uint64_t *ret_reference)
{
    size_t bytes = strlen(prefix);
    if (bytes > KT_REGISTRY_KEY_MAX)
        return -EINVAL;
    if (!client.wire)
        return -ENOTCONN;
    struct subscription *subscription =
        talloc_zero_size(kt_self_memory(), sizeof *subscription + bytes);
    if (!subscription)
        return -ENOMEM;
    talloc_set_name_const(subscription, "struct subscription");
    do
        subscription->number = ++changes.last_number;
    while (subscription->number == 0 || kt_map_get(&changes.by_number, subscription->number));
    subscription->pid = kt_self();
    subscription->prefix_bytes = bytes;
    memcpy(subscription->prefix, prefix, bytes);
    int result = kt_subscriptions_add(&changes.prefixes, subscription->number, prefix, bytes);
    if (result < 0) {
        talloc_free(subscription);
        return result;
    }
    result = kt_map_put(&changes.by_number, subscription->number, subscription);
    talloc_set_destructor(subscription, end_subscription);
    if (result == 0)
        result = ask(subscription);
    if (result < 0)
        talloc_free(subscription);
    else
        *ret_reference = subscription->number;
    return result;
}

void kt_registry_unsubscribe(uint64_t reference)
{
    struct subscription *subscription =
        reference != 0 ? kt_map_get(&changes.by_number, reference) : NULL;
    if (subscription && subscription->pid == kt_self())
        talloc_free(subscription);
}

/* ---------------------------------------------------------------- telling */

static void set_lost(struct subscription *subscription, bool has_lost)
{
    changes.losers += (uint32_t)has_lost - (uint32_t)subscription->has_lost;
    subscription->has_lost = has_lost;
}

/** Tell a process that it has missed something. @return whether it could be told */
static bool tell_lost(struct subscription *subscription)
{
    const struct kt_registry_change lost = {.event = KT_REGISTRY_LOST,
                                            .reference = subscription->number};
    set_lost(subscription, kt_send_system(subscription->pid, KT_MESSAGE_REGISTRY, &lost,
                                          offsetof(struct kt_registry_change, key) + 1) < 0);
    return !subscription->has_lost;
}

static void tell(uint32_t number, void *argument)
{
    struct kt_registry_change *change = argument;
    struct subscription *subscription = kt_map_get(&changes.by_number, number);
    change->reference = number;
    if (subscription->has_lost && !tell_lost(subscription))
        return;
    if (kt_send_system(subscription->pid, KT_MESSAGE_REGISTRY, change,
                       offsetof(struct kt_registry_change, key) + strlen(change->key) + 1) < 0)
        set_lost(subscription, true);
}

void kt_client_take_change(const struct kt_frame *frame)
{
    struct kt_frame_change head;
    struct kt_registry_change change;
    memcpy(&head, kt_frame_body(frame), sizeof head);
    if (head.event == KT_REGISTRY_LOST) {
        for (size_t i = 0; i < changes.by_number.capacity; i++)
            if (changes.by_number.slots[i].key != 0)
                tell_lost(changes.by_number.slots[i].value);
        return;
    }
    change.event = (enum kt_registry_event)head.event;
    change.version = head.version;
    change.owner = head.owner;
    memcpy(change.key, (const char *)kt_frame_body(frame) + sizeof head, head.key_bytes);
    change.key[head.key_bytes] = '\0';
    kt_subscriptions_match(&changes.prefixes, change.key, head.key_bytes, tell, &change);
}

void kt_client_retry_lost(void)
{
    for (size_t i = 0; changes.losers > 0 && i < changes.by_number.capacity; i++) {
        struct subscription *subscription = changes.by_number.slots[i].value;
        if (changes.by_number.slots[i].key != 0 && subscription->has_lost)
            tell_lost(subscription);
    }
}
