/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * So many may be in the store at once. Who waits in a store's call needs a stack, of which ten
 * thousand are a lot; who waits at the gate is a server without one, and gets a message when there
 * is room. Each worker has one; it knows pids only.
 */
#ifndef MICROSERVERS_GATE_H
#define MICROSERVERS_GATE_H

#include <kontor/process.h>

/** The message that says: you are inside. */
#define GATE_OPEN 1u

/** Somebody who goes through the gate; a part of its owner. Zeroed is outside. */
struct gate_visitor {
    kt_pid pid;
    enum { GATE_OUTSIDE, GATE_WAITING, GATE_INSIDE } place;
    struct gate_visitor *next, *previous; /**< while it waits */
};

/** Zeroed but for the limit is empty. */
struct gate {
    uint32_t limit, inside;
    struct gate_visitor *first, *last; /**< who waits, in the order of coming */
};

/**
 * Ask for room.
 * @return true: it is inside; false: it waits, and is sent GATE_OPEN when it is inside
 */
bool gate_enter(struct gate *gate, struct gate_visitor *visitor);

/** Go, from wherever in the gate; the next one is let in. Must be called before a visitor ends. */
void gate_leave(struct gate *gate, struct gate_visitor *visitor);

#endif
