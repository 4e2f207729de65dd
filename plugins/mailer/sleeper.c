/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The work is done by a process of its own, the errand, which lives as long as one mail takes: all
 * memory of it is returned, and the sleeper stays as small as it was. An errand that has begun ends
 * on its own, even when its sleeper is gone: what was sent is written down.
 */
#include "sleeper.h"
#include "delivery.h"
#include "gate.h"
#include "house.h"
#include "ledger.h"

#include <errno.h>
#include <kontor/log.h>
#include <kontor/server.h>
#include <sodium.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Tries again double their pause up to this. */
#define PAUSE_MAX_MS (30 * 60 * 1000)
/** When the store or the gate can't be used: not at once again, and not all together. */
#define TROUBLE_MS 5000
/** The pause of a sleeper that crashed, doubled with each crash. */
#define CRASH_PAUSE_MS 1000
#define DOUBLINGS_MAX 11u
/** Between tries to write down what was sent: else it might be sent again. */
#define CLOSE_PAUSE_MS 1000
/** For so long a mail waits for calendars that can't be read, in seconds: some come back by
 * themselves, and those that don't shall not take Friday's mail to Saturday. */
#define CALENDARS_WAIT (2 * 3600)
/** Which part of the grace is left at the latest: half an hour of 12. */
#define GRACE_LAST_PART 24
#define WEEK_SECONDS (INT64_C(7) * 24 * 3600)
/**
 * Crashes that are none of the supervisor's business: of so many sleepers some may crash, and each
 * pauses. When so many do within a second, it is not about those.
 */
#define CRASHES_MAX 10000u
#define CRASHES_PERIOD_MS 1000

/** A duration and up to a quarter more, by chance. */
static int64_t with_jitter(int64_t duration_ms)
{
    return duration_ms + randombytes_uniform((uint32_t)(duration_ms / 4) + 1);
}

static int64_t doubled(int64_t first_ms, uint32_t times)
{
    int64_t pause_ms = first_ms << (times < DOUBLINGS_MAX ? times : DOUBLINGS_MAX);

    return with_jitter(pause_ms < PAUSE_MAX_MS ? pause_ms : PAUSE_MAX_MS);
}

/** The work of one waking; a talloc chunk that belongs to its process. */
struct errand {
    const struct kt_mailer *mailer;
    kt_pid sleeper;
    const char *user;
};

/** What a sleeper is told, beside KT_GATE_GO. */
enum {
    AGAIN = 1, /**< by its errand: when to look again, int64_t in ms since 1970 */
    CHANGED,   /**< the settings have changed */
};

static struct kt_schedule schedule_of(const struct kt_settings *settings,
                                      const struct kt_zone *zone)
{
    return (struct kt_schedule){.zone = zone, .weekday = settings->weekday, .hour = settings->hour};
}

/**
 * The mail that may be due now.
 * @return whether there is one within the grace
 */
static bool find_due(const struct kt_mailer *mailer, const struct kt_settings *settings,
                     const struct kt_zone *zone, int64_t now, struct kt_due *ret_due)
{
    struct kt_schedule schedule = schedule_of(settings, zone);
    struct kt_due last = kt_schedule_before(&schedule, now);

    if (settings->moved_week != 0 && settings->moved_at <= now && settings->moved_at > last.at &&
        now - settings->moved_at <= mailer->grace) {
        *ret_due = (struct kt_due){
            .at = settings->moved_at, .day = settings->moved_week, .week = settings->moved_week};
        return true;
    }
    *ret_due = last;
    return last.at >= settings->since && now - last.at <= mailer->grace;
}

int64_t kt_sleeper_wake(const struct kt_mailer *mailer, const struct kt_settings *settings,
                        const struct kt_zone *zone, int64_t now_ms)
{
    struct kt_schedule schedule = schedule_of(settings, zone);
    struct kt_due due;

    if (find_due(mailer, settings, zone, now_ms / 1000, &due))
        return now_ms;
    return kt_schedule_after(&schedule, now_ms / 1000).at * 1000;
}

