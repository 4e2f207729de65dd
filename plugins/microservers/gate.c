/* SPDX-License-Identifier: BSD-2-Clause */
/* A counter and a list. */
#include "gate.h"

static void append(struct gate *gate, struct gate_visitor *visitor)
{
    visitor->place = GATE_WAITING;
    visitor->next = NULL;
    visitor->previous = gate->last;
    *(gate->last ? &gate->last->next : &gate->first) = visitor;
    gate->last = visitor;
}

static void remove_from(struct gate *gate, struct gate_visitor *visitor)
{
    *(visitor->previous ? &visitor->previous->next : &gate->first) = visitor->next;
    *(visitor->next ? &visitor->next->previous : &gate->last) = visitor->previous;
    visitor->next = visitor->previous = NULL;
    visitor->place = GATE_OUTSIDE;
}

bool gate_enter(struct gate *gate, struct gate_visitor *visitor)
{
    if (gate->inside >= gate->limit || gate->first) {
        append(gate, visitor);
        return false;
    }
    gate->inside++;
    visitor->place = GATE_INSIDE;
    return true;
}

/** Let in as many as there is room for. */
static void open_gate(struct gate *gate)
{
    while (gate->first && gate->inside < gate->limit) {
        struct gate_visitor *visitor = gate->first;
        remove_from(gate, visitor);
        if (kt_send(visitor->pid, GATE_OPEN, NULL, 0) < 0)
            continue; /* it hears nothing any more: its mailbox is full */
        gate->inside++;
        visitor->place = GATE_INSIDE;
    }
}

void gate_leave(struct gate *gate, struct gate_visitor *visitor)
{
    if (visitor->place == GATE_WAITING)
        remove_from(gate, visitor);
    else if (visitor->place == GATE_INSIDE)
        gate->inside--;
    visitor->place = GATE_OUTSIDE;
    open_gate(gate);
}
