/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The dispatcher of a worker: it hears of every change of every job, and tells those who wait for
 * one. Of the dispatchers of all workers the one that is registered leads: it says whether there is
 * room, and whose turn it is. The others know the same and take over when it goes. What must be
 * told of jobs that went without a word is done by each of them: registering is atomic.
 */
#include "job/board.h"
#include "job/jobs.h"
#include "job/queue.h"
#include "job/runner.h"

#include "process/runtime.h"

#include <errno.h>
#include <kontor/log.h>
#include <kontor/supervisor.h>
#include <stdio.h>
#include <string.h>

/** Who was told that it is his turn, or that there is room, and does nothing about it, loses it. */
#define TURN_MS 5000
/** Positions in the queue are told at most so often. */
#define POSITIONS_MS 250
/** How often old waiters and reservations are looked for, and what runners have left. */
#define TIDY_MS 10000
/** A clock of the registry and ours may differ by so much when a result has expired. */
#define EXPIRY_SLACK_MS 2000

/** The dispatcher of this worker. */
static struct dispatcher {
    kt_pid pid;
    struct kt_board *board;
    uint64_t jobs, leaders; /**< subscriptions */
    bool is_leader;
    bool is_turn_due;         /**< something has changed that may give somebody a turn */
    int64_t positions_due_ms; /**< monotonic; INT64_MAX: nothing has changed */
    int64_t positions_told_ms, tidied_ms;
} dispatcher;

kt_pid kt_jobs_dispatcher(void)
{
    return dispatcher.pid;
}

/* ---------------------------------------------------------------- the dead */

/** What a burial takes along. */
struct burial {
    char key[KT_REGISTRY_KEY_MAX + 1];
    char value[KT_REGISTRY_VALUE_MAX + 1];
    size_t value_bytes;
};

/** Register and end: so nobody owns the entry, and whoever starts the job anew may replace it. */
static void bury(void *argument)
{
    const struct burial *burial = argument;
    const struct kt_registration what = {
        .key = burial->key,
        .value = burial->value,
        .value_bytes = burial->value_bytes,
        .keep_until_ms = kt_unix_ms() + kt_jobs_options.remember_ms,
    };
    kt_registry_register(&what, NULL);
}

void kt_jobs_bury(const struct kt_job *job)
{
    const struct kt_spawn options = {.label = "burial of a job", .give = true};
    struct burial *burial = talloc(kt_self_memory(), struct burial);
    if (!burial)
        return;
    burial->value_bytes = kt_job_write(job, burial->value);
    if (kt_job_key(job->realm, job->id, burial->key) < 0 || burial->value_bytes == 0 ||
        kt_spawn(&options, bury, burial, NULL) < 0)
        talloc_free(burial);
}

/**
 * An entry has gone: some of them went without a word.
 * @param had_owner  till then: only who is active has one, and one that was cancelled and deleted
 *                   may have done so since we looked
 */
static void mourn(const struct kt_job *last, bool had_owner)
{
    struct kt_job job = *last;
    if (kt_job_is_active(job.state)) {
        if (!had_owner)
            return;
        job.state = KT_JOB_FAILED;
        job.ended_ms = kt_unix_ms();
        kt_job_text(job.reason, sizeof job.reason,
                    "it was interrupted, since the worker that ran it ended");
    } else if (job.state == KT_JOB_READY && job.expires_ms <= kt_unix_ms() + EXPIRY_SLACK_MS) {
        job.state = KT_JOB_EXPIRED;
    } else {
        return;
    }
    job.position = 0;
    kt_jobs_bury(&job);
}

/* ---------------------------------------------------------------- turns */

/** The jobs that run and wait, collected for kt_queue_order. */
struct collection {
    struct kt_queue_place *places;
    size_t count;
    int64_t now_ms;
};

static void collect(struct kt_card *card, void *argument)
{
    struct collection *collection = argument;
    if (!card->has_entry || !kt_job_is_active(card->job->state))
        return;
    collection->places[collection->count++] = (struct kt_queue_place){
        .realm = card->job->realm,
        .queued_ms = card->job->queued_ms,
        .number = card->number,
        .is_running =
            card->job->state == KT_JOB_RUNNING || card->turn_until_ms > collection->now_ms,
        .job = card,
    };
}

static struct collection collect_queue(void)
{
    struct collection collection = {.now_ms = kt_now_ms()};
    collection.places =
        kt_must(talloc_array(dispatcher.board, struct kt_queue_place, dispatcher.board->count + 1));
    kt_board_each(dispatcher.board, collect, &collection);
    return collection;
}

