/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of one job: a server that owns the job's entry. It registers, waits for its turn, runs,
 * publishes, sleeps for the retention, and ends, and the registry forgets. What is to be told of a
 * failure is kept by the registry for a while, without a process.
 */
#include "job/life.h"

#include "job/outcome.h"
#include "process/runtime.h"
#include "registry/client.h"

#include <errno.h>
#include <fcntl.h>
#include <kontor/log.h>
#include <kontor/server.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/** Who is asked to end and does not is killed after this. */
#define KILL_MS 3000
/** Progress is written to the registry at most so often. */
#define WRITE_MS 250
/** How often a job asks again whether there is room while nobody leads, and how long in all. */
#define LEADER_PAUSE_MS 20
#define LEADER_ATTEMPTS 250
/** More results than the registry holds files do not have to make room. */
#define PUBLISH_ATTEMPTS 2000
#define NEVER INT64_MAX

/** Jobs of this worker that are queued or running, and who waits for the last one's end. */
static struct {
    struct kt_life *first;
    struct kt_ticket waiting;
    bool has_waiting;
} lives;

/* ---------------------------------------------------------------- the list of the active */

static void leave(struct kt_life *life)
{
    if (!life->place)
        return;
    *life->place = life->next;
    if (life->next)
        life->next->place = life->place;
    life->place = NULL;
    if (!lives.first && lives.has_waiting) {
        lives.has_waiting = false;
        kt_unpark(lives.waiting, 0);
    }
}

static int end_life(struct kt_life *life)
{
    leave(life);
    return 0;
}

static void enter(struct kt_life *life)
{
    life->pid = kt_self();
    life->next = lives.first;
    life->place = &lives.first;
    if (life->next)
        life->next->place = &life->next;
    lives.first = life;
    talloc_set_destructor(life, end_life);
}

static void tell_all(const char *reason)
{
    for (const struct kt_life *life = lives.first; life; life = life->next)
        kt_send(life->pid, KT_JOBS_END, reason, strlen(reason) + 1);
}

/** Wait until no job of this worker is queued or running. */
static void await_all(int64_t timeout_ms)
{
    if (!lives.first || timeout_ms <= 0)
        return;
    lives.waiting = kt_park_ticket();
    lives.has_waiting = true;
    kt_wait_reason(KT_REASON_JOB);
    kt_park(timeout_ms);
    lives.has_waiting = false;
}

void kt_jobs_end(int64_t patience_ms, const char *reason)
{
    await_all(patience_ms);
    tell_all(reason);
    await_all(KILL_MS + 1000);
}

/* ---------------------------------------------------------------- the entry */

/** Write what is known into the entry. @return as kt_registry_update */
static int write_entry(struct kt_life *life, int64_t keep_until_ms,
                       const struct kt_memory_file *file)
{
    char value[KT_REGISTRY_VALUE_MAX + 1];
    const struct kt_registration what = {
        .key = life->key,
        .value = value,
        .value_bytes = kt_job_write(&life->job, value),
        .keep_until_ms = keep_until_ms,
        .file = file,
    };
    life->is_dirty = false;
    life->write_ms = kt_now_ms() + WRITE_MS;
    return what.value_bytes ? kt_registry_update(&what) : -ENOMEM;
}

/** It has ended without a result: the registry tells it for a while, nobody owns it. */
static _Noreturn void end_with(struct kt_life *life, enum kt_job_state state, const char *reason)
{
    struct kt_job *job = &life->job;
    job->state = state;
    job->position = 0;
    job->ended_ms = kt_unix_ms();
    kt_job_text(job->reason, sizeof job->reason, reason);
    kt_log_info("job %s/%s %s: %s", job->realm, job->id, kt_job_state_name(state), job->reason);
    write_entry(life, job->ended_ms + kt_jobs_options.remember_ms, NULL);
    leave(life);
    kt_exit(KT_EXIT_NORMAL, NULL);
}

/* ---------------------------------------------------------------- running */

static void earlier(int64_t *deadline_ms, int64_t other_ms)
{
    if (other_ms < *deadline_ms)
        *deadline_ms = other_ms;
}

