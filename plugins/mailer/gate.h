/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everybody in a zone wakes in the same second; the gate lets so many at a time go to work, in the
 * order in which they came. Who waits holds no stack: it asks by a message and gets one. Who ends
 * inside is noticed; when the worker stops, those inside may finish what they have begun. Knows
 * nothing of mail.
 */
#ifndef MAILER_GATE_H
#define MAILER_GATE_H

#include <kontor/supervisor.h>

/** The gate's answer: go. Comes once for each kt_gate_ask that returned 0. */
#define KT_GATE_GO 0x4701u

struct kt_gate;

/** @param places  how many may be inside at once @return lives as long as the worker */
struct kt_gate *kt_gate_new(uint32_t places);

/** The gate's child specification. */
struct kt_child kt_gate_child(struct kt_gate *gate);

/** Ask to be let in. @return 0, or a negative errno: ask again later. Does not park. */
int kt_gate_ask(const struct kt_gate *gate);

/** Say that one is out again. Does not park. */
void kt_gate_leave(const struct kt_gate *gate);

/** How many wait and are inside. */
void kt_gate_counts(const struct kt_gate *gate, uint32_t *ret_waiting, uint32_t *ret_inside);

#endif