/** It is marked also when it can't be told now: so it is tried again, but not at once. */
static void give_turn(struct kt_card *card)
{
    kt_registry_send(card->key, KT_JOBS_RUN, NULL, 0);
    card->turn_until_ms = kt_now_ms() + TURN_MS;
}

static void tell_position(struct kt_card *card, uint32_t position)
{
    if (card->position_told == position)
        return;
    card->position_told = position;
    kt_registry_send(card->key, KT_JOBS_POSITION, &position, sizeof position);
}

/** Give the turns that can be given, and tell the others where they are. */
static void dispatch(void)
{
    const struct kt_jobs_options *options = &kt_jobs_options;
    struct collection queue = collect_queue();
    size_t running = kt_queue_order(queue.places, queue.count);
    bool is_time = kt_now_ms() >= dispatcher.positions_due_ms;
    uint32_t position = 0;
    for (size_t i = running; i < queue.count; i++) {
        struct kt_card *card = queue.places[i].job;
        if (kt_queue_may_run(&queue.places[i], running, options->jobs_max, options->realm_max)) {
            give_turn(card);
            running++;
        } else if (is_time) {
            tell_position(card, ++position);
        } else if (running >= options->jobs_max) {
            break;
        }
    }
    dispatcher.is_turn_due = false;
    if (is_time) {
        dispatcher.positions_due_ms = INT64_MAX;
        dispatcher.positions_told_ms = kt_now_ms();
    }
    talloc_free(queue.places);
}

/** Plan the next time-out: at once for turns, soon for positions, now and then to tidy up. */
static void plan(void)
{
    int64_t now_ms = kt_now_ms(), next_ms = dispatcher.tidied_ms + TIDY_MS;
    if (dispatcher.is_leader && dispatcher.positions_due_ms < next_ms)
        next_ms = dispatcher.positions_due_ms;
    if (dispatcher.is_leader && dispatcher.is_turn_due)
        next_ms = now_ms;
    kt_server_timeout(next_ms > now_ms ? next_ms - now_ms : 0);
}

/** A job came, went, or changed its state. */
static void queue_changed(void)
{
    dispatcher.is_turn_due = true;
    if (dispatcher.positions_due_ms == INT64_MAX)
        dispatcher.positions_due_ms = dispatcher.positions_told_ms + POSITIONS_MS;
}

/* ---------------------------------------------------------------- changes */

/** Look at an entry again, and tell who waits for that. @param change  NULL: there may be one */
static void refresh(const char *key, const struct kt_registry_change *change)
{
    struct kt_registry_entry entry;
    struct kt_job job;
    int result = kt_registry_lookup(key, &entry);
    if (result == 0)
        result = kt_job_read(key, entry.value, &job);
    struct kt_card *card =
        result == 0 ? kt_board_get(dispatcher.board, key) : kt_board_find(dispatcher.board, key);
    if (!card)
        return;
    bool had_entry = card->has_entry;
    if (result < 0 && had_entry && change && change->event != KT_REGISTRY_GONE)
        return; /* how it went is told by a change to come */
    enum kt_job_state before = had_entry ? card->job->state : KT_JOB_EXPIRED;
    if (result == 0) {
        if (!card->job)
            card->job = kt_must(talloc(card, struct kt_job));
        *card->job = job;
        card->version = entry.version;
        card->reserved_until_ms = 0;
    } else if (had_entry) {
        mourn(card->job, !change || change->owner != KT_PID_NONE);
        card->version = 0;
    }
    card->has_entry = result == 0;
    card->is_seen = true;
    if (card->has_entry != had_entry || (result == 0 && job.state != before)) {
        if (!card->has_entry || job.state != KT_JOB_QUEUED || !had_entry)
            card->turn_until_ms = 0;
        card->position_told = 0;
        queue_changed();
    }
    kt_card_tell(card);
    kt_board_tidy(dispatcher.board, card, kt_now_ms());
}

static void set_unseen(struct kt_card *card, void *argument)
{
    (void)argument;
    card->is_seen = false;
}

static void refresh_unseen(struct kt_card *card, void *argument)
{
    (void)argument;
    if (!card->is_seen)
        refresh(card->key, NULL);
}

