/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages: envelopes from free lists by size, mailboxes, calls. A caller waits in the list of its
 * callee's awaiters, so that it learns of the callee's end, and an answer goes straight to it or,
 * when it no longer waits for that reference, nowhere.
 */
#include "process/scheduler.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** Envelopes come in these sizes, payload included; larger ones are malloc'ed each time. */
static const uint32_t class_bytes[] = {64, 128, 320, 1088};
#define CLASSES ((uint32_t)(sizeof class_bytes / sizeof *class_bytes))
/** Free envelopes kept per size; beyond it they go back to malloc. */
#define FREE_MAX 65536u

static struct {
    struct kt_envelope *first;
    uint32_t count;
} free_envelopes[CLASSES];

/* ---------------------------------------------------------------- envelopes */

struct kt_envelope *kt_envelope_new(uint32_t type, size_t size)
{
    size_t bytes = sizeof(struct kt_envelope) + size;
    uint32_t bin = 0;
    while (bin < CLASSES && bytes > class_bytes[bin])
        bin++;
    struct kt_envelope *envelope;
    if (bin < CLASSES && free_envelopes[bin].first) {
        envelope = free_envelopes[bin].first;
        free_envelopes[bin].first = envelope->next;
        free_envelopes[bin].count--;
    } else {
        envelope = malloc(bin < CLASSES ? class_bytes[bin] : bytes);
        if (!envelope)
            return NULL;
    }
    envelope->next = envelope;
    envelope->size_class = bin;
    envelope->is_chunk = envelope->is_received = false;
    envelope->message = (struct kt_message){
        .type = type,
        .size = (uint32_t)size,
        .from = runtime.current ? runtime.current->pid : KT_PID_NONE,
        .data = size ? envelope->payload : NULL,
    };
    return envelope;
}

void kt_envelope_free(struct kt_envelope *envelope)
{
    if (!envelope)
        return;
    if (envelope->is_chunk)
        talloc_free((void *)(uintptr_t)envelope->message.data);
    uint32_t bin = envelope->size_class;
    if (bin == CLASSES || free_envelopes[bin].count >= FREE_MAX) {
        free(envelope);
        return;
    }
    envelope->next = free_envelopes[bin].first;
    free_envelopes[bin].first = envelope;
    free_envelopes[bin].count++;
}

void kt_message_close(void)
{
    for (uint32_t bin = 0; bin < CLASSES; bin++) {
        while (free_envelopes[bin].first) {
            struct kt_envelope *envelope = free_envelopes[bin].first;
            free_envelopes[bin].first = envelope->next;
            free(envelope);
        }
        free_envelopes[bin].count = 0;
    }
}

/** An envelope with a copy of the payload. @return 0, -EMSGSIZE, -ENOMEM */
static int copy_in(uint32_t type, const void *data, size_t size, struct kt_envelope **ret_envelope)
{
    if (size > KT_MESSAGE_SIZE_MAX)
        return -EMSGSIZE;
    *ret_envelope = kt_envelope_new(type, size);
    if (!*ret_envelope)
        return -ENOMEM;
    if (size)
        memcpy((*ret_envelope)->payload, data, size);
    return 0;
}

/* ---------------------------------------------------------------- mailboxes */

void kt_deliver(struct kt_process *to, struct kt_envelope *envelope)
{
    struct kt_envelope *last = to->last;
    if (last) {
        envelope->next = last->next;
        last->next = envelope;
    }
    to->last = envelope;
    to->mailbox_count++;
    runtime.counts.messages++;
    if (to->state == KT_STATE_WAITING && to->wait == KT_WAIT_MESSAGE)
        kt_wake(to, 0);
}

struct kt_envelope *kt_take(struct kt_process *process)
{
    struct kt_envelope *last = process->last;
    if (!last)
        return NULL;
    struct kt_envelope *first = last->next;
    if (first == last)
        process->last = NULL;
    else
        last->next = first->next;
    return first;
}

static bool is_gone(const struct kt_process *process)
{
    return !process || process->state == KT_STATE_ENDING;
}

int kt_send_system(kt_pid to, uint32_t type, const void *data, size_t size)
{
    struct kt_process *receiver = kt_process_find(to);
    if (is_gone(receiver))
        return size > KT_MESSAGE_SIZE_MAX ? -EMSGSIZE : 0;
    if (receiver->mailbox_count >= receiver->mailbox_limit)
        return -ENOBUFS;
    struct kt_envelope *envelope;
    int status = copy_in(type, data, size, &envelope);
    if (status == 0)
        kt_deliver(receiver, envelope);
    return status;
}

