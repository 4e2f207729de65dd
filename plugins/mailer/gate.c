/* SPDX-License-Identifier: BSD-2-Clause */
/* A ring of those who wait, a table of those inside, each of whom is monitored. */
#include "gate.h"

#include <errno.h>
#include <kontor/log.h>
#include <stdlib.h>
#include <string.h>

enum { ASK = 1, LEAVE };

/** Asks that were not heard yet: a whole zone may wake within one turn of the loop. */
#define MAILBOX_MAX 2000000u
#define RING_FIRST 256u
/** When the worker stops, those inside may finish: cut off, a mail might come twice. */
#define FINISH_MS 10000
#define SHUTDOWN_MS (FINISH_MS + 5000)

struct guest {
    kt_pid pid; /* KT_PID_NONE: the place is free */
    uint64_t monitor;
};

struct kt_gate {
    kt_pid pid;
    uint32_t places, inside;
    bool is_closing; /* nobody is let in any more */
    struct guest *guests;
    kt_pid *ring;
    uint32_t first, waiting, capacity; /* of the ring; capacity is a power of two */
};

static void enqueue(struct kt_gate *gate, kt_pid pid)
{
    if (gate->waiting == gate->capacity) {
        kt_pid *ring = kt_must(talloc_array(gate, kt_pid, 2 * gate->capacity));

        for (uint32_t index = 0; index < gate->waiting; index++)
            ring[index] = gate->ring[(gate->first + index) & (gate->capacity - 1)];
        talloc_free(gate->ring);
        gate->ring = ring;
        gate->first = 0;
        gate->capacity *= 2;
    }
    gate->ring[(gate->first + gate->waiting++) & (gate->capacity - 1)] = pid;
}

static kt_pid dequeue(struct kt_gate *gate)
{
    kt_pid pid = gate->ring[gate->first];

    gate->first = (gate->first + 1) & (gate->capacity - 1);
    gate->waiting--;
    return pid;
}

static struct guest *find(struct kt_gate *gate, kt_pid pid)
{
    for (uint32_t index = 0; index < gate->places; index++) {
        if (gate->guests[index].pid == pid)
            return &gate->guests[index];
    }
    return NULL;
}

/** Let in as many as there are places. */
static void admit(struct kt_gate *gate)
{
    while (gate->waiting > 0 && gate->inside < gate->places && !gate->is_closing) {
        kt_pid pid = dequeue(gate);
        struct guest *guest = find(gate, KT_PID_NONE);

        if (!kt_is_alive(pid) || kt_send(pid, KT_GATE_GO, NULL, 0) < 0)
            continue;
        guest->pid = pid;
        kt_must(kt_monitor(pid, &guest->monitor) == 0 ? guest : NULL);
        gate->inside++;
    }
}

static void let_out(struct kt_gate *gate, kt_pid pid)
{
    struct guest *guest = pid != KT_PID_NONE ? find(gate, pid) : NULL;

    if (!guest)
        return;
    kt_demonitor(guest->monitor);
    guest->pid = KT_PID_NONE;
    gate->inside--;
}

static int gate_init(void *argument, void **ret_state)
{
    struct kt_gate *gate = argument;

    gate->pid = kt_self();
    gate->inside = gate->first = gate->waiting = 0;
    gate->is_closing = false;
    memset(gate->guests, 0, gate->places * sizeof(*gate->guests));
    *ret_state = gate;
    return 0;
}

static void gate_message(void *state, const struct kt_message *message)
{
    struct kt_gate *gate = state;

    if (message->type == ASK)
        enqueue(gate, message->from);
    else if (message->type == LEAVE)
        let_out(gate, message->from);
    else if (message->type == KT_MESSAGE_DOWN)
        let_out(gate, ((const struct kt_down *)message->data)->pid);
    admit(gate);
}

/** Let nobody in, and wait until those inside are out. */
static void gate_terminate(void *state, const struct kt_exit *exit)
{
    struct kt_gate *gate = state;
    int64_t until_ms = kt_now_ms() + FINISH_MS, left_ms = FINISH_MS;
    const struct kt_message *message;

    (void)exit;
    gate->is_closing = true;
    while (gate->inside > 0 && left_ms > 0 && kt_receive(left_ms, &message) == 0) {
        gate_message(gate, message);
        left_ms = until_ms - kt_now_ms();
    }
    if (gate->inside > 0)
        kt_log_warning("%u mails are cut off on their way", gate->inside);
}

static const struct kt_server gate_server = {
    .label = "gate of the mailer",
    .init = gate_init,
    .handle_message = gate_message,
    .terminate = gate_terminate,
    .trap_exit = true,
    .mailbox_limit = MAILBOX_MAX,
};

struct kt_gate *kt_gate_new(uint32_t places)
{
    struct kt_gate *gate = kt_must(talloc_zero(NULL, struct kt_gate));

    gate->places = places;
    gate->guests = kt_must(talloc_zero_array(gate, struct guest, places));
    gate->capacity = RING_FIRST;
    gate->ring = kt_must(talloc_array(gate, kt_pid, gate->capacity));
    return gate;
}

struct kt_child kt_gate_child(struct kt_gate *gate)
{
    return (struct kt_child){.id = "gate",
                             .restart = KT_PERMANENT,
                             .shutdown_ms = SHUTDOWN_MS,
                             .server = &gate_server,
                             .argument = gate};
}

int kt_gate_ask(const struct kt_gate *gate)
{
    return kt_is_alive(gate->pid) && !gate->is_closing ? kt_send(gate->pid, ASK, NULL, 0) : -ESRCH;
}

void kt_gate_leave(const struct kt_gate *gate)
{
    kt_send(gate->pid, LEAVE, NULL, 0);
}

void kt_gate_counts(const struct kt_gate *gate, uint32_t *ret_waiting, uint32_t *ret_inside)
{
    *ret_waiting = gate->waiting;
    *ret_inside = gate->inside;
}