/** Plan the next time-out. */
static void plan(const struct kt_life *life)
{
    int64_t next_ms = life->limit_ms, now_ms = kt_now_ms();
    if (life->job.state == KT_JOB_READY) {
        kt_server_timeout_at(life->job.expires_ms);
        return;
    }
    earlier(&next_ms, life->kill_ms);
    if (life->is_dirty)
        earlier(&next_ms, life->write_ms);
    kt_server_timeout(next_ms == NEVER ? -1 : next_ms > now_ms ? next_ms - now_ms : 0);
}

/** Ask the runner to end; if it does not, it is killed. */
static void stop_runner(struct kt_life *life, enum kt_job_outcome_cause cause)
{
    if (life->cause != KT_JOB_CAUSE_ITSELF)
        return;
    life->cause = cause;
    life->limit_ms = NEVER;
    life->kill_ms = kt_now_ms() + KILL_MS;
    kt_runner_signal(life->runner, SIGTERM);
}

static void run(struct kt_life *life)
{
    struct kt_error error = {0};
    char label[2 * KT_JOB_NAME_MAX + 2];
    struct kt_job *job = &life->job;
    if (job->state != KT_JOB_QUEUED)
        return;
    job->state = KT_JOB_RUNNING;
    job->position = 0;
    job->started_ms = kt_unix_ms();
    snprintf(label, sizeof label, "%s/%s", job->realm, job->id);
    int result = write_entry(life, 0, NULL);
    if (result == 0)
        result = kt_memory_file_new(life, label, &life->output);
    if (result < 0)
        kt_error_set(&error, result, "it could not be started: %s", strerror(-result));
    const struct kt_runner_order order = {
        .label = label,
        .plugin = life->plugin,
        .kind = job->kind,
        .argument = life->argument,
        .limits = life->limits,
        .output = life->output,
        .input = life->input,
    };
    if (result == 0)
        result = kt_runner_start(&order, &life->runner, &error);
    if (result < 0)
        end_with(life, KT_JOB_FAILED, error.text);
    TALLOC_FREE(life->argument);
    TALLOC_FREE(life->input);
    life->limit_ms = kt_now_ms() + life->limits.time_ms;
    kt_log_debug("job %s runs", label);
}

/* ---------------------------------------------------------------- ready */

static void publish(struct kt_life *life)
{
    struct kt_job *job = &life->job;
    char reason[KT_JOB_TEXT_MAX];
    int result = kt_memory_file_seal(life->output);
    job->result_bytes = life->output->size_bytes;
    job->state = KT_JOB_READY;
    job->phase[0] = '\0';
    memcpy(job->result, life->runner->result, sizeof job->result);
    job->ended_ms = kt_unix_ms();
    job->expires_ms = job->ended_ms + life->retention_ms;
    if (result == 0)
        result = write_entry(life, job->expires_ms, life->output);
    for (int attempt = 0; attempt < PUBLISH_ATTEMPTS; attempt++) {
        if ((result != -ENOSPC && result != -EMFILE) ||
            !kt_job_outcome_make_room(job->result_bytes))
            break;
        result = write_entry(life, job->expires_ms, life->output);
    }
    if (result < 0) {
        kt_job_outcome_unkept(result, job->result_bytes, reason, sizeof reason);
        job->result_bytes = 0;
        job->expires_ms = 0;
        job->result[0] = '\0';
        end_with(life, KT_JOB_FAILED, reason);
    }
    kt_log_info("job %s/%s ready: %llu bytes in %lld ms", job->realm, job->id,
                (unsigned long long)job->result_bytes,
                (long long)(job->ended_ms - job->started_ms));
    leave(life);
    TALLOC_FREE(life->output);
    talloc_free(life->runner);
    life->runner = NULL;
}

/** There is news of the runner. */
static void look(struct kt_life *life)
{
    struct kt_job *job = &life->job;
    char reason[KT_JOB_TEXT_MAX];
    if (!life->runner)
        return;
    kt_runner_look(life->runner);
    const struct kt_runner *runner = life->runner;
    if (!runner->has_ended) {
        memcpy(job->phase, runner->phase, sizeof job->phase);
        job->done = runner->done;
        job->total = runner->total;
        life->is_dirty = true;
        return;
    }
    switch (kt_job_outcome(runner, life->cause, &life->limits, life->words, reason)) {
    case KT_JOB_READY:
        publish(life);
        break;
    case KT_JOB_CANCELLED:
        end_with(life, KT_JOB_CANCELLED, reason);
    default:
        end_with(life, KT_JOB_FAILED, reason);
    }
}