/**
 * Write down what became of a claim. While the store is away try again until the lease would have
 * ended; nothing else could be claimed meanwhile anyway.
 */
static void close_entry(const struct errand *errand, struct kt_ledger_entry *entry)
{
    int64_t until_ms = kt_now_ms() + errand->mailer->lease * 1000;
    int result = kt_ledger_close(errand->user, entry, kt_unix_ms() / 1000);

    while (result < 0 && result != -ESTALE && kt_now_ms() < until_ms) {
        kt_sleep(with_jitter(CLOSE_PAUSE_MS));
        result = kt_ledger_close(errand->user, entry, kt_unix_ms() / 1000);
    }
    if (result < 0)
        kt_log_error("what became of the mail %s can't be written down: %s", entry->message_id,
                     strerror(-result));
}

/** Whether this is the moment to say that a calendar can't be read: the next try would come too
 * late. */
static bool is_last_try(const struct kt_mailer *mailer, const struct kt_due *due, int64_t pause_ms)
{
    int64_t wait = mailer->grace - mailer->grace / GRACE_LAST_PART;

    if (wait > CALENDARS_WAIT)
        wait = CALENDARS_WAIT;
    return kt_unix_ms() + pause_ms > (due->at + wait) * 1000;
}

/** What the outcome of a try means for the ledger. @return when to look again, ms; 0: it is over */
static int64_t decide(const struct errand *errand, const struct kt_due *due, int64_t pause_ms,
                      const struct kt_post_outcome *outcome, struct kt_ledger_entry *entry)
{
    const struct kt_mailer *mailer = errand->mailer;
    int64_t next_ms = kt_unix_ms() + pause_ms;

    entry->code = outcome->code;
    snprintf(entry->text, sizeof(entry->text), "%s", outcome->text);
    if (outcome->fate == KT_POST_SENT) {
        entry->state = KT_LEDGER_SENT;
        return 0;
    }
    if (outcome->fate == KT_POST_LATER && next_ms / 1000 - due->at <= mailer->grace) {
        entry->state = KT_LEDGER_WAITING;
        entry->until = next_ms / 1000;
        return next_ms;
    }
    entry->state = KT_LEDGER_FAILED;
    return 0;
}

/** Send a mail that is claimed. @return as decide */
static int64_t deliver(const struct errand *errand, const struct kt_settings *settings,
                       const struct kt_due *due, struct kt_ledger_entry *entry)
{
    const struct kt_mailer *mailer = errand->mailer;
    int64_t next_ms, pause_ms = doubled(mailer->retry_first_ms, entry->tries - 1);
    struct kt_post_outcome outcome;

    kt_delivery_week(mailer, errand->user, settings, due, entry->message_id,
                     is_last_try(mailer, due, pause_ms) ? KT_DELIVERY_LAST : KT_DELIVERY_WAITS,
                     &outcome);
    next_ms = decide(errand, due, pause_ms, &outcome, entry);
    if (entry->state == KT_LEDGER_FAILED)
        kt_log_warning("the mail of %s is given up: %s", errand->user, outcome.text);
    else if (entry->state == KT_LEDGER_WAITING)
        kt_log_info("the mail of %s is tried again later: %s", errand->user, outcome.text);
    else if (*outcome.text)
        kt_log_info("the mail of %s has no whole week: %s", errand->user, outcome.text);
    kt_house_count(mailer->house, entry->state);
    close_entry(errand, entry);
    return next_ms;
}