/** Compare the whole board with the registry. @return 0 or what kt_registry_select says */
static int refresh_all(void)
{
    struct kt_registry_page *page = NULL;
    char after[KT_REGISTRY_KEY_MAX + 1] = "";
    bool has_more;
    kt_board_each(dispatcher.board, set_unseen, NULL);
    do {
        int result = kt_registry_select(KT_JOB_PREFIX, *after ? after : NULL, 0, &page);
        if (result < 0)
            return result;
        for (uint32_t i = 0; i < page->count; i++) {
            memcpy(after, page->entries[i]->key, sizeof after);
            refresh(after, NULL);
        }
        has_more = page->has_more;
        talloc_free(page);
    } while (has_more);
    kt_board_each(dispatcher.board, refresh_unseen, NULL);
    return 0;
}

/** Lead, unless another does. */
static void try_to_lead(void)
{
    const struct kt_registration what = {.key = KT_JOBS_LEADER};
    if (dispatcher.is_leader || kt_registry_register(&what, NULL) < 0)
        return;
    kt_log_debug("this worker gives jobs their turns");
    dispatcher.is_leader = true;
    queue_changed();
}

/* ---------------------------------------------------------------- questions */

static void answer(const struct kt_message *call, int result)
{
    struct kt_from from = kt_message_from(call);
    kt_reply(&from, 0, &result, sizeof result);
}

/** How many run and wait, of all and of one realm. */
struct count {
    const char *key; /**< of the one that asks: "job/realm/id" */
    size_t realm_bytes;
    uint32_t running, realm_running, waiting, realm_waiting;
    int64_t now_ms;
};

static void count_card(struct kt_card *card, void *argument)
{
    struct count *count = argument;
    bool is_active = card->has_entry && kt_job_is_active(card->job->state);
    bool is_of_realm = strncmp(card->key, count->key, count->realm_bytes) == 0;
    if (is_active && (card->job->state == KT_JOB_RUNNING || card->turn_until_ms > count->now_ms)) {
        count->running++;
        count->realm_running += is_of_realm;
    } else if (is_active || card->reserved_until_ms > count->now_ms) {
        count->waiting++;
        count->realm_waiting += is_of_realm;
    }
}

/** How many more may run: those that will do not wait. */
static uint64_t free_places(uint32_t running, uint32_t limit)
{
    return running < limit ? limit - running : 0;
}

/** Say whether there is room for one more, and keep it for a moment. */
static int admit(const char *key)
{
    const struct kt_jobs_options *options = &kt_jobs_options;
    const char *slash = strrchr(key, '/');
    struct kt_card *card = kt_board_find(dispatcher.board, key);
    struct count count = {.key = key, .now_ms = kt_now_ms()};
    if (!dispatcher.is_leader)
        return -EAGAIN;
    if (!slash)
        return -EINVAL;
    if (card && ((card->has_entry && kt_job_is_active(card->job->state)) ||
                 card->reserved_until_ms > count.now_ms))
        return 0; /* it will be joined */
    count.realm_bytes = (size_t)(slash - key) + 1;
    kt_board_each(dispatcher.board, count_card, &count);
    if (count.waiting >= options->queue_max + free_places(count.running, options->jobs_max) ||
        count.realm_waiting >=
            options->queue_realm_max + free_places(count.realm_running, options->realm_max))
        return -EBUSY;
    card = kt_board_get(dispatcher.board, key);
    if (!card)
        return -ENOMEM;
    card->reserved_until_ms = count.now_ms + TURN_MS;
    return 0;
}

/** Answer when the entry is another than the one that is known: now, or later. */
static void follow(const struct kt_message *call)
{
    const struct kt_jobs_follow *known = call->data;
    struct kt_registry_entry entry;
    struct kt_from from = kt_message_from(call);
    int result = kt_registry_lookup(known->key, &entry);
    struct kt_card *card = NULL;
    if ((result == 0 ? entry.version : 0) == known->version)
        card = kt_board_get(dispatcher.board, known->key);
    if (!card || kt_card_wait(card, &from, known->deadline_ms) < 0)
        answer(call, 0);
}

static bool is_text(const struct kt_message *message, size_t offset)
{
    return message->size > offset && message->size <= offset + KT_REGISTRY_KEY_MAX + 1 &&
           ((const char *)message->data)[message->size - 1] == '\0';
}

static void on_call(void *state, const struct kt_message *call)
{
    (void)state;
    if (call->type == KT_JOBS_ADMIT && is_text(call, 0))
        answer(call, admit(call->data));
    else if (call->type == KT_JOBS_FOLLOW && is_text(call, sizeof(struct kt_jobs_follow)))
        follow(call);
    else
        answer(call, -EINVAL);
    plan();
}

