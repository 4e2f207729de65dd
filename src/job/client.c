/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The functions of kontor/job.h for a worker's processes: looks are reads of the registry's shared
 * memory, waiting is left to the dispatcher of the worker, and what is to be done is asked of the
 * job's own process, or done here for a job that has none any more.
 */
#include "job/jobs.h"

#include "job/hold.h"
#include "plugin/plugin.h"
#include "process/runtime.h"

#include <errno.h>
#include <kontor/log.h>
#include <stddef.h>
#include <string.h>

/** Others start, end and replace the same job at the same moment: then it is tried again. */
#define ATTEMPTS_MAX 100
#define PAUSE_MS 5
/** After the end of a job's worker, the dispatchers say within this how the job ended. */
#define BURIAL_MS 1000
/** Jobs in one page. */
#define PAGE_MAX 64u

/* ---------------------------------------------------------------- looking */

/** @param ret_entry  may be NULL */
static int look(const char *key, struct kt_registry_entry *ret_entry, struct kt_job *ret_job)
{
    struct kt_registry_entry entry;
    int result = kt_registry_lookup(key, &entry);
    if (result < 0)
        return result;
    if (ret_entry)
        *ret_entry = entry;
    result = kt_job_read(key, entry.value, ret_job);
    return result == -EBADMSG ? -ENOENT : result;
}

int kt_job_look(const char *realm, const char *id, struct kt_job *ret_job)
{
    char key[KT_REGISTRY_KEY_MAX + 1];
    int result = kt_job_key(realm, id, key);
    return result < 0 ? result : look(key, NULL, ret_job);
}

/* ---------------------------------------------------------------- waiting */

/** Wait until the entry is of another version than this. @return 0, -ETIMEDOUT, -ENOTCONN */
static int await_change(const char *key, uint64_t version, int64_t deadline_ms)
{
    char buffer[sizeof(struct kt_jobs_follow) + KT_REGISTRY_KEY_MAX + 1]
        __attribute__((aligned(8)));
    struct kt_jobs_follow *follow = (struct kt_jobs_follow *)buffer;
    size_t size = offsetof(struct kt_jobs_follow, key) + strlen(key) + 1;
    int64_t left_ms = deadline_ms - kt_now_ms();
    if (left_ms <= 0)
        return -ETIMEDOUT;
    follow->version = version;
    follow->deadline_ms = deadline_ms;
    memcpy(follow->key, key, strlen(key) + 1);
    kt_wait_reason(KT_REASON_JOB);
    int result = kt_call(kt_jobs_dispatcher(), KT_JOBS_FOLLOW, buffer, size, left_ms, NULL);
    if (result != -ESRCH && result != -EOWNERDEAD && result != -ENOBUFS)
        return result;
    kt_sleep(PAUSE_MS); /* it is being started again */
    return 0;
}

/** A deadline in so many milliseconds. */
static int64_t deadline_of(int64_t timeout_ms)
{
    return timeout_ms < 0 || timeout_ms > INT64_MAX / 2 ? INT64_MAX / 2 : kt_now_ms() + timeout_ms;
}

/** What to say of an active job whose entry has gone: its worker has died, others tell it soon. */
static int await_burial(const char *key, struct kt_job *job)
{
    int64_t deadline_ms = kt_now_ms() + BURIAL_MS;
    struct kt_job found;
    int result;
    while ((result = look(key, NULL, &found)) == -ENOENT)
        if (await_change(key, 0, deadline_ms) < 0)
            break;
    if (result == 0) {
        *job = found;
    } else if (result == -ENOENT) {
        job->state = KT_JOB_FAILED;
        job->ended_ms = kt_unix_ms();
        kt_job_text(job->reason, sizeof job->reason, "it was interrupted");
        result = 0;
    }
    return result;
}

/** Whether a job is what was known of it. */
static bool is_same(const struct kt_job *a, const struct kt_job *b)
{
    return a->state == b->state && a->position == b->position && a->done == b->done &&
           a->total == b->total && a->queued_ms == b->queued_ms && a->started_ms == b->started_ms &&
           a->ended_ms == b->ended_ms && a->expires_ms == b->expires_ms &&
           strcmp(a->phase, b->phase) == 0;
}

