/* SPDX-License-Identifier: BSD-2-Clause */
/* A row's server: tick, gate, store, sleep. */
#include "row.h"

#include "table.h"

#include <errno.h>
#include <time.h>

/** The house of this worker's rows: children get one pointer, and that is their row. */
static struct microservers *house;

struct row {
    uint32_t number;
    int64_t due_ms;
    struct gate_visitor visitor;
};

static int leave_gate(struct row *row)
{
    gate_leave(&house->gate, &row->visitor);
    return 0;
}

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void wait_for_tick(struct row *row)
{
    int64_t now_ms = kt_unix_ms();
    row->due_ms = plan_next_ms(&house->plan, row->number, now_ms);
    kt_server_timeout_at(row->due_ms);
}

static void measure(const struct row *row)
{
    int64_t waited_us = now_us() - row->due_ms * 1000;
    if (waited_us < 0) /* somebody has set the clock */
        waited_us = 0;
    meter_add(&house->second, (uint64_t)waited_us);
    meter_add(&house->pass, (uint64_t)waited_us);
}

static _Noreturn void end(const struct row *row)
{
    kt_send(house->monitor, ROW_DONE, &row->number, sizeof row->number);
    kt_exit(KT_EXIT_NORMAL, NULL);
}

static void subtract(struct row *row)
{
    uint32_t left;
    int result = table_subtract(row->number, &left);
    gate_leave(&house->gate, &row->visitor);
    if (result == -ERANGE) /* an earlier server of this row did it, and could not tell */
        end(row);
    if (result == 0)
        measure(row);
    else
        house->failed++; /* made or not, the next tick goes on from what is there */
    if (result == 0 && left == 0)
        end(row);
    wait_for_tick(row);
}

static void on_timeout(void *state)
{
    struct row *row = state;
    if (gate_enter(&house->gate, &row->visitor))
        subtract(row);
}

static void on_message(void *state, const struct kt_message *message)
{
    struct row *row = state;
    if (message->type == GATE_OPEN && row->visitor.place == GATE_INSIDE)
        subtract(row);
}

static int init(void *argument, void **ret_state)
{
    struct row *row = talloc_zero(kt_self_memory(), struct row);
    if (!row)
        return -ENOMEM;
    row->number = (uint32_t)(uintptr_t)argument;
    row->visitor.pid = kt_self();
    talloc_set_destructor(row, leave_gate);
    *ret_state = row;
    wait_for_tick(row);
    return 0;
}

static const struct kt_server row_server = {
    .label = "row",
    .init = init,
    .handle_message = on_message,
    .handle_timeout = on_timeout,
};

int row_start(kt_pid supervisor, struct microservers *the_house, uint32_t row)
{
    const struct kt_child child = {.restart = KT_TRANSIENT,
                                   .shutdown_ms = KT_SHUTDOWN_KILL,
                                   .server = &row_server,
                                   .argument = (void *)(uintptr_t)row};
    house = the_house;
    return kt_supervisor_add(supervisor, &child, NULL);
}