/* ---------------------------------------------------------------- what it is told and asked */

static void answer(const struct kt_message *call, int result)
{
    struct kt_from from = kt_message_from(call);
    kt_reply(&from, 0, &result, sizeof result);
}

static const char *text_of(const struct kt_message *message)
{
    const char *text = message->data;
    return message->size > 0 && text[message->size - 1] == '\0' ? text : "";
}

static void cancel(struct kt_life *life, const struct kt_message *call)
{
    char words[KT_JOB_TEXT_MAX];
    if (!kt_job_is_active(life->job.state)) {
        answer(call, -EALREADY);
        return;
    }
    kt_job_text(words, sizeof words, text_of(call));
    answer(call, 0);
    if (life->job.state == KT_JOB_QUEUED)
        end_with(life, KT_JOB_CANCELLED, words);
    memcpy(life->words, words, sizeof words);
    stop_runner(life, KT_JOB_CAUSE_CANCELLED);
    kt_job_text(life->job.phase, sizeof life->job.phase, "cancelling");
    life->is_dirty = true;
}

static void extend(struct kt_life *life, const struct kt_message *call)
{
    int64_t retention_ms = 0;
    if (life->job.state != KT_JOB_READY || call->size != sizeof retention_ms) {
        answer(call, -EALREADY);
        return;
    }
    memcpy(&retention_ms, call->data, sizeof retention_ms);
    life->job.expires_ms = kt_unix_ms() + retention_ms;
    answer(call, write_entry(life, life->job.expires_ms, NULL));
}

/** Forget the result: because somebody says so, or because its room is needed. */
static void forget(struct kt_life *life, const struct kt_message *call)
{
    if (life->job.state != KT_JOB_READY) {
        answer(call, -EBUSY);
        return;
    }
    int result = kt_registry_unregister(life->key);
    if (result == 0 && call->type == KT_JOBS_EXPIRE)
        kt_job_outcome_expire(&life->job);
    answer(call, result);
    kt_exit(KT_EXIT_NORMAL, NULL);
}

static void on_call(void *state, const struct kt_message *call)
{
    struct kt_life *life = state;
    switch (call->type) {
    case KT_JOBS_CANCEL:
        cancel(life, call);
        break;
    case KT_JOBS_EXTEND:
        extend(life, call);
        break;
    case KT_JOBS_DELETE:
    case KT_JOBS_EXPIRE:
        forget(life, call);
        break;
    default:
        answer(call, -EINVAL);
        break;
    }
    plan(life);
}

static void on_message(void *state, const struct kt_message *message)
{
    struct kt_life *life = state;
    switch (message->type) {
    case KT_JOBS_RUN:
        run(life);
        break;
    case KT_JOBS_POSITION:
        if (life->job.state == KT_JOB_QUEUED && message->size == sizeof life->job.position) {
            memcpy(&life->job.position, message->data, sizeof life->job.position);
            life->is_dirty = true;
            life->write_ms = 0;
        }
        break;
    case KT_JOBS_WAKE:
        look(life);
        break;
    case KT_JOBS_END:
        kt_job_text(life->words, sizeof life->words, text_of(message));
        if (life->job.state == KT_JOB_QUEUED)
            end_with(life, KT_JOB_FAILED, life->words);
        if (life->job.state == KT_JOB_RUNNING)
            stop_runner(life, KT_JOB_CAUSE_ENDED);
        break;
    default:
        break;
    }
    plan(life);
}

static void on_timeout(void *state)
{
    struct kt_life *life = state;
    int64_t now_ms = kt_now_ms();
    if (life->job.state == KT_JOB_READY)
        kt_exit(KT_EXIT_NORMAL, NULL); /* the registry forgets, and the dispatchers tell it */
    if (now_ms >= life->kill_ms) {
        life->kill_ms = NEVER;
        kt_runner_signal(life->runner, SIGKILL);
    }
    if (now_ms >= life->limit_ms)
        stop_runner(life, KT_JOB_CAUSE_TIME);
    if (life->is_dirty && now_ms >= life->write_ms)
        write_entry(life, 0, NULL);
    plan(life);
}

