/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of sleepers is shared by the house's server and the process that reads the store; both
 * change it before they park, so a user is never in it twice.
 */
#include "house.h"
#include "sleeper.h"
#include "zones.h"

#include <errno.h>
#include <glib.h>
#include <kontor/log.h>
#include <kontor/observe.h>
#include <kontor/registry.h>
#include <kontor/server.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "mailer/"
/** Bits of a mask; more workers than that serve, but own no sleepers. */
#define SLOTS_MAX 64u
#define NO_SLOT UINT32_MAX
/** A crashed worker's successor takes its slot within this time, and nothing has to move. */
#define SETTLE_MS 2000
#define RETRY_MS 5000
/** Changes that were not heard yet. */
#define MAILBOX_MAX 1000000u

/** From any worker: the settings of a user have changed; data is the name. */
enum { CHANGED = 1 };

struct kt_house {
    const struct kt_mailer *mailer;
    GHashTable *sleepers; /* of struct kt_sleeper, by user */
    uint64_t slots;       /* those that are taken */
    uint32_t slot;        /* ours */
    bool is_reading, must_read_again;
    struct kt_house_counts counts;
    struct {
        struct kt_metric *asleep, *sent, *failed, *tried_again, *skipped;
    } metrics;
};

/* ---------------------------------------------------------------- whose is whose */

/** A 64-bit mix (the finaliser of SplitMix64). */
static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

uint32_t kt_house_slot(const char *user, uint64_t slots)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325), best = 0; /* FNV-1a */
    uint32_t owner = NO_SLOT;

    for (; *user; user++)
        hash = (hash ^ (unsigned char)*user) * UINT64_C(0x100000001b3);
    for (uint32_t slot = 0; slot < SLOTS_MAX; slot++) {
        uint64_t score = mix(hash + (slot + 1) * UINT64_C(0x9e3779b97f4a7c15));

        if ((slots >> slot & 1) && (owner == NO_SLOT || score > best)) {
            owner = slot;
            best = score;
        }
    }
    return owner;
}

static bool is_ours(const struct kt_house *house, const char *user)
{
    return house->slot != NO_SLOT && kt_house_slot(user, house->slots) == house->slot;
}

static guint hash_sleeper(gconstpointer key)
{
    return g_str_hash(((const struct kt_sleeper *)key)->user);
}

static gboolean equal_sleepers(gconstpointer left, gconstpointer right)
{
    return strcmp(((const struct kt_sleeper *)left)->user,
                  ((const struct kt_sleeper *)right)->user) == 0;
}

static struct kt_sleeper *find(const struct kt_house *house, const char *user)
{
    union {
        struct kt_sleeper sleeper;
        char bytes[sizeof(struct kt_sleeper) + KT_SETTINGS_USER_MAX + 1];
    } key;

    snprintf(key.bytes + offsetof(struct kt_sleeper, user), KT_SETTINGS_USER_MAX + 1, "%s", user);
    return g_hash_table_lookup(house->sleepers, &key);
}

/* ---------------------------------------------------------------- coming and going */

/** The gauge is the plugin's, the house only of its present start: not to be added to. */
static void show(const struct kt_house *house)
{
    kt_metric_set(house->metrics.asleep, g_hash_table_size(house->sleepers));
}

static void put(struct kt_house *house, struct kt_sleeper *sleeper)
{
    g_hash_table_add(house->sleepers, sleeper);
    show(house);
}

static void take_out(struct kt_house *house, struct kt_sleeper *sleeper)
{
    if (g_hash_table_remove(house->sleepers, sleeper))
        show(house);
}

/** Forget all, none of which runs. */
static void forget_all(struct kt_house *house)
{
    GHashTableIter iterator;
    gpointer key;

    g_hash_table_iter_init(&iterator, house->sleepers);
    while (g_hash_table_iter_next(&iterator, &key, NULL)) {
        g_hash_table_iter_steal(&iterator);
        free(key);
    }
    show(house);
}

/** Start the process of a sleeper that is in the table; out of it again if that fails. */
static void start(struct kt_house *house, struct kt_sleeper *sleeper)
{
    int result = kt_sleeper_start(sleeper);

    if (result == 0 || result == -ESRCH || result == -EOWNERDEAD)
        return; /* without the supervisor of the sleepers the house ends as well */
    kt_log_warning("the mailer of %s can't be started: %s", sleeper->user, strerror(-result));
    take_out(house, sleeper);
    free(sleeper);
    house->must_read_again = true;
}

static void add(struct kt_house *house, const char *user, const struct kt_settings *settings)
{
    const struct kt_zone *zone = kt_zones_get(settings->zone);
    struct kt_sleeper *sleeper;

    if (!zone) {
        kt_log_warning("the mail of %s can't be sent: there is no zone %s", user, settings->zone);
        return;
    }
    sleeper = kt_must(kt_sleeper_new(house->mailer, user));
    sleeper->wake_ms = kt_sleeper_wake(house->mailer, settings, zone, kt_unix_ms());
    put(house, sleeper);
    start(house, sleeper);
}

