/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A state machine. What it must not forget is in the store's record before it acts on it; whatever
 * the store fails to do, it reads the record again a beat later and goes on from there. When it
 * does not know where it stands (its lease is lost, its servers' supervisor has died) it fails, and
 * starts from the beginning.
 */
#include "monitor.h"

#include "microservers.h"
#include "pass.h"
#include "record.h"
#include "row.h"
#include "status.h"
#include "table.h"
#include "usage.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <kontor/log.h>
#include <kontor/registry.h>
#include <kontor/store.h>
#include <stdlib.h>
#include <string.h>

/** Between two samples, renewals of the lease, tries. */
#define BEAT_MS 1000
/** How long the table stays a dead monitor's: a renewal may be late by two beats. */
#define LEASE_MS 3000
/** The clock was set when it moves so far from the monotonic one between two beats. */
#define CLOCK_STEP_MS 200
/** All servers may report at the same time; and some questions. */
#define MAILBOX (MICROSERVERS_AT_ONCE_MAX + 1000u)

enum state {
    ELSEWHERE, /**< another worker's monitor works */
    CLAIMING,  /**< waits for the lease, or for the store */
    STOPPED,   /**< nobody wants it to run */
    SURVEYING, /**< the table is looked at, or filled */
    COUNTING,  /**< a pass runs */
    PAUSING,   /**< until the next pass */
};

static const char *const states[] = {
    [ELSEWHERE] = "elsewhere", [CLAIMING] = "waiting",  [STOPPED] = "stopped",
    [SURVEYING] = "filling",   [COUNTING] = "counting", [PAUSING] = "pausing"};

struct monitor {
    struct microservers *house;
    enum state state;
    bool has_lease, is_empty; /**< is_empty: all rows are known to have nothing left */
    struct kt_store_lease lease;
    struct record record;
    kt_pid surveyor;
    struct pass *pass; /**< while COUNTING, else NULL */
    struct history *history;
    int64_t beat_ms, pause_ms; /**< when the next is due, monotonic */
    int64_t clock_ms;          /**< how far the clock of the day is from the monotonic one */
    uint64_t cpu_us, failed;   /**< at the last sample */
    int64_t sampled_ms;
    struct pass_summary last;
    uint64_t last_pass; /**< which one the summary is of; 0: none */
    int trouble;        /**< the last error that was told, not to repeat it each second */
};

static void go_on(struct monitor *monitor);

static void tell(struct monitor *monitor, const char *what, int result)
{
    if (monitor->trouble != result)
        kt_log_warning("microservers: %s: %s", what, strerror(-result));
    monitor->trouble = result;
}

/** Write the record. @return false: the store could not; a beat later it is read again */
static bool save(struct monitor *monitor)
{
    int result = record_save(&monitor->record);
    if (result == 0)
        return true;
    tell(monitor, "the record was not written", result);
    monitor->state = CLAIMING;
    return false;
}

/* ---------------------------------------------------------------- the work */

static void survey(struct monitor *monitor, bool fills)
{
    const struct table_survey what = {.asker = kt_self(),
                                      .rows = monitor->record.rows,
                                      .value = fills ? monitor->record.value : 0,
                                      .is_empty = monitor->is_empty};
    int result = table_start_survey(&what, &monitor->surveyor);
    monitor->is_empty = false;
    monitor->state = result == 0 ? SURVEYING : CLAIMING;
    if (result < 0)
        tell(monitor, "the table was not looked at", result);
}

/** The next pass begins by filling the table. */
static void begin_pass(struct monitor *monitor)
{
    monitor->record.pass++;
    monitor->record.phase = RECORD_FILLING;
    monitor->record.rows = monitor->house->rows;
    monitor->record.value = monitor->house->value;
    if (save(monitor))
        survey(monitor, true);
}

static void end_pass(struct monitor *monitor)
{
    monitor->last = pass_summarise(monitor->pass);
    monitor->last_pass = monitor->record.pass;
    kt_metric_add(monitor->house->metrics.passes, 1);
    pass_stop(monitor->pass);
    monitor->pass = NULL;
    monitor->record.phase = RECORD_DONE;
    if (!save(monitor))
        return;
    monitor->is_empty = true;
    monitor->state = PAUSING;
    monitor->pause_ms = kt_now_ms() + monitor->house->pause_ms;
}

/** Whatever runs is stopped, as it stands. */
static void halt(struct monitor *monitor)
{
    if (monitor->pass)
        pass_stop(monitor->pass);
    monitor->pass = NULL;
    if (monitor->surveyor != KT_PID_NONE) {
        kt_unlink(monitor->surveyor);
        kt_signal(monitor->surveyor, KT_EXIT_KILL, "it is not wanted any more");
    }
    monitor->surveyor = KT_PID_NONE;
}

static bool has_missing(const uint32_t *values, uint32_t rows)
{
    for (uint32_t i = 0; i < rows; i++)
        if (values[i] == TABLE_MISSING)
            return true;
    return false;
}

static void count(struct monitor *monitor, const uint32_t *values)
{
    if (monitor->record.phase == RECORD_FILLING) {
        monitor->record.phase = RECORD_COUNTING;
        if (!save(monitor))
            return;
    } else if (has_missing(values, monitor->record.rows)) {
        kt_log_warning("microservers: rows are missing; the table is filled again");
        begin_pass(monitor);
        return;
    }
    int result =
        pass_start(monitor, monitor->house, values, monitor->record.is_spread, &monitor->pass);
    if (result < 0)
        kt_fail("the servers' supervisor did not start: %s", strerror(-result));
    monitor->state = COUNTING;
    pass_note_memory(monitor->pass, usage_memory_bytes());
    if (pass_is_over(monitor->pass))
        end_pass(monitor);
}

/** From the record to what is to be done; what runs is stopped before. */
static void go_on(struct monitor *monitor)
{
    const struct record *record = &monitor->record;
    halt(monitor);
    if (!record->is_running)
        monitor->state = STOPPED;
    else if (record->phase == RECORD_DONE || record->rows != monitor->house->rows ||
             record->value != monitor->house->value)
        begin_pass(monitor);
    else
        survey(monitor, record->phase == RECORD_FILLING);
}

/* ---------------------------------------------------------------- to be the one */

static void claim(struct monitor *monitor)
{
    int result = 0;
    if (!monitor->has_lease)
        result = kt_store_claim(TABLE_NAME_SPACE, "monitor", LEASE_MS, &monitor->lease);
    if (result == -EEXIST)
        return; /* another machine's, or that of a worker that died just now */
    monitor->has_lease = result == 0;
    if (result == 0)
        result = record_load(&monitor->record);
    if (result < 0) {
        tell(monitor, "the table can't be used", result);
        return;
    }
    monitor->trouble = 0;
    if (monitor->record.pass == 0)
        monitor->record.is_spread = monitor->house->is_spread;
    go_on(monitor);
}

static void try_to_lead(struct monitor *monitor)
{
    const struct kt_registration what = {.key = MONITOR_KEY};
    if (monitor->state != ELSEWHERE || kt_registry_register(&what, NULL) < 0)
        return;
    monitor->state = CLAIMING;
    claim(monitor);
}

static void renew(struct monitor *monitor)
{
    if (!monitor->has_lease)
        return;
    int result = kt_store_renew(&monitor->lease, LEASE_MS);
    if (result == -ESTALE)
        kt_fail("the lease of the table is lost");
    if (result < 0)
        tell(monitor, "the lease was not renewed", result);
    else if (monitor->state != CLAIMING)
        monitor->trouble = 0;
}

/* ---------------------------------------------------------------- beats */

/** Rows of this pass in which nothing is left, as far as that is known. */
static uint32_t count_done(const struct monitor *monitor)
{
    if (monitor->pass)
        return pass_rows_done(monitor->pass);
    return monitor->state == PAUSING ? monitor->record.rows : 0;
}

static void take_sample(struct monitor *monitor)
{
    int64_t now_ms = kt_now_ms(), passed_ms = now_ms - monitor->sampled_ms;
    uint64_t cpu_us = usage_cpu_us();
    struct sample sample = {.time_ms = kt_unix_ms(),
                            .servers = monitor->pass ? pass_servers(monitor->pass) : 0,
                            .rows_done = count_done(monitor),
                            .latency = latency_of(&monitor->house->second),
                            .failed = monitor->house->failed,
                            .memory_bytes = usage_memory_bytes()};
    if (monitor->pass)
        pass_note_memory(monitor->pass, sample.memory_bytes);
    if (passed_ms > 0)
        sample.cpu_percent = (double)(cpu_us - monitor->cpu_us) / 10 / (double)passed_ms;
    history_add(monitor->history, &sample);
    kt_metric_add(monitor->house->metrics.updates, (int64_t)sample.latency.updates);
    kt_metric_add(monitor->house->metrics.failed, (int64_t)(sample.failed - monitor->failed));
    kt_metric_set(monitor->house->metrics.servers, sample.servers);
    monitor->failed = sample.failed;
    memset(&monitor->house->second, 0, sizeof monitor->house->second);
    monitor->sampled_ms = now_ms;
    monitor->cpu_us = cpu_us;
}

/** Servers sleep to times of the clock of the day: after it was set they would wait too long. */
static void check_clock(struct monitor *monitor)
{
    int64_t clock_ms = kt_unix_ms() - kt_now_ms(), before_ms = monitor->clock_ms;
    monitor->clock_ms = clock_ms;
    if (llabs(clock_ms - before_ms) < CLOCK_STEP_MS || !monitor->pass)
        return;
    kt_log_notice("microservers: the clock was set; the servers are started anew");
    go_on(monitor);
}

static void beat(struct monitor *monitor)
{
    if (monitor->state == ELSEWHERE) {
        try_to_lead(monitor);
        return;
    }
    renew(monitor);
    take_sample(monitor);
    check_clock(monitor);
    if (monitor->state == CLAIMING)
        claim(monitor);
    else if (monitor->state == COUNTING)
        pass_launch(monitor->pass);
}

static void wait_for_next(const struct monitor *monitor)
{
    int64_t next_ms = monitor->beat_ms;
    if (monitor->state == PAUSING && monitor->pause_ms < next_ms)
        next_ms = monitor->pause_ms;
    int64_t left_ms = next_ms - kt_now_ms();
    kt_server_timeout(left_ms > 0 ? left_ms : 0);
}

static void on_timeout(void *state)
{
    struct monitor *monitor = state;
    int64_t now_ms = kt_now_ms();
    if (now_ms >= monitor->beat_ms) {
        monitor->beat_ms += BEAT_MS;
        if (monitor->beat_ms <= now_ms)
            monitor->beat_ms = now_ms + BEAT_MS;
        beat(monitor);
    }
    if (monitor->state == PAUSING && now_ms >= monitor->pause_ms)
        go_on(monitor);
    wait_for_next(monitor);
}

/* ---------------------------------------------------------------- questions */

static cJSON *make_status(const struct monitor *monitor)
{
    const struct status status = {
        .state = states[monitor->state],
        .record = &monitor->record,
        .house = monitor->house,
        .servers = monitor->pass ? pass_servers(monitor->pass) : 0,
        .rows_done = count_done(monitor),
        .now = history_last(monitor->history),
        .last = monitor->last_pass > 0 ? &monitor->last : NULL,
        .last_pass = monitor->last_pass,
    };
    return status_json(&status);
}

static void answer_json(const struct kt_message *call, cJSON *json)
{
    struct kt_from from = kt_message_from(call);
    char *text = cJSON_PrintUnformatted(json);
    if (text)
        kt_reply(&from, call->type, text, strlen(text) + 1);
    cJSON_free(text);
    cJSON_Delete(json);
}

static int start(struct monitor *monitor, char tick)
{
    struct record *record = &monitor->record;
    bool is_spread = tick == '-' ? record->is_spread : tick == 's';
    if (monitor->state == CLAIMING)
        return -EBUSY;
    if (record->is_running && record->is_spread == is_spread)
        return 0;
    record->is_running = true;
    record->is_spread = is_spread;
    if (!save(monitor))
        return -EIO;
    go_on(monitor);
    return 0;
}

/** Servers that were stopped may have asked the store before: it is through with that when it has
 * written the record, and who was told of the stop sees no row change any more. */
static int stop(struct monitor *monitor)
{
    if (monitor->state == CLAIMING)
        return -EBUSY;
    halt(monitor);
    monitor->record.is_running = false;
    if (!save(monitor))
        return -EIO;
    go_on(monitor);
    return 0;
}

static void on_call(void *state, const struct kt_message *call)
{
    struct monitor *monitor = state;
    struct kt_from from = kt_message_from(call);
    int64_t after_ms = 0;
    int result = -EINVAL;
    switch (call->type) {
    case MONITOR_STATUS:
        answer_json(call, make_status(monitor));
        return;
    case MONITOR_HISTORY:
        if (call->size == sizeof after_ms)
            memcpy(&after_ms, call->data, sizeof after_ms);
        answer_json(call, history_since(monitor->history, after_ms));
        return;
    case MONITOR_START:
        result = start(monitor, call->size == 1 ? *(const char *)call->data : '-');
        break;
    case MONITOR_STOP:
        result = stop(monitor);
        break;
    default:
        break;
    }
    kt_reply(&from, call->type, &result, sizeof result);
    wait_for_next(monitor);
}

/* ---------------------------------------------------------------- messages */

static void on_row_done(struct monitor *monitor, uint32_t row)
{
    if (!monitor->pass)
        return;
    pass_row_done(monitor->pass, row);
    if (pass_is_over(monitor->pass))
        end_pass(monitor);
    else
        pass_launch(monitor->pass);
}

static void on_end(struct monitor *monitor, const struct kt_down *down)
{
    if (monitor->pass && down->pid == pass_supervisor(monitor->pass))
        kt_fail("the supervisor of the servers ended: %s", down->exit.text);
    if (down->pid != monitor->surveyor || down->exit.kind == KT_EXIT_NORMAL)
        return;
    kt_log_warning("microservers: the table can't be used: %s", down->exit.text);
    monitor->surveyor = KT_PID_NONE;
    monitor->state = CLAIMING;
}

static void on_message(void *state, const struct kt_message *message)
{
    struct monitor *monitor = state;
    const struct kt_registry_change *change = message->data;
    switch (message->type) {
    case ROW_DONE:
        on_row_done(monitor, *(const uint32_t *)message->data);
        break;
    case TABLE_SURVEYED:
        if (message->from == monitor->surveyor && monitor->state == SURVEYING) {
            monitor->surveyor = KT_PID_NONE;
            count(monitor, message->data);
        }
        talloc_free((void *)message->data);
        break;
    case KT_MESSAGE_EXIT:
        on_end(monitor, message->data);
        break;
    case KT_MESSAGE_REGISTRY:
        if (change->event == KT_REGISTRY_GONE || change->event == KT_REGISTRY_LOST)
            try_to_lead(monitor);
        break;
    default:
        break;
    }
    wait_for_next(monitor);
}

/* ---------------------------------------------------------------- life */

static void terminate(void *state, const struct kt_exit *exit)
{
    struct monitor *monitor = state;
    (void)exit;
    halt(monitor);
    if (monitor->has_lease)
        kt_store_release(&monitor->lease);
}

static int init(void *argument, void **ret_state)
{
    uint64_t reference;
    struct monitor *monitor = talloc_zero(kt_self_memory(), struct monitor);
    if (!monitor || !(monitor->history = history_new(monitor)))
        return -ENOMEM;
    monitor->house = argument;
    monitor->clock_ms = kt_unix_ms() - kt_now_ms();
    monitor->beat_ms = kt_now_ms();
    monitor->sampled_ms = kt_now_ms();
    monitor->cpu_us = usage_cpu_us();
    monitor->failed = monitor->house->failed;
    *ret_state = monitor;
    int result = kt_registry_subscribe(MONITOR_KEY, &reference);
    if (result == 0)
        kt_server_timeout(0);
    return result == -ENOTCONN ? 0 : result; /* then this worker is about to be replaced */
}

const struct kt_server monitor_server = {
    .label = "monitor of the table",
    .init = init,
    .handle_call = on_call,
    .handle_message = on_message,
    .handle_timeout = on_timeout,
    .terminate = terminate,
    .mailbox_limit = MAILBOX,
    .trap_exit = true,
};