int kt_send(kt_pid to, uint32_t type, const void *data, size_t size)
{
    return type < KT_MESSAGE_SYSTEM ? kt_send_system(to, type, data, size) : -EINVAL;
}

int kt_send_memory(kt_pid to, uint32_t type, void *chunk)
{
    if (type >= KT_MESSAGE_SYSTEM)
        return -EINVAL;
    struct kt_process *receiver = kt_process_find(to);
    if (is_gone(receiver)) {
        talloc_free(chunk);
        return 0;
    }
    if (receiver->mailbox_count >= receiver->mailbox_limit)
        return -ENOBUFS;
    struct kt_envelope *envelope = kt_envelope_new(type, 0);
    if (!envelope)
        return -ENOMEM;
    size_t size = talloc_get_size(chunk);
    if (size > UINT32_MAX) {
        kt_envelope_free(envelope);
        return -EMSGSIZE;
    }
    talloc_steal(NULL, chunk);
    envelope->is_chunk = true;
    envelope->message.data = chunk;
    envelope->message.size = (uint32_t)size;
    kt_deliver(receiver, envelope);
    return 0;
}

int kt_receive(int64_t timeout_ms, const struct kt_message **ret_message)
{
    struct kt_process *process = runtime.current;
    if (process->last && process->last->next->is_received)
        kt_envelope_free(kt_take(process));
    if (!process->last) {
        if (timeout_ms == 0)
            return -ETIMEDOUT;
        int status = kt_wait(KT_WAIT_MESSAGE, KT_CLOCK_MONOTONIC, kt_deadline(timeout_ms));
        if (status < 0)
            return status;
        assert(process->last); /* nothing else ends this wait well */
    }
    struct kt_envelope *envelope = process->last->next;
    envelope->is_received = true;
    process->mailbox_count--;
    if (envelope->is_chunk) {
        talloc_steal(kt_self_memory(), envelope->message.data);
        envelope->is_chunk = false;
    }
    *ret_message = &envelope->message;
    return 0;
}

/* ---------------------------------------------------------------- delayed messages */

struct delayed {
    struct kt_timer timer;
    kt_pid to;
    struct kt_envelope *envelope;
};

static struct delayed *delayed_of(struct kt_timer *timer)
{
    return (struct delayed *)((char *)timer - offsetof(struct delayed, timer));
}

void kt_delayed_send(struct kt_timer *timer)
{
    struct delayed *delayed = delayed_of(timer);
    struct kt_process *receiver = kt_process_find(delayed->to);
    if (is_gone(receiver) || receiver->mailbox_count >= receiver->mailbox_limit)
        kt_envelope_free(delayed->envelope);
    else
        kt_deliver(receiver, delayed->envelope);
    free(delayed);
}

void kt_delayed_drop(struct kt_timer *timer)
{
    kt_envelope_free(delayed_of(timer)->envelope);
    free(delayed_of(timer));
}

int kt_send_after(kt_pid to, int64_t delay_ms, uint32_t type, const void *data, size_t size)
{
    struct kt_envelope *envelope;
    if (type >= KT_MESSAGE_SYSTEM)
        return -EINVAL;
    int status = copy_in(type, data, size, &envelope);
    if (status < 0)
        return status;
    struct delayed *delayed = calloc(1, sizeof *delayed);
    if (!delayed) {
        kt_envelope_free(envelope);
        return -ENOMEM;
    }
    *delayed = (struct delayed){{.is_message = true}, to, envelope};
    status =
        kt_timer_arm(&delayed->timer, KT_CLOCK_MONOTONIC, kt_deadline(delay_ms > 0 ? delay_ms : 0));
    if (status < 0)
        kt_delayed_drop(&delayed->timer);
    return status;
}

/* ---------------------------------------------------------------- calls */

int kt_await(struct kt_process *callee, uint64_t reference, int64_t timeout_ms)
{
    struct kt_process *caller = runtime.current;
    if (callee == caller)
        return -EDEADLK;
    struct kt_await **awaiters = callee ? &callee->awaiters : &runtime.elsewhere;
    struct kt_await await = {*awaiters, awaiters, caller, reference};
    if (await.next)
        await.next->previous = &await.next;
    *awaiters = caller->await = &await;
    int status = kt_wait(KT_WAIT_REPLY, KT_CLOCK_MONOTONIC, kt_deadline(timeout_ms));
    kt_await_cancel(caller);
    return status;
}