/** End a sleeper. One that is just being started looks for itself, and is seen at the next reading.
 */
static void drop(struct kt_house *house, struct kt_sleeper *sleeper)
{
    if (sleeper->pid == KT_PID_NONE) {
        kt_sleeper_wake_up(sleeper);
        house->must_read_again = true;
        return;
    }
    take_out(house, sleeper);
    if (kt_sleeper_stop(sleeper) == 0) {
        free(sleeper);
    } else {
        put(house, sleeper);
        house->must_read_again = true;
    }
}

/** The settings of a user have changed. */
static void look_at(struct kt_house *house, const char *user)
{
    struct kt_sleeper *sleeper = find(house, user);
    struct kt_settings settings;
    int result;
    bool is_wanted;

    if (!sleeper && !is_ours(house, user))
        return;
    result = kt_settings_read(user, &settings);
    sleeper = find(house, user); /* it may have come meanwhile */
    is_wanted = result == 0 && settings.is_on && settings.is_verified && is_ours(house, user);
    if (result < 0 && result != -ENOENT)
        house->must_read_again = true;
    else if (sleeper && is_wanted)
        kt_sleeper_wake_up(sleeper);
    else if (sleeper)
        drop(house, sleeper);
    else if (is_wanted)
        add(house, user, &settings);
}

/** Take those of a page that are ours. */
static void take_page(struct kt_house *house, const struct kt_store_page *page)
{
    for (uint32_t index = 0; index < page->count; index++) {
        const struct kt_store_document *document = page->documents[index];
        struct kt_settings settings;

        if (!is_ours(house, document->key) || find(house, document->key))
            continue; /* another's, or there already */
        if (kt_settings_parse(document->value, document->value_bytes, &settings) < 0)
            kt_log_warning("the settings of %s make no sense", document->key);
        else if (settings.is_on && settings.is_verified)
            add(house, document->key, &settings);
    }
}

/** Start all that are ours and stored. @return 0 or the store's error */
static int read_store(struct kt_house *house)
{
    char *after = NULL;
    bool has_more = true;

    while (has_more) {
        struct kt_store_page *page;
        int result = kt_store_scan(KT_SETTINGS_NAMESPACE, "", after, 0, &page);

        if (result < 0)
            return result;
        take_page(house, page);
        talloc_free(after);
        has_more = page->has_more && page->count > 0;
        after =
            has_more
                ? kt_must(talloc_strdup(kt_self_memory(), page->documents[page->count - 1]->key))
                : NULL;
        talloc_free(page);
    }
    return 0;
}

/** End those that are another's now: by name, since one may go while another is waited for. */
static void drop_strangers(struct kt_house *house)
{
    GPtrArray *strangers = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iterator;
    gpointer key;

    g_hash_table_iter_init(&iterator, house->sleepers);
    while (g_hash_table_iter_next(&iterator, &key, NULL)) {
        const struct kt_sleeper *sleeper = key;

        if (!is_ours(house, sleeper->user))
            g_ptr_array_add(strangers, g_strdup(sleeper->user));
    }
    for (guint index = 0; index < strangers->len; index++) {
        struct kt_sleeper *sleeper = find(house, strangers->pdata[index]);

        if (sleeper)
            drop(house, sleeper);
    }
    g_ptr_array_unref(strangers);
}

static void reader_main(void *argument)
{
    struct kt_house *house = argument;
    int64_t begin_ms = kt_now_ms();
    int result;

    house->must_read_again = false;
    drop_strangers(house);
    result = read_store(house);
    malloc_trim(0); /* what a million documents have passed through */
    house->is_reading = false;
    house->counts.started_ms = kt_now_ms() - begin_ms;
    if (result < 0)
        kt_log_warning("the settings of people can't be read: %s", strerror(-result));
    else
        kt_log_info("%u mailers sleep in slot %u", g_hash_table_size(house->sleepers), house->slot);
    if (result < 0)
        house->must_read_again = true;
}

/* ---------------------------------------------------------------- the house */

/** Which slots are taken. */
static int read_slots(struct kt_house *house)
{
    struct kt_registry_page *page;
    uint64_t slots = 0;
    int result = kt_registry_select(PREFIX, NULL, 0, &page);

    if (result < 0)
        return result;
    for (uint32_t index = 0; index < page->count; index++) {
        unsigned long slot = strtoul(page->entries[index]->key + strlen(PREFIX), NULL, 10);

        if (slot < SLOTS_MAX && page->entries[index]->owner != KT_PID_NONE)
            slots |= UINT64_C(1) << slot;
    }
    talloc_free(page);
    if (slots != house->slots)
        house->must_read_again = true;
    house->slots = slots;
    return 0;
}

static int take_slot(struct kt_house *house)
{
    char key[32];

    for (uint32_t slot = 0; slot < SLOTS_MAX; slot++) {
        int result;

        snprintf(key, sizeof(key), PREFIX "%u", (unsigned)slot);
        result = kt_registry_register(&(struct kt_registration){.key = key}, NULL);
        if (result == 0)
            house->slot = slot;
        if (result != -EEXIST)
            return result;
    }
    return -ENOSPC;
}