/** Wait until a job is ended, or (known) other than known. */
static int await_job(const char *key, const struct kt_job *known, int64_t timeout_ms,
                     struct kt_job *ret_job)
{
    int64_t deadline_ms = deadline_of(timeout_ms);
    struct kt_registry_entry entry;
    bool was_active = known && kt_job_is_active(known->state);
    struct kt_job last;
    if (known)
        last = *known;
    for (;;) {
        int result = look(key, &entry, ret_job);
        if (result == -ENOENT && was_active) {
            *ret_job = last;
            result = await_burial(key, ret_job);
            if (result == 0 && kt_job_is_active(ret_job->state) && !known)
                continue; /* somebody has started it anew */
            return result;
        }
        if (result < 0)
            return result;
        if (known ? !is_same(known, ret_job) : !kt_job_is_active(ret_job->state))
            return 0;
        was_active = kt_job_is_active(ret_job->state);
        last = *ret_job;
        result = await_change(key, entry.version, deadline_ms);
        if (result < 0)
            return result;
    }
}

int kt_job_wait(const char *realm, const char *id, int64_t timeout_ms, struct kt_job *ret_job)
{
    char key[KT_REGISTRY_KEY_MAX + 1];
    int result = kt_job_key(realm, id, key);
    return result < 0 ? result : await_job(key, NULL, timeout_ms, ret_job);
}

int kt_job_follow(const struct kt_job *known, int64_t timeout_ms, struct kt_job *ret_job)
{
    char key[KT_REGISTRY_KEY_MAX + 1];
    const struct kt_job copy = *known; /* ret_job may be the same */
    int result = kt_job_key(copy.realm, copy.id, key);
    return result < 0 ? result : await_job(key, &copy, timeout_ms, ret_job);
}

/* ---------------------------------------------------------------- starting */

static const struct kt_job_kind *find_kind(const struct kt_plugin *plugin, const char *name)
{
    const struct kt_job_kind *kind = plugin ? plugin->descriptor->jobs : NULL;
    while (kind && kind->name && strcmp(kind->name, name) != 0)
        kind++;
    return kind && kind->name ? kind : NULL;
}

int kt_job_start(const struct kt_job_start *start, struct kt_job *ret_job)
{
    char key[KT_REGISTRY_KEY_MAX + 1];
    const struct kt_plugin *plugin = kt_self_plugin();
    const struct kt_job_kind *kind = start->kind ? find_kind(plugin, start->kind) : NULL;
    int result = kind ? kt_job_key(start->realm, start->id, key) : -EINVAL;
    if (result < 0)
        return result;
    if (start->argument && strlen(start->argument) > KT_JOB_ARGUMENT_MAX)
        return -E2BIG;
    for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        result = look(key, NULL, ret_job);
        if (result == 0 && (kt_job_is_active(ret_job->state) || ret_job->state == KT_JOB_READY))
            return -EEXIST;
        if (result < 0 && result != -ENOENT)
            return result;
        if (result == 0) { /* what is told of an earlier one; only one of us removes it */
            result = kt_registry_unregister(key);
            if (result == -EPERM)
                kt_sleep(PAUSE_MS); /* its process is about to end */
            if (result < 0 && result != -ENOENT && result != -EPERM)
                return result;
            continue;
        }
        result = kt_life_start(key, start, plugin, kind);
        if (result == 0 && look(key, NULL, ret_job) == 0)
            return 0;
        if (result == 0) { /* it is over already, and forgotten */
            memset(ret_job, 0, sizeof *ret_job);
            kt_job_text(ret_job->realm, sizeof ret_job->realm, start->realm);
            kt_job_text(ret_job->id, sizeof ret_job->id, start->id);
            ret_job->state = KT_JOB_EXPIRED;
            return 0;
        }
        if (result != -EEXIST)
            return result;
    }
    return -ETIMEDOUT;
}

/* ---------------------------------------------------------------- what is done to a job */

/** Ask the job's process. @return what it answers, -ENOENT when there is none */
static int ask(const char *key, uint32_t type, const void *data, size_t size)
{
    const struct kt_message *reply;
    int result = kt_registry_call(key, type, data, size, KT_JOBS_PATIENCE_MS, &reply);
    if (result == 0 && reply->size == sizeof result)
        memcpy(&result, reply->data, sizeof result);
    return result == -ESRCH || result == -EOWNERDEAD ? -ENOENT : result;
}

/** Change the retention of one that has no process any more. */
static int extend_kept(const char *key, struct kt_job *job, int64_t retention_ms)
{
    char value[KT_REGISTRY_VALUE_MAX + 1];
    if (job->state != KT_JOB_READY)
        return -EALREADY;
    job->expires_ms = kt_unix_ms() + retention_ms;
    const struct kt_registration what = {
        .key = key,
        .value = value,
        .value_bytes = kt_job_write(job, value),
        .keep_until_ms = job->expires_ms,
    };
    return what.value_bytes ? kt_registry_update(&what) : -ENOMEM;
}