void kt_await_cancel(struct kt_process *caller)
{
    struct kt_await *await = caller->await;
    if (!await)
        return;
    *await->previous = await->next;
    if (await->next)
        await->next->previous = await->previous;
    caller->await = NULL;
}

/** The process that waits for this answer, or NULL. */
static struct kt_process *awaiter(const struct kt_from *to)
{
    struct kt_process *caller = kt_process_find(to->pid);
    bool waits = caller && caller->wait == KT_WAIT_REPLY && caller->await;
    return waits && caller->await->reference == to->reference ? caller : NULL;
}

void kt_answer(const struct kt_from *to, int result)
{
    struct kt_process *caller = awaiter(to);
    if (caller)
        kt_wake(caller, result);
}

int kt_call(kt_pid server, uint32_t type, const void *data, size_t size, int64_t timeout_ms,
            const struct kt_message **ret_reply)
{
    struct kt_process *caller = runtime.current, *callee = kt_process_find(server);
    kt_envelope_free(caller->reply);
    caller->reply = NULL;
    if (is_gone(callee))
        return -ESRCH;
    if (callee == caller)
        return -EDEADLK;
    if (callee->mailbox_count >= callee->mailbox_limit)
        return -ENOBUFS;
    if (type >= KT_MESSAGE_SYSTEM)
        return -EINVAL;
    struct kt_envelope *envelope;
    int status = copy_in(type, data, size, &envelope);
    if (status < 0)
        return status;
    envelope->message.reference = ++runtime.next_reference;
    kt_deliver(callee, envelope);
    status = kt_await(callee, envelope->message.reference, timeout_ms);
    if (status == 0 && ret_reply)
        *ret_reply = &caller->reply->message;
    return status;
}

int kt_reply(const struct kt_from *to, uint32_t type, const void *data, size_t size)
{
    if (size > KT_MESSAGE_SIZE_MAX)
        return -EMSGSIZE;
    struct kt_process *caller = awaiter(to);
    if (!caller)
        return 0;
    struct kt_envelope *envelope;
    int status = copy_in(type, data, size, &envelope);
    if (status < 0)
        return status;
    caller->reply = envelope;
    kt_answer(to, 0);
    return 0;
}

int kt_reply_memory(const struct kt_from *to, uint32_t type, void *chunk)
{
    struct kt_process *caller = awaiter(to);
    if (!caller) {
        talloc_free(chunk);
        return 0;
    }
    size_t size = talloc_get_size(chunk);
    if (size > UINT32_MAX)
        return -EMSGSIZE;
    TALLOC_CTX *memory = kt_call_memory(to);
    struct kt_envelope *envelope = memory ? kt_envelope_new(type, 0) : NULL;
    if (!envelope)
        return -ENOMEM;
    envelope->message.data = talloc_steal(memory, chunk);
    envelope->message.size = (uint32_t)size;
    caller->reply = envelope;
    kt_answer(to, 0);
    return 0;
}

/* ---------------------------------------------------------------- answered from the loop */

struct kt_from kt_call_begin(void)
{
    struct kt_process *caller = runtime.current;
    kt_envelope_free(caller->reply);
    caller->reply = NULL;
    return (struct kt_from){caller->pid, ++runtime.next_reference};
}

int kt_call_wait(const struct kt_from *from, int64_t timeout_ms,
                 const struct kt_message **ret_reply)
{
    int status = kt_await(NULL, from->reference, timeout_ms);
    if (status == 0 && ret_reply)
        *ret_reply = &runtime.current->reply->message;
    return status;
}

void kt_call_fail(const struct kt_from *from, int result)
{
    kt_answer(from, result);
}

void kt_call_fail_all(int result)
{
    while (runtime.elsewhere)
        kt_wake(runtime.elsewhere->caller, result);
}

TALLOC_CTX *kt_call_memory(const struct kt_from *from)
{
    struct kt_process *caller = awaiter(from);
    if (caller && !caller->memory)
        caller->memory = talloc_named_const(NULL, 0, "process");
    return caller ? caller->memory : NULL;
}
