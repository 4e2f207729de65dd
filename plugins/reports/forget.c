/* SPDX-License-Identifier: BSD-2-Clause */
/* A person's jobs are those of a realm of their own. One that runs is cancelled before. */
#include "forget.h"

#include "personal.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <kontor/job.h>
#include <kontor/log.h>
#include <kontor/plugin.h>
#include <kontor/server.h>
#include <string.h>

/** How long a cancelled job may take to end. */
#define END_MS 5000

/** @return 0, also when it is gone already, or a negative errno */
static int forget_job(const struct kt_job *job)
{
    struct kt_job ended;
    int result = 0;
    if (job->state == KT_JOB_QUEUED || job->state == KT_JOB_RUNNING)
        result = kt_job_cancel(job->realm, job->id, job->who);
    if (result == 0 || result == -EALREADY)
        result = kt_job_wait(job->realm, job->id, END_MS, &ended);
    if (result == 0)
        result = kt_job_delete(job->realm, job->id);
    return result == -ENOENT ? 0 : result;
}

static int forget_jobs(const char *realm)
{
    struct kt_job_page *page;
    int result = kt_job_list(realm, NULL, &page);
    while (result == 0 && page->count > 0) {
        for (uint32_t i = 0; i < page->count && result == 0; i++)
            result = forget_job(page->jobs[i]);
        if (result < 0 || !page->has_more)
            break;
        result = kt_job_list(realm, page->jobs[page->count - 1], &page);
    }
    return result;
}

static void on_call(void *state, const struct kt_message *call)
{
    struct kt_from from = kt_message_from(call);
    cJSON *json = cJSON_ParseWithLength(call->data, call->size);
    const char *user = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "user"));
    const char *realm = user ? personal_realm(kt_self_memory(), user) : NULL;
    (void)state;
    cJSON_Delete(json);
    int result = call->type == REPORTS_FORGET && realm ? forget_jobs(realm) : -EINVAL;
    if (result < 0)
        kt_log_warning("a person's reports can't be deleted now: %s", strerror(-result));
    kt_reply(&from, result < 0 ? REPORTS_FORGET_LATER : REPORTS_FORGET_DONE, NULL, 0);
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