/** The week before this one has no entry: say why. */
static void note_missed(const struct errand *errand, const struct kt_settings *settings,
                        const struct kt_due *due, int64_t now)
{
    struct kt_ledger_entry entry;
    int32_t before = due->week - 7;

    if (due->at - WEEK_SECONDS < settings->since ||
        kt_ledger_read(errand->user, before, &entry) != -ENOENT)
        return;
    if (kt_ledger_skip(errand->user, before, now,
                       "kontor was not there for longer than the grace") == 0)
        kt_house_count(errand->mailer->house, KT_LEDGER_SKIPPED);
}

/** Do what is due, if anything is. @return when to look again, ms since 1970 */
static int64_t do_due(const struct errand *errand, const struct kt_settings *settings,
                      const struct kt_zone *zone)
{
    const struct kt_mailer *mailer = errand->mailer;
    struct kt_schedule schedule = schedule_of(settings, zone);
    int64_t now = kt_unix_ms() / 1000, again_ms = 0;
    struct kt_ledger_entry entry;
    struct kt_due due;
    int result;

    if (find_due(mailer, settings, zone, now, &due)) {
        result =
            kt_ledger_claim(errand->user, due.week, now, mailer->lease, mailer->domain, &entry);
        if (result == 0 && entry.tries == 1)
            note_missed(errand, settings, &due, now);
        if (result == 0)
            again_ms = deliver(errand, settings, &due, &entry);
        else if (result == -EAGAIN)
            again_ms = entry.until * 1000 + with_jitter(1000);
        else if (result != -EEXIST)
            again_ms = kt_unix_ms() + with_jitter(TROUBLE_MS);
    }
    return again_ms != 0 ? again_ms : kt_schedule_after(&schedule, kt_unix_ms() / 1000).at * 1000;
}

/** Look at the settings, do what is due. @return when to look again; -1: never */
static int64_t look(const struct errand *errand)
{
    struct kt_settings settings;
    struct kt_zone *zone;
    int result = kt_settings_read(errand->user, &settings);

    if (result == -ENOENT || (result == 0 && !(settings.is_on && settings.is_verified)))
        return -1;
    if (result == 0)
        result = kt_zone_open(kt_self_memory(), settings.zone, &zone);
    return result == 0 ? do_due(errand, &settings, zone) : kt_unix_ms() + with_jitter(TROUBLE_MS);
}

static void errand_main(void *argument)
{
    const struct errand *errand = argument;
    int64_t again_ms = look(errand);

    if (again_ms < 0)
        kt_house_tell(errand->user);
    else
        kt_send(errand->sleeper, AGAIN, &again_ms, sizeof(again_ms));
}

/* ---------------------------------------------------------------- the sleeper */

static void count_up(uint8_t *count)
{
    if (*count < UINT8_MAX)
        ++*count;
}

static void sleep_until(struct kt_sleeper *sleeper, int64_t unix_ms)
{
    sleeper->wake_ms = unix_ms;
    kt_server_timeout_at(unix_ms);
}

static int sleeper_init(void *argument, void **ret_state)
{
    struct kt_sleeper *sleeper = argument;

    sleeper->pid = kt_self();
    sleeper->is_awake = false;
    if (sleeper->starts > 0)
        sleeper->wake_ms = kt_unix_ms() + doubled(CRASH_PAUSE_MS, sleeper->starts - 1u);
    count_up(&sleeper->starts);
    kt_server_timeout_at(sleeper->wake_ms);
    *ret_state = sleeper;
    return 0;
}

/** The errand is over. */
static void come_back(struct kt_sleeper *sleeper)
{
    kt_gate_leave(sleeper->mailer->gate);
    sleeper->is_awake = false;
    sleep_until(sleeper, sleeper->has_changed ? kt_unix_ms() : sleeper->wake_ms);
}

static void sleeper_timeout(void *state)
{
    struct kt_sleeper *sleeper = state;

    if (sleeper->is_awake)
        return; /* it looks when the errand is back */
    sleeper->is_awake = kt_gate_ask(sleeper->mailer->gate) == 0;
    if (!sleeper->is_awake)
        sleep_until(sleeper, kt_unix_ms() + with_jitter(TROUBLE_MS));
}

