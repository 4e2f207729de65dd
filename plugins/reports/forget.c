/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A person's jobs are those of a realm of their own. All that run are cancelled first, so that they
 * end together; each call has a process of its own, since that takes a while.
 */
#include "forget.h"

#include "personal.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <kontor/job.h>
#include <kontor/log.h>
#include <kontor/plugin.h>
#include <kontor/server.h>
#include <string.h>

/** How long all cancelled jobs together may take to end. */
#define END_MS 10000

/** What is done with a job. @param deadline_ms  by kt_now_ms */
typedef int job_function(const struct kt_job *job, int64_t deadline_ms);

/** Also what has ended or gone meanwhile is as it should be. */
static int cancel_job(const struct kt_job *job, int64_t deadline_ms)
{
    (void)deadline_ms;
    int result = 0;
    if (job->state == KT_JOB_QUEUED || job->state == KT_JOB_RUNNING)
        result = kt_job_cancel(job->realm, job->id, job->who);
    return result == -EALREADY || result == -ENOENT ? 0 : result;
}

static int delete_job(const struct kt_job *job, int64_t deadline_ms)
{
    struct kt_job ended;
    int64_t left_ms = deadline_ms - kt_now_ms();
    int result = kt_job_wait(job->realm, job->id, left_ms > 0 ? left_ms : 0, &ended);
    if (result == 0)
        result = kt_job_delete(job->realm, job->id);
    return result == -ENOENT ? 0 : result;
}

/** Do something with all jobs of a realm. @return 0 or the first error */
static int each_job(const char *realm, job_function *function, int64_t deadline_ms)
{
    struct kt_job_page *page, *before = NULL;
    bool has_more = true;
    int result = 0;
    while (has_more && result == 0) {
        result = kt_job_list(realm, before ? before->jobs[before->count - 1] : NULL, &page);
        talloc_free(before);
        if (result < 0)
            return result;
        for (uint32_t i = 0; i < page->count && result == 0; i++)
            result = function(page->jobs[i], deadline_ms);
        has_more = page->has_more && page->count > 0;
        before = page;
    }
    talloc_free(before);
    return result;
}

int forget_job(const char *realm, const char *id)
{
    struct kt_job job;
    int result = kt_job_look(realm, id, &job);
    if (result == 0)
        result = cancel_job(&job, 0);
    if (result == 0)
        result = delete_job(&job, kt_now_ms() + END_MS);
    return result == -ENOENT ? 0 : result;
}

static int forget_jobs(const char *realm)
{
    int64_t deadline_ms = kt_now_ms() + END_MS;
    int result = each_job(realm, cancel_job, deadline_ms);
    return result < 0 ? result : each_job(realm, delete_job, deadline_ms);
}

/** One question; belongs to its process. */
struct question {
    struct kt_from from;
    const char *realm; /**< NULL: it makes no sense */
};

static void answer(void *argument)
{
    const struct question *question = argument;
    int result = question->realm ? personal_forget(question->realm) : -EINVAL;
    if (result == 0)
        result = forget_jobs(question->realm);
    if (result < 0)
        kt_log_warning("a person's reports can't be deleted now: %s", strerror(-result));
    kt_reply(&question->from, result < 0 ? REPORTS_FORGET_LATER : REPORTS_FORGET_DONE, NULL, 0);
}

static void on_call(void *state, const struct kt_message *call)
{
    struct question *question = kt_must(talloc_zero(NULL, struct question));
    cJSON *json = cJSON_ParseWithLength(call->data, call->size);
    const char *user = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "user"));
    (void)state;
    question->from = kt_message_from(call);
    if (call->type == REPORTS_FORGET && user)
        question->realm = personal_realm(question, user);
    cJSON_Delete(json);
    if (kt_spawn(&(struct kt_spawn){.label = "forgets reports", .give = true}, answer, question,
                 NULL) == 0)
        return;
    kt_reply(&question->from, REPORTS_FORGET_LATER, NULL, 0);
    talloc_free(question);
}

static int init(void *argument, void **ret_state)
{
    *ret_state = argument;
    return 0;
}

static const struct kt_server server = {
    .label = "who forgets reports",
    .init = init,
    .handle_call = on_call,
};

int forget_start(struct kt_plugin *plugin)
{
    const struct kt_child child = {
        .id = "forget", .restart = KT_PERMANENT, .server = &server, .name = REPORTS_FORGET_SERVER};
    return kt_plugin_child(plugin, &child, NULL);
}
