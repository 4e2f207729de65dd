/* SPDX-License-Identifier: BSD-2-Clause */
/* A state for each row, and a supervisor for the servers. */
#include "pass.h"

#include "row.h"
#include "usage.h"

#include <errno.h>
#include <kontor/log.h>
#include <string.h>

/** Servers can be killed by hand as often as somebody likes. */
#define RESTARTS 1000u
#define RESTARTS_MS 5000
/** They are killed, which takes a moment. */
#define STOP_MS 5000

enum row_state { WAITING, RUNNING, DONE };

struct pass {
    struct microservers *house;
    kt_pid supervisor;
    int64_t begun_ms; /**< monotonic */
    uint64_t cpu_us, memory_bytes;
    bool is_whole;
    uint32_t rows, next, servers, done;
    uint8_t states[];
};

/** @return how many rows are done already */
static uint32_t take_over(struct pass *pass, const uint32_t *values)
{
    uint32_t done = 0;
    for (uint32_t i = 0; i < pass->rows; i++) {
        pass->states[i] = values[i] == 0 ? DONE : WAITING;
        done += values[i] == 0;
        pass->is_whole &= values[i] == pass->house->value;
    }
    return done;
}

static struct plan make_plan(const struct microservers *house, bool is_spread)
{
    return (struct plan){.epoch_ms = kt_unix_ms(),
                         .interval_ms = house->interval_ms,
                         .step_ms = is_spread ? house->step_ms : 0,
                         .at_once = house->at_once < house->rows ? house->at_once : house->rows};
}

int pass_start(TALLOC_CTX *context, struct microservers *house, const uint32_t *values,
               bool is_spread, struct pass **ret_pass)
{
    static const struct kt_supervisor supervisor = {.label = "servers of rows",
                                                    .strategy = KT_DYNAMIC,
                                                    .intensity = RESTARTS,
                                                    .period_ms = RESTARTS_MS};
    struct pass *pass = talloc_zero_size(context, sizeof *pass + house->rows);
    if (!pass)
        return -ENOMEM;
    int result = kt_supervisor_start(&supervisor, NULL, &pass->supervisor);
    if (result < 0) {
        talloc_free(pass);
        return result;
    }
    pass->house = house;
    pass->rows = house->rows;
    pass->is_whole = true;
    pass->done = take_over(pass, values);
    pass->begun_ms = kt_now_ms();
    pass->cpu_us = usage_cpu_us();
    memset(&house->pass, 0, sizeof house->pass);
    house->plan = make_plan(house, is_spread);
    house->monitor = kt_self();
    *ret_pass = pass;
    pass_launch(pass);
    return 0;
}

void pass_launch(struct pass *pass)
{
    int result = 0;
    for (; pass->next < pass->rows && pass->servers < pass->house->at_once; pass->next++) {
        if (pass->states[pass->next] != WAITING)
            continue;
        result = row_start(pass->supervisor, pass->house, pass->next);
        if (result == -EAGAIN || result == -ENOMEM)
            return; /* when some have ended there will be room */
        if (result < 0)
            kt_fail("the server of row %u did not start: %s", pass->next, strerror(-result));
        pass->states[pass->next] = RUNNING;
        pass->servers++;
    }
}

void pass_row_done(struct pass *pass, uint32_t row)
{
    if (row >= pass->rows || pass->states[row] != RUNNING)
        return;
    pass->states[row] = DONE;
    pass->servers--;
    pass->done++;
}

void pass_note_memory(struct pass *pass, uint64_t memory_bytes)
{
    if (memory_bytes > pass->memory_bytes)
        pass->memory_bytes = memory_bytes;
}

bool pass_is_over(const struct pass *pass)
{
    return pass->done == pass->rows;
}

uint32_t pass_servers(const struct pass *pass)
{
    return pass->servers;
}

uint32_t pass_rows_done(const struct pass *pass)
{
    return pass->done;
}

kt_pid pass_supervisor(const struct pass *pass)
{
    return pass->supervisor;
}

struct pass_summary pass_summarise(const struct pass *pass)
{
    int64_t duration_ms = kt_now_ms() - pass->begun_ms;
    double used_us = (double)(usage_cpu_us() - pass->cpu_us);
    return (struct pass_summary){.duration_ms = duration_ms,
                                 .latency = latency_of(&pass->house->pass),
                                 .cpu_percent =
                                     duration_ms > 0 ? used_us / 10 / (double)duration_ms : 0,
                                 .memory_bytes = pass->memory_bytes,
                                 .is_whole = pass->is_whole};
}

void pass_stop(struct pass *pass)
{
    kt_unlink(pass->supervisor);
    if (kt_supervisor_stop(pass->supervisor, STOP_MS) < 0)
        kt_log_warning("the servers of rows do not stop");
    talloc_free(pass);
}
