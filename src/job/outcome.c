/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel says of the dead, translated. */
#include "job/outcome.h"

#include "job/hold.h"
#include "job/jobs.h"

#include <errno.h>
#include <kontor/log.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/** "segmentation fault": the kernel's words, without a capital. */
static void signal_text(int number, char *text, size_t size)
{
    const char *words = sigdescr_np(number);
    snprintf(text, size, "%s", words ? words : "unknown signal");
    if (text[0] >= 'A' && text[0] <= 'Z')
        text[0] = (char)(text[0] - 'A' + 'a');
}

static void killed_text(const struct kt_runner *runner, const struct kt_job_limits *limits,
                        char reason[KT_JOB_TEXT_MAX])
{
    char text[64];
    int number = WTERMSIG(runner->status);
    bool is_cpu = number == SIGXCPU || (number == SIGKILL && runner->cpu_ms >= limits->cpu_ms);
    if (is_cpu) {
        kt_job_duration_text(text, sizeof text, limits->cpu_ms);
        snprintf(reason, KT_JOB_TEXT_MAX, "it used more than %s of processor time", text);
    } else if (number == SIGXFSZ) {
        kt_job_bytes_text(text, sizeof text, limits->output_bytes);
        snprintf(reason, KT_JOB_TEXT_MAX, "the result is larger than %s", text);
    } else if (number == SIGKILL) {
        snprintf(reason, KT_JOB_TEXT_MAX,
                 "it was killed by the system, probably because memory ran out");
    } else {
        signal_text(number, text, sizeof text);
        snprintf(reason, KT_JOB_TEXT_MAX, "it crashed (%s)", text);
    }
}

static void failed_text(const struct kt_runner *runner, const struct kt_job_limits *limits,
                        char reason[KT_JOB_TEXT_MAX])
{
    char text[64];
    if (runner->is_out_of_memory) {
        kt_job_bytes_text(text, sizeof text, limits->memory_bytes);
        snprintf(reason, KT_JOB_TEXT_MAX, "it needed more than %s of memory", text);
    } else if (WIFSIGNALED(runner->status)) {
        killed_text(runner, limits, reason);
    } else if (runner->reason[0]) {
        kt_job_text(reason, KT_JOB_TEXT_MAX, runner->reason);
    } else {
        snprintf(reason, KT_JOB_TEXT_MAX, "it ended too early, with status %d",
                 WEXITSTATUS(runner->status));
    }
}

enum kt_job_state kt_job_outcome(const struct kt_runner *runner, enum kt_job_outcome_cause cause,
                                 const struct kt_job_limits *limits, const char *words,
                                 char ret_reason[KT_JOB_TEXT_MAX])
{
    char text[64];
    bool is_good =
        runner->is_finished && WIFEXITED(runner->status) && WEXITSTATUS(runner->status) == 0;
    ret_reason[0] = '\0';
    if (cause == KT_JOB_CAUSE_CANCELLED) {
        kt_job_text(ret_reason, KT_JOB_TEXT_MAX, words);
        return KT_JOB_CANCELLED;
    }
    if (is_good)
        return KT_JOB_READY;
    if (cause == KT_JOB_CAUSE_TIME) {
        kt_job_duration_text(text, sizeof text, limits->time_ms);
        snprintf(ret_reason, KT_JOB_TEXT_MAX, "it took longer than %s", text);
    } else if (cause == KT_JOB_CAUSE_ENDED) {
        kt_job_text(ret_reason, KT_JOB_TEXT_MAX, words);
    } else {
        failed_text(runner, limits, ret_reason);
    }
    return KT_JOB_FAILED;
}

void kt_job_outcome_unkept(int result, uint64_t bytes, char *text, size_t size)
{
    char number[64];
    kt_job_bytes_text(number, sizeof number, kt_jobs_options.files_bytes);
    if (result == -ENOSPC && bytes > kt_jobs_options.files_bytes)
        snprintf(text, size, "its result is larger than all results together may be (%s)", number);
    else if (result == -ENOSPC || result == -EMFILE)
        snprintf(text, size, "no room for its result: the others are being downloaded");
    else
        snprintf(text, size, "its result could not be kept: %s", strerror(-result));
}

/* ---------------------------------------------------------------- room */

void kt_job_outcome_expire(const struct kt_job *job)
{
    struct kt_job expired = *job;
    expired.state = KT_JOB_EXPIRED;
    expired.expires_ms = kt_unix_ms();
    kt_jobs_bury(&expired);
}

/** In the order in which results were ready. @return below 0: a is older */
static int compare_age(const struct kt_job *a, const struct kt_job *b)
{
    if (a->ended_ms != b->ended_ms)
        return a->ended_ms < b->ended_ms ? -1 : 1;
    int result = strcmp(a->realm, b->realm);
    return result != 0 ? result : strcmp(a->id, b->id);
}

/** The oldest result, or the next one younger than that in io_job. @return 0, -ENOENT, … */
static int find_next(struct kt_job *io_job, bool is_first)
{
    const struct kt_job known = *io_job;
    struct kt_job_page *page = NULL;
    struct kt_job after;
    bool has_more, is_next = false, is_found = false;
    do {
        int result = kt_job_list(NULL, is_next ? &after : NULL, &page);
        if (result < 0)
            return result;
        for (uint32_t i = 0; i < page->count; i++) {
            const struct kt_job *job = page->jobs[i];
            if (job->state != KT_JOB_READY || (!is_first && compare_age(job, &known) <= 0) ||
                (is_found && compare_age(job, io_job) >= 0))
                continue;
            *io_job = *job;
            is_found = true;
        }
        has_more = page->has_more && page->count > 0;
        if (has_more)
            after = *page->jobs[page->count - 1];
        is_next = true;
        talloc_free(page);
    } while (has_more);
    return is_found ? 0 : -ENOENT;
}

/** Whether somebody reads a result just now. One that is gone is read by nobody. */
static bool is_read(const struct kt_job *job)
{
    char key[KT_REGISTRY_KEY_MAX + 1];
    struct kt_memory_file *file;
    if (kt_job_key(job->realm, job->id, key) < 0 || kt_registry_file(key, &file) < 0)
        return false;
    bool result = kt_job_is_held(file);
    talloc_free(file);
    return result;
}

bool kt_job_outcome_make_room(uint64_t bytes)
{
    struct kt_job job;
    if (bytes > kt_jobs_options.files_bytes || find_next(&job, true) < 0)
        return false;
    while (is_read(&job))
        if (find_next(&job, false) < 0)
            return false;
    int result = kt_job_expire(job.realm, job.id);
    if (result == 0)
        kt_log_notice("the result of job %s/%s goes before its time: room is needed for another",
                      job.realm, job.id);
    return result == 0 || result == -ENOENT;
}