/** The gate has let us in: send somebody. */
static void go(struct kt_sleeper *sleeper)
{
    struct errand *errand = kt_must(talloc_zero(NULL, struct errand));
    uint64_t monitor;
    int result;

    errand->mailer = sleeper->mailer;
    errand->sleeper = kt_self();
    errand->user = kt_must(talloc_strdup(errand, sleeper->user));
    sleeper->has_changed = false;
    sleeper->wake_ms = kt_unix_ms() + doubled(CRASH_PAUSE_MS, sleeper->crashes);
    result =
        kt_spawn(&(struct kt_spawn){.label = "weekly mail", .give = true, .ret_monitor = &monitor},
                 errand_main, errand, NULL);
    if (result == 0)
        return;
    talloc_free(errand);
    come_back(sleeper);
}

static void sleeper_message(void *state, const struct kt_message *message)
{
    struct kt_sleeper *sleeper = state;

    switch (message->type) {
    case CHANGED:
        sleeper->has_changed = true;
        sleeper_timeout(sleeper);
        break;
    case KT_GATE_GO:
        go(sleeper);
        break;
    case AGAIN:
        memcpy(&sleeper->wake_ms, message->data, sizeof(sleeper->wake_ms));
        break;
    case KT_MESSAGE_DOWN:
        if (((const struct kt_down *)message->data)->exit.kind != KT_EXIT_NORMAL)
            count_up(&sleeper->crashes);
        come_back(sleeper);
        break;
    default:
        break;
    }
}

static const struct kt_server sleeper_server = {
    .label = "mailer of a person",
    .init = sleeper_init,
    .handle_message = sleeper_message,
    .handle_timeout = sleeper_timeout,
    .mailbox_limit = 16,
};

/* ---------------------------------------------------------------- all of them */

struct kt_child kt_sleepers_child(const struct kt_mailer *mailer)
{
    static const struct kt_child children[] = {{.restart = KT_TRANSIENT, .server = &sleeper_server},
                                               {.server = NULL}};
    static const struct kt_supervisor supervisor = {
        .label = "sleepers of the mailer",
        .strategy = KT_SIMPLE_ONE_FOR_ONE,
        .intensity = CRASHES_MAX,
        .period_ms = CRASHES_PERIOD_MS,
        .children = children,
    };

    return (struct kt_child){.id = "sleepers",
                             .restart = KT_PERMANENT,
                             .supervisor = &supervisor,
                             .name = mailer->sleepers};
}

struct kt_sleeper *kt_sleeper_new(const struct kt_mailer *mailer, const char *user)
{
    size_t size = strlen(user) + 1;
    struct kt_sleeper *sleeper = calloc(1, offsetof(struct kt_sleeper, user) + size);

    if (!sleeper)
        return NULL;
    sleeper->mailer = mailer;
    memcpy(sleeper->user, user, size);
    return sleeper;
}

int kt_sleeper_start(struct kt_sleeper *sleeper)
{
    return kt_supervisor_add_like(kt_whereis(sleeper->mailer->sleepers), sleeper, NULL);
}

int kt_sleeper_stop(struct kt_sleeper *sleeper)
{
    kt_pid pid;
    int result;

    do {
        pid = sleeper->pid;
        result = kt_supervisor_stop_child(kt_whereis(sleeper->mailer->sleepers), pid);
    } while (result == -ENOENT && sleeper->pid != pid); /* it has crashed and was started again */
    return result == -ENOENT || result == -ESRCH || result == -EOWNERDEAD ? 0 : result;
}

void kt_sleeper_wake_up(struct kt_sleeper *sleeper)
{
    if (sleeper->pid == KT_PID_NONE)
        sleeper->wake_ms = kt_unix_ms();
    else
        kt_send(sleeper->pid, CHANGED, NULL, 0);
}
