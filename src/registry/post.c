/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A call on its way is noted by caller and callee, so that either side's death reaches the other.
 * Its number is the caller's reference with the caller's node above it: both sides can tell it.
 */
#include "registry/post.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** Calls on their way between workers. */
#define CALLS_MAX 65536u
/** References are counted from 1 by each worker; what they never reach is the node's. */
#define NODE_SHIFT 54

struct call {
    kt_pid caller;
    uint64_t reference;
    uint32_t callee_node;
};

static uint64_t number_of(uint32_t node, uint64_t reference)
{
    return (uint64_t)node << NODE_SHIFT | reference;
}

/** Tell a caller how its call went, with a message or without. */
static void give_result(struct kt_registry_process *registry, const struct call *call, int result,
                        const struct kt_frame_message *message, const void *data, uint32_t size)
{
    struct kt_connection_to_worker *worker = registry->workers[kt_pid_node(call->caller)];
    const struct kt_frame_message none = {0};
    const struct kt_frame head = {
        .kind = KT_FRAME_RESULT,
        .result = result,
        .size = size,
        .pid = call->caller,
        .reference = call->reference,
    };
    char *at = worker ? kt_registry_add(worker, &head, sizeof none + size, -1) : NULL;
    if (!at)
        return;
    memcpy(at, message ? message : &none, sizeof none);
    if (size)
        memcpy(at + sizeof none, data, size);
}

/** Send a message on to the worker of its receiver. @return 0, -ENOENT, -ENOBUFS */
static int deliver(struct kt_registry_process *registry, const struct kt_frame *frame,
                   const struct kt_frame_message *message, const char *key, uint64_t number,
                   uint32_t *ret_node)
{
    const struct kt_cell *cell = kt_book_find(&registry->book, key, message->key_bytes);
    if (!cell || cell->owner == KT_PID_NONE)
        return -ENOENT;
    *ret_node = kt_pid_node(cell->owner);
    struct kt_connection_to_worker *to = registry->workers[*ret_node];
    if (!to || to->is_broken)
        return -ENOENT;
    if (kt_wire_waiting(to->wire) > KT_POST_WAITING_MAX)
        return -ENOBUFS;
    const struct kt_frame head = {
        .kind = KT_FRAME_DELIVER,
        .size = frame->size,
        .pid = cell->owner,
        .reference = number,
    };
    const struct kt_frame_message onward = {message->timeout_ms, message->type, 0, 0};
    char *at = kt_registry_add(to, &head, sizeof onward + frame->size, -1);
    if (!at)
        return -ENOBUFS;
    memcpy(at, &onward, sizeof onward);
    memcpy(at + sizeof onward, key + message->key_bytes, frame->size);
    return 0;
}

static int take_call(struct kt_registry_process *registry, const struct kt_frame *frame,
                     const struct kt_frame_message *message, const char *key)
{
    uint32_t node;
    struct call call = {frame->pid, frame->reference, 0};
    uint64_t number = number_of(kt_pid_node(frame->pid), frame->reference);
    if (frame->reference == 0 || frame->reference >> NODE_SHIFT != 0 ||
        kt_map_get(&registry->calls, number))
        return -EPROTO;
    struct call *noted = registry->calls.count < CALLS_MAX ? malloc(sizeof *noted) : NULL;
    int result = noted ? kt_map_put(&registry->calls, number, noted) : -ENOBUFS;
    if (result == 0) {
        result = deliver(registry, frame, message, key, number, &node);
        if (result < 0)
            kt_map_take(&registry->calls, number);
    }
    if (result < 0) {
        free(noted);
        give_result(registry, &call, result, NULL, NULL, 0);
        return 0;
    }
    *noted = (struct call){frame->pid, frame->reference, node};
    return 0;
}

static void withdraw(struct kt_registry_process *registry, uint64_t number, const struct call *call)
{
    struct kt_connection_to_worker *callee = registry->workers[call->callee_node];
    const struct kt_frame head = {.kind = KT_FRAME_WITHDRAW, .reference = number};
    if (callee)
        kt_registry_add(callee, &head, 0, -1);
}

static int take_return(struct kt_registry_process *registry,
                       const struct kt_connection_to_worker *worker, const struct kt_frame *frame)
{
    const struct kt_frame_message *message = kt_frame_body(frame);
    struct call *call = kt_map_get(&registry->calls, frame->reference);
    if (frame->result > 0 || (call && call->callee_node != worker->node))
        return -EPROTO;
    if (!call) /* not waited for any more */
        return 0;
    kt_map_take(&registry->calls, frame->reference);
    give_result(registry, call, frame->result, message, message + 1, frame->size);
    free(call);
    return 0;
}

int kt_post_take(struct kt_registry_process *registry, struct kt_connection_to_worker *worker,
                 const struct kt_frame *frame)
{
    uint32_t node;
    if (frame->kind == KT_FRAME_CANCEL) {
        uint64_t number = number_of(worker->node, frame->reference);
        struct call *call = number != 0 ? kt_map_take(&registry->calls, number) : NULL;
        if (call)
            withdraw(registry, number, call);
        free(call);
        return 0;
    }
    const struct kt_frame_message *message = kt_frame_body(frame);
    size_t body = kt_frame_body_bytes(frame);
    if (body < sizeof *message || body - sizeof *message < (size_t)message->key_bytes + frame->size)
        return -EPROTO;
    const char *key = (const char *)(message + 1);
    switch (frame->kind) {
    case KT_FRAME_SEND:
        deliver(registry, frame, message, key, 0, &node);
        return 0;
    case KT_FRAME_CALL:
        return kt_pid_node(frame->pid) == worker->node ? take_call(registry, frame, message, key)
                                                       : -EPROTO;
    case KT_FRAME_RETURN:
        return message->key_bytes == 0 ? take_return(registry, worker, frame) : -EPROTO;
    default:
        return -EPROTO;
    }
}

void kt_post_forget(struct kt_registry_process *registry, uint32_t node)
{
    struct kt_map *calls = &registry->calls;
    size_t count = 0;
    uint64_t *numbers = calls->count ? calloc(calls->count, sizeof *numbers) : NULL;
    for (size_t i = 0; numbers && i < calls->capacity; i++) {
        const struct call *call = calls->slots[i].value;
        if (calls->slots[i].key != 0 &&
            (call->callee_node == node || kt_pid_node(call->caller) == node))
            numbers[count++] = calls->slots[i].key;
    }
    for (size_t i = 0; i < count; i++) {
        struct call *call = kt_map_take(calls, numbers[i]);
        if (call->callee_node == node)
            give_result(registry, call, -EOWNERDEAD, NULL, NULL, 0);
        else
            withdraw(registry, numbers[i], call);
        free(call);
    }
    free(numbers);
}
