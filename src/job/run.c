/* SPDX-License-Identifier: BSD-2-Clause */
/* What a job can ask and tell from the inside: reports, one packet each. */
#include "job/run.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/** Progress is passed on at most so often; a new phase at once. */
#define PROGRESS_MS 200

volatile sig_atomic_t kt_job_run_cancelled;

static void send_report(const struct kt_report *report, int flags)
{
    while (send(KT_RUNNER_REPORT_FD, report, sizeof *report, MSG_NOSIGNAL | flags) < 0 &&
           errno == EINTR)
        ;
}

void kt_job_report(enum kt_report_kind kind, const char *text)
{
    struct kt_report report = {.kind = kind};
    snprintf(report.text, sizeof report.text, "%s", text);
    send_report(&report, 0);
}

const char *kt_job_argument(const struct kt_job_run *run)
{
    return run->order->argument;
}

const struct kt_plugin *kt_job_plugin(const struct kt_job_run *run)
{
    return run->plugin;
}

int kt_job_output(const struct kt_job_run *run)
{
    (void)run;
    return KT_RUNNER_OUTPUT_FD;
}

int kt_job_input(const struct kt_job_run *run)
{
    return run->order->has_input ? KT_RUNNER_INPUT_FD : -1;
}

const char *kt_job_directory(const struct kt_job_run *run)
{
    return run->order->directory;
}

void kt_job_progress(struct kt_job_run *run, const char *phase, uint64_t done, uint64_t total)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    int64_t now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    bool is_new = strncmp(run->phase, phase, sizeof run->phase - 1) != 0;
    if (!is_new && now_ms < run->reported_ms + PROGRESS_MS)
        return;
    struct kt_report report = {.kind = KT_REPORT_PROGRESS, .done = done, .total = total};
    snprintf(report.text, sizeof run->phase, "%s", phase);
    snprintf(run->phase, sizeof run->phase, "%s", phase);
    run->reported_ms = now_ms;
    send_report(&report, MSG_DONTWAIT);
}

int kt_job_result(struct kt_job_run *run, const char *json)
{
    struct kt_report report = {.kind = KT_REPORT_RESULT};
    (void)run;
    cJSON *parsed = cJSON_Parse(json);
    if (!parsed)
        return -EINVAL;
    bool fits = cJSON_PrintPreallocated(parsed, report.text, sizeof report.text - 8, 0);
    cJSON_Delete(parsed);
    if (!fits)
        return -E2BIG;
    send_report(&report, 0);
    return 0;
}

bool kt_job_is_cancelled(const struct kt_job_run *run)
{
    (void)run;
    return kt_job_run_cancelled != 0;
}
