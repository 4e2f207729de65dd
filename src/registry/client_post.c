/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages to owners of keys. Another worker's call is made here by a process that stands for the
 * caller: so a callee that ends, a full mailbox and a time-out are what they are for any call.
 */
#include "registry/client_private.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/** While so much waits to be sent to the registry, nothing is added. */
#define WAITING_MAX ((size_t)16 << 20)

#define client kt_registry_client

/* ---------------------------------------------------------------- out of this worker */

/** Who owns a key. @return 0, -ENOENT, -EINVAL, -ENOTCONN */
static int find_owner(const char *key, kt_pid *ret_owner)
{
    struct kt_registry_entry entry;
    int result = kt_registry_lookup(key, &entry);
    if (result == 0 && entry.owner == KT_PID_NONE)
        result = -ENOENT;
    *ret_owner = result == 0 ? entry.owner : KT_PID_NONE;
    return result;
}

static bool is_here(kt_pid pid)
{
    return kt_pid_node(pid) == kt_pid_node(kt_self());
}

/** Add a message for the owner of a key. @return 0, -EMSGSIZE, -EINVAL, -ENOBUFS, -ENOMEM */
static int add_message(const struct kt_frame *head, const char *key, uint32_t type,
                       const void *data, size_t size, int64_t timeout_ms)
{
    if (size > KT_MESSAGE_SIZE_MAX)
        return -EMSGSIZE;
    if (type >= KT_MESSAGE_SYSTEM)
        return -EINVAL;
    if (kt_wire_waiting(client.wire) > WAITING_MAX)
        return -ENOBUFS;
    struct kt_frame frame = *head;
    const struct kt_frame_message message = {timeout_ms, type, (uint16_t)strlen(key), 0};
    frame.size = (uint32_t)size;
    char *body = kt_client_add(&frame, sizeof message + message.key_bytes + size, -1);
    if (!body)
        return -ENOMEM;
    memcpy(body, &message, sizeof message);
    memcpy(body + sizeof message, key, message.key_bytes);
    if (size)
        memcpy(body + sizeof message + message.key_bytes, data, size);
    return 0;
}

int kt_registry_send(const char *key, uint32_t type, const void *data, size_t size)
{
    kt_pid owner;
    const struct kt_frame head = {.kind = KT_FRAME_SEND};
    int result = find_owner(key, &owner);
    if (result < 0)
        return result;
    return is_here(owner) ? kt_send(owner, type, data, size)
                          : add_message(&head, key, type, data, size, 0);
}

/** Hangs on the memory of a process that waits for another worker. */
struct outgoing {
    uint64_t reference;
};

static int cancel(struct outgoing *outgoing)
{
    const struct kt_frame head = {.kind = KT_FRAME_CANCEL, .reference = outgoing->reference};
    kt_client_add(&head, 0, -1);
    return 0;
}

int kt_registry_call(const char *key, uint32_t type, const void *data, size_t size,
                     int64_t timeout_ms, const struct kt_message **ret_reply)
{
    kt_pid owner;
    int result = find_owner(key, &owner);
    if (result < 0)
        return result;
    if (is_here(owner))
        return kt_call(owner, type, data, size, timeout_ms, ret_reply);
    struct outgoing *outgoing = talloc(kt_self_memory(), struct outgoing);
    if (!outgoing)
        return -ENOMEM;
    struct kt_from from = kt_call_begin();
    const struct kt_frame head = {
        .kind = KT_FRAME_CALL, .pid = from.pid, .reference = from.reference};
    result = add_message(&head, key, type, data, size, timeout_ms);
    if (result == 0) {
        outgoing->reference = from.reference;
        talloc_set_destructor(outgoing, cancel);
        result = kt_call_wait(&from, timeout_ms, ret_reply);
        if (result != -ETIMEDOUT && result != -ECANCELED)
            talloc_set_destructor(outgoing, NULL);
    }
    talloc_free(outgoing);
    return result;
}

/* ---------------------------------------------------------------- into this worker */

/** Another worker's call, on the memory of the process that makes it here. */
struct incoming {
    uint64_t number;
    bool is_done; /**< the registry knows, or does not want to know any more */
    kt_pid process, callee;
    uint32_t type, size;
    int64_t timeout_ms;
    char data[];
};

static void give_back(struct incoming *incoming, int result, const struct kt_message *reply)
{
    const uint32_t size = result == 0 ? reply->size : 0;
    const struct kt_frame head = {
        .kind = KT_FRAME_RETURN, .result = result, .size = size, .reference = incoming->number};
    const struct kt_frame_message message = {.type = result == 0 ? reply->type : 0};
    incoming->is_done = true;
    char *body = kt_client_add(&head, sizeof message + size, -1);
    if (!body)
        return;
    memcpy(body, &message, sizeof message);
    if (size)
        memcpy(body + sizeof message, reply->data, size);
}

static int end_incoming(struct incoming *incoming)
{
    kt_map_take(&client.calls, incoming->number);
    if (!incoming->is_done)
        give_back(incoming, -EOWNERDEAD, NULL);
    return 0;
}

static void make_call(void *argument)
{
    struct incoming *incoming = argument;
    const struct kt_message *reply = NULL;
    int result = kt_call(incoming->callee, incoming->type, incoming->data, incoming->size,
                         incoming->timeout_ms, &reply);
    give_back(incoming, result, reply);
}

static void take_call(const struct kt_frame *frame, const struct kt_frame_message *message)
{
    static const struct kt_spawn options = {.label = "call from another worker", .give = true};
    struct incoming *incoming = talloc_zero_size(NULL, sizeof *incoming + frame->size);
    if (!incoming)
        return; /* the caller's time-out tells it */
    talloc_set_name_const(incoming, "struct incoming");
    *incoming = (struct incoming){
        .number = frame->reference,
        .callee = frame->pid,
        .type = message->type,
        .size = frame->size,
        .timeout_ms = message->timeout_ms,
    };
    memcpy(incoming->data, message + 1, frame->size);
    talloc_set_destructor(incoming, end_incoming);
    int result = kt_spawn(&options, make_call, incoming, &incoming->process);
    if (result == 0) {
        /* without a place in the map it can't be withdrawn, and runs into its time-out */
        kt_map_put(&client.calls, incoming->number, incoming);
        return;
    }
    give_back(incoming, result, NULL);
    talloc_free(incoming);
}

void kt_client_take_post(const struct kt_frame *frame)
{
    const struct kt_frame_message *message = kt_frame_body(frame);
    const struct kt_from from = {frame->pid, frame->reference};
    struct incoming *incoming;
    switch (frame->kind) {
    case KT_FRAME_RESULT:
        if (frame->result < 0)
            kt_call_fail(&from, frame->result);
        else if (kt_reply(&from, message->type, message + 1, frame->size) < 0)
            kt_call_fail(&from, -ENOMEM);
        break;
    case KT_FRAME_DELIVER:
        if (frame->reference != 0)
            take_call(frame, message);
        else
            kt_send(frame->pid, message->type, message + 1, frame->size);
        break;
    case KT_FRAME_WITHDRAW:
        incoming = kt_map_get(&client.calls, frame->reference);
        if (incoming) {
            incoming->is_done = true;
            kt_signal(incoming->process, KT_EXIT_KILL, "its caller does not wait any more");
        }
        break;
    default:
        break;
    }
}