static void on_message(void *state, const struct kt_message *message)
{
    (void)state;
    const struct kt_registry_change *change = message->data;
    if (message->type != KT_MESSAGE_REGISTRY)
        return;
    if (change->event == KT_REGISTRY_LOST) {
        refresh_all();
        try_to_lead();
    } else if (change->reference == dispatcher.leaders) {
        if (change->event == KT_REGISTRY_GONE && strcmp(change->key, KT_JOBS_LEADER) == 0)
            try_to_lead();
    } else {
        refresh(change->key, change);
    }
    plan();
}

static void tidy(struct kt_card *card, void *argument)
{
    int64_t now_ms = kt_now_ms();
    (void)argument;
    kt_card_forget_late(card, now_ms);
    if (card->turn_until_ms != 0 && card->turn_until_ms <= now_ms) {
        card->turn_until_ms = 0; /* it was told, and did not hear */
        queue_changed();
    }
    kt_board_tidy(dispatcher.board, card, now_ms);
}

static void sweep(void *argument)
{
    kt_runners_sweep(argument);
}

/** Remove what runners have left whose worker was killed, and has no successor. */
static void run_sweeper(void *argument)
{
    kt_work(sweep, argument);
}

static void tidy_all(void)
{
    static const struct kt_spawn sweeper = {.label = "sweeper of jobs"};
    kt_board_each(dispatcher.board, tidy, NULL);
    if (dispatcher.is_leader)
        kt_spawn(&sweeper, run_sweeper, (void *)kt_jobs_options.directory, NULL);
    dispatcher.tidied_ms = kt_now_ms();
}

static void on_timeout(void *state)
{
    (void)state;
    if (kt_now_ms() >= dispatcher.tidied_ms + TIDY_MS)
        tidy_all();
    if (dispatcher.is_leader &&
        (dispatcher.is_turn_due || kt_now_ms() >= dispatcher.positions_due_ms))
        dispatch();
    plan();
}

/* ---------------------------------------------------------------- life */

static int forget_board(struct kt_board **place)
{
    (void)place;
    dispatcher.board = NULL;
    dispatcher.pid = KT_PID_NONE;
    return 0;
}

static int init(void *argument, void **ret_state)
{
    (void)argument;
    struct kt_board *board = kt_board_new(kt_self_memory());
    struct kt_board **place = talloc(kt_self_memory(), struct kt_board *);
    if (!board || !place)
        return -ENOMEM;
    dispatcher = (struct dispatcher){
        .pid = kt_self(), .board = board, .positions_due_ms = INT64_MAX, .tidied_ms = kt_now_ms()};
    talloc_set_destructor(place, forget_board);
    *ret_state = &dispatcher;
    int result = kt_registry_subscribe(KT_JOB_PREFIX, &dispatcher.jobs);
    if (result == 0)
        result = kt_registry_subscribe(KT_JOBS_LEADER, &dispatcher.leaders);
    if (result == 0)
        result = refresh_all();
    if (result == 0)
        try_to_lead();
    plan();
    return result == -ENOTCONN ? 0 : result; /* then this worker is about to be replaced */
}

static const struct kt_server dispatcher_server = {
    .label = "dispatcher of jobs",
    .init = init,
    .handle_call = on_call,
    .handle_message = on_message,
    .handle_timeout = on_timeout,
    .mailbox_limit = 100000,
};

int kt_jobs_start(kt_pid *ret_supervisor)
{
    static const struct kt_child children[] = {
        {.id = "dispatcher", .restart = KT_PERMANENT, .server = &dispatcher_server},
        {.id = NULL},
    };
    static const struct kt_supervisor supervisor = {
        .label = "jobs",
        .strategy = KT_ONE_FOR_ONE,
        .intensity = 10,
        .period_ms = 10000,
        .children = children,
    };
    return kt_supervisor_start(&supervisor, NULL, ret_supervisor);
}

struct each {
    void (*visit)(const struct kt_job *job, void *argument);
    void *argument;
};

static void visit_card(struct kt_card *card, void *argument)
{
    const struct each *each = argument;
    if (card->has_entry)
        each->visit(card->job, each->argument);
}

void kt_jobs_each(void (*visit)(const struct kt_job *job, void *argument), void *argument)
{
    struct each each = {visit, argument};
    if (dispatcher.board)
        kt_board_each(dispatcher.board, visit_card, &each);
}