/** Do it to one that has no process any more. */
static int do_kept(const char *key, struct kt_job *job, enum kt_jobs_message what,
                   int64_t retention_ms)
{
    int result;
    switch (what) {
    case KT_JOBS_EXTEND:
        return extend_kept(key, job, retention_ms);
    case KT_JOBS_DELETE:
    case KT_JOBS_EXPIRE:
        result = kt_registry_unregister(key);
        if (result == 0 && what == KT_JOBS_EXPIRE && job->state == KT_JOB_READY) {
            job->state = KT_JOB_EXPIRED;
            job->expires_ms = kt_unix_ms();
            kt_jobs_bury(job);
        }
        return result;
    default:
        return -EALREADY;
    }
}

/** Do something to a job, whoever owns it now. */
static int act(const char *realm, const char *id, enum kt_jobs_message what, const void *data,
               size_t size)
{
    char key[KT_REGISTRY_KEY_MAX + 1];
    struct kt_registry_entry entry;
    struct kt_job job;
    int64_t retention_ms = 0;
    int result = kt_job_key(realm, id, key);
    if (what == KT_JOBS_EXTEND)
        memcpy(&retention_ms, data, sizeof retention_ms);
    for (int attempt = 0; result == 0 && attempt < ATTEMPTS_MAX; attempt++) {
        result = look(key, &entry, &job);
        if (result < 0)
            return result;
        result = entry.owner == KT_PID_NONE ? do_kept(key, &job, what, retention_ms)
                                            : ask(key, what, data, size);
        if (result != -EPERM && result != -ENOENT)
            return result;
        kt_sleep(PAUSE_MS); /* its owner went or came just now */
        result = 0;
    }
    return result < 0 ? result : -ENOENT;
}

int kt_job_cancel(const char *realm, const char *id, const char *who)
{
    char text[KT_JOB_TEXT_MAX];
    kt_job_text(text, sizeof text, who);
    return act(realm, id, KT_JOBS_CANCEL, text, strlen(text) + 1);
}

int kt_job_extend(const char *realm, const char *id, int64_t retention_ms)
{
    return act(realm, id, KT_JOBS_EXTEND, &retention_ms, sizeof retention_ms);
}

int kt_job_delete(const char *realm, const char *id)
{
    return act(realm, id, KT_JOBS_DELETE, NULL, 0);
}

int kt_job_expire(const char *realm, const char *id)
{
    return act(realm, id, KT_JOBS_EXPIRE, NULL, 0);
}

int kt_job_file(const char *realm, const char *id, struct kt_memory_file **ret_file)
{
    char key[KT_REGISTRY_KEY_MAX + 1];
    int result = kt_job_key(realm, id, key);
    if (result == 0)
        result = kt_registry_file(key, ret_file);
    if (result == 0 && kt_job_hold(*ret_file) < 0)
        kt_log_debug("the result of job %s/%s is read without being held", realm, id);
    return result;
}

/* ---------------------------------------------------------------- listing */

/** @return whether there is memory */
static bool add_to_page(struct kt_job_page *page, const struct kt_registry_entry *entry)
{
    struct kt_job *job = talloc(page, struct kt_job);
    if (!job)
        return false;
    if (kt_job_read(entry->key, entry->value, job) == 0)
        page->jobs[page->count++] = job;
    else
        talloc_free(job);
    return true;
}

int kt_job_list(const char *realm, const struct kt_job *after, struct kt_job_page **ret_page)
{
    char prefix[KT_REGISTRY_KEY_MAX + 1] = KT_JOB_PREFIX, last[KT_REGISTRY_KEY_MAX + 1];
    struct kt_registry_page *entries;
    int result = realm ? kt_job_key(realm, "-", prefix) : 0;
    if (result == 0 && realm)
        prefix[strlen(prefix) - 1] = '\0';
    if (result == 0 && after)
        result = kt_job_key(after->realm, after->id, last);
    if (result == 0)
        result = kt_registry_select(prefix, after ? last : NULL, PAGE_MAX, &entries);
    if (result < 0)
        return result;
    struct kt_job_page *page =
        talloc_zero_size(kt_self_memory(), sizeof *page + entries->count * sizeof(struct kt_job *));
    for (uint32_t i = 0; page && i < entries->count; i++)
        if (!add_to_page(page, entries->entries[i]))
            TALLOC_FREE(page);
    if (page)
        page->has_more = entries->has_more;
    talloc_free(entries);
    *ret_page = page;
    return page ? 0 : -ENOMEM;
}