/** Look which slots are taken, and read the store if something has changed. */
static void house_timeout(void *state)
{
    struct kt_house *house = state;
    int result = read_slots(house);
    bool is_open = house->is_reading || result < 0 || house->must_read_again;

    if (is_open)
        kt_server_timeout(RETRY_MS); /* to see whether it went well */
    if (house->is_reading || result < 0 || !house->must_read_again)
        return;
    house->is_reading = true;
    if (kt_spawn(&(struct kt_spawn){.label = "reader of the mailer", .link = true}, reader_main,
                 house, NULL) < 0)
        house->is_reading = false;
}

static int house_init(void *argument, void **ret_state)
{
    struct kt_house *house = argument;
    uint64_t reference;
    int result;

    forget_all(house);
    house->slot = NO_SLOT;
    house->is_reading = false;
    house->must_read_again = true;
    result = kt_registry_subscribe(PREFIX, &reference);
    if (result == 0)
        result = take_slot(house);
    if (result == 0)
        kt_server_timeout(0);
    *ret_state = house;
    return result;
}

static void house_message(void *state, const struct kt_message *message)
{
    struct kt_house *house = state;

    if (message->type == KT_MESSAGE_REGISTRY)
        kt_server_timeout(SETTLE_MS);
    else if (message->size == 0 || message->size > KT_SETTINGS_USER_MAX + 1 ||
             ((const char *)message->data)[message->size - 1] != 0)
        return;
    else if (message->type == CHANGED)
        look_at(house, message->data);
    if (house->must_read_again)
        kt_server_timeout(SETTLE_MS);
}

static const struct kt_server house_server = {
    .label = "house of the mailer",
    .init = house_init,
    .handle_message = house_message,
    .handle_timeout = house_timeout,
    .mailbox_limit = MAILBOX_MAX,
};

struct kt_house *kt_house_new(const struct kt_mailer *mailer, struct kt_plugin *plugin)
{
    struct kt_house *house = kt_must(talloc_zero(NULL, struct kt_house));

    house->mailer = mailer;
    house->slot = NO_SLOT;
    house->counts.started_ms = -1;
    house->sleepers = g_hash_table_new(hash_sleeper, equal_sleepers);
    house->metrics.asleep = kt_metric_gauge(plugin, "mailers", "Mailers that sleep, or work.");
    house->metrics.sent = kt_metric_counter(plugin, "mails_sent", "Weekly mails sent.");
    house->metrics.failed = kt_metric_counter(plugin, "mails_failed", "Weekly mails given up.");
    house->metrics.tried_again =
        kt_metric_counter(plugin, "mails_tried_again", "Tries that failed and are repeated later.");
    house->metrics.skipped = kt_metric_counter(plugin, "mails_skipped",
                                               "Weekly mails missed for longer than the grace.");
    return house;
}

struct kt_child kt_house_child(struct kt_house *house)
{
    return (struct kt_child){
        .id = "house", .restart = KT_PERMANENT, .server = &house_server, .argument = house};
}

void kt_house_tell(const char *user)
{
    struct kt_registry_page *page;
    int result = kt_registry_select(PREFIX, NULL, 0, &page);

    if (result < 0) {
        kt_log_warning("the mailers can't be told of a change: %s", strerror(-result));
        return;
    }
    for (uint32_t index = 0; index < page->count; index++)
        kt_registry_send(page->entries[index]->key, CHANGED, user, strlen(user) + 1);
    talloc_free(page);
}

void kt_house_count(struct kt_house *house, enum kt_ledger_state state)
{
    house->counts.sent += state == KT_LEDGER_SENT;
    house->counts.failed += state == KT_LEDGER_FAILED;
    house->counts.skipped += state == KT_LEDGER_SKIPPED;
    house->counts.tried_again += state == KT_LEDGER_WAITING;
    kt_metric_add(house->metrics.sent, state == KT_LEDGER_SENT);
    kt_metric_add(house->metrics.failed, state == KT_LEDGER_FAILED);
    kt_metric_add(house->metrics.skipped, state == KT_LEDGER_SKIPPED);
    kt_metric_add(house->metrics.tried_again, state == KT_LEDGER_WAITING);
}

void kt_house_counts(const struct kt_house *house, struct kt_house_counts *ret_counts)
{
    *ret_counts = house->counts;
    ret_counts->slot = house->slot;
    ret_counts->sleepers = g_hash_table_size(house->sleepers);
}

int64_t kt_house_next_wake(const struct kt_house *house)
{
    GHashTableIter iterator;
    gpointer key;
    int64_t next_ms = 0;

    g_hash_table_iter_init(&iterator, house->sleepers);
    while (g_hash_table_iter_next(&iterator, &key, NULL)) {
        int64_t wake_ms = ((const struct kt_sleeper *)key)->wake_ms;

        if (next_ms == 0 || wake_ms < next_ms)
            next_ms = wake_ms;
    }
    return next_ms;
}