/* ---------------------------------------------------------------- the start */

/** Ask the leading dispatcher whether there is room. @return 0, -EBUSY … */
static int ask_for_room(const char *key)
{
    const struct kt_message *reply;
    int result = -ENOENT;
    for (int attempt = 0; attempt < LEADER_ATTEMPTS; attempt++) {
        result = kt_registry_call(KT_JOBS_LEADER, KT_JOBS_ADMIT, key, strlen(key) + 1,
                                  KT_JOBS_PATIENCE_MS, &reply);
        if (result == 0 && reply->size == sizeof result)
            memcpy(&result, reply->data, sizeof result);
        if (result != -ENOENT && result != -ESRCH && result != -EOWNERDEAD && result != -EAGAIN)
            return result;
        kt_sleep(LEADER_PAUSE_MS); /* one goes, another takes over */
    }
    return -ETIMEDOUT;
}

static int init(void *argument, void **ret_state)
{
    struct kt_life *life = argument;
    char value[KT_REGISTRY_VALUE_MAX + 1];
    *ret_state = life;
    kt_label("job %s/%s", life->job.realm, life->job.id);
    int result = ask_for_room(life->key);
    if (result < 0)
        return result;
    const struct kt_registration what = {
        .key = life->key, .value = value, .value_bytes = kt_job_write(&life->job, value)};
    result = what.value_bytes ? kt_registry_register(&what, NULL) : -ENOMEM;
    if (result < 0)
        return result;
    enter(life);
    return 0;
}

static const struct kt_server life_server = {
    .label = "job",
    .init = init,
    .handle_call = on_call,
    .handle_message = on_message,
    .handle_timeout = on_timeout,
};

static void set_limits(struct kt_job_limits *limits, const struct kt_job_limits *wanted)
{
    const struct kt_job_limits *usual = &kt_jobs_options.limits;
    *limits = *wanted;
    if (limits->memory_bytes == 0)
        limits->memory_bytes = usual->memory_bytes;
    if (limits->output_bytes == 0)
        limits->output_bytes = usual->output_bytes;
    if (limits->cpu_ms <= 0)
        limits->cpu_ms = usual->cpu_ms;
    if (limits->time_ms <= 0)
        limits->time_ms = usual->time_ms;
}

/** Whoever starts a job may be gone when its turn comes. @return 0, -EMFILE, -ENOMEM */
static int keep_input(struct kt_life *life, const struct kt_memory_file *input)
{
    int fd = fcntl(input->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    life->input = kt_memory_file_wrap(life, fd, input->size_bytes);
    return life->input ? 0 : -ENOMEM;
}

int kt_life_start(const char *key, const struct kt_job_start *start, const struct kt_plugin *plugin,
                  const struct kt_job_kind *kind)
{
    const struct kt_server_start options = {.give = true};
    struct kt_life *life = talloc_zero(kt_self_memory(), struct kt_life);
    if (!life)
        return -ENOMEM;
    struct kt_job *job = &life->job;
    snprintf(life->key, sizeof life->key, "%s", key);
    life->plugin = plugin;
    life->argument = talloc_strdup(life, start->argument ? start->argument : "");
    life->retention_ms = start->retention_ms > 0 ? start->retention_ms : 0;
    life->limit_ms = life->kill_ms = NEVER;
    set_limits(&life->limits, &start->limits);
    job->state = KT_JOB_QUEUED;
    job->queued_ms = kt_unix_ms();
    kt_job_text(job->realm, sizeof job->realm, start->realm);
    kt_job_text(job->id, sizeof job->id, start->id);
    kt_job_text(job->plugin, sizeof job->plugin, kt_plugin_name(plugin));
    kt_job_text(job->kind, sizeof job->kind, kind->name);
    kt_job_text(job->title, sizeof job->title, start->title);
    kt_job_set_who(job, start->who);
    if (!life->argument) {
        talloc_free(life);
        return -ENOMEM;
    }
    int result = start->input ? keep_input(life, start->input) : 0;
    if (result < 0) {
        talloc_free(life);
        return result;
    }
    result = kt_server_start(&life_server, &options, life, NULL);
    /* it was ended before it was there: as an owner when the registry was lost, with its plugin */
    return result == -EOWNERDEAD ? -ENOTCONN : result;
}
