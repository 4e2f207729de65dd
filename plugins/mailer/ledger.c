/* SPDX-License-Identifier: BSD-2-Clause */
/* Every change is a compare-and-set on the revision that was read: of two claims, one wins. */
#include "ledger.h"
#include "calendar/civil.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <kontor/process.h>
#include <kontor/store.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

/** An entry is kept so long: enough to look back, and to bound what is stored. */
#define KEPT_DAYS 70
#define RANDOM_BYTES 12

static const char *const state_names[] = {"claimed", "waiting", "sent", "failed", "skipped"};
_Static_assert(sizeof(state_names) / sizeof(state_names[0]) == KT_LEDGER_STATES, "a name for each");

const char *kt_ledger_state_name(enum kt_ledger_state state)
{
    return state_names[state];
}

static void make_key(const char *user, int32_t week, char key[KT_STORE_KEY_MAX + 1])
{
    char date[KT_DATE_TEXT_SIZE];

    kt_date_format(week, date);
    snprintf(key, KT_STORE_KEY_MAX + 1, "%s/%s", user, date);
}

static int64_t number_of(const cJSON *object, const char *name)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsNumber(value) ? (int64_t)value->valuedouble : 0;
}

static void copy_text(const cJSON *object, const char *name, char *text, size_t size)
{
    const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    snprintf(text, size, "%s", value ? value : "");
}

static int take(const cJSON *object, struct kt_ledger_entry *entry)
{
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "state"));
    int state = 0;

    while (state < KT_LEDGER_STATES && (!name || strcmp(name, state_names[state]) != 0))
        state++;
    if (state == KT_LEDGER_STATES)
        return -EBADMSG;
    entry->state = (enum kt_ledger_state)state;
    entry->tries = (uint32_t)number_of(object, "tries");
    entry->until = number_of(object, "until");
    entry->at = number_of(object, "at");
    entry->code = (int)number_of(object, "code");
    copy_text(object, "message_id", entry->message_id, sizeof(entry->message_id));
    copy_text(object, "text", entry->text, sizeof(entry->text));
    return 0;
}

int kt_ledger_read(const char *user, int32_t week, struct kt_ledger_entry *ret_entry)
{
    struct kt_store_document *document;
    char key[KT_STORE_KEY_MAX + 1];
    cJSON *object;
    int result;

    *ret_entry = (struct kt_ledger_entry){.week = week};
    make_key(user, week, key);
    result = kt_store_get(KT_LEDGER_NAMESPACE, key, &document);
    if (result < 0)
        return result;
    object = cJSON_ParseWithLength(document->value, document->value_bytes);
    result = take(object, ret_entry);
    ret_entry->revision = document->revision;
    cJSON_Delete(object);
    talloc_free(document);
    return result;
}

static int write(const char *user, struct kt_ledger_entry *entry)
{
    char key[KT_STORE_KEY_MAX + 1], *text;
    cJSON *object = cJSON_CreateObject();
    int result;

    make_key(user, entry->week, key);
    cJSON_AddStringToObject(object, "state", state_names[entry->state]);
    cJSON_AddNumberToObject(object, "tries", entry->tries);
    cJSON_AddNumberToObject(object, "until", (double)entry->until);
    cJSON_AddNumberToObject(object, "at", (double)entry->at);
    cJSON_AddNumberToObject(object, "code", entry->code);
    cJSON_AddStringToObject(object, "message_id", entry->message_id);
    cJSON_AddStringToObject(object, "text", entry->text);
    text = kt_must(cJSON_PrintUnformatted(object));
    result = kt_store_put(KT_LEDGER_NAMESPACE, key, text, strlen(text), entry->revision,
                          &entry->revision);
    cJSON_free(text);
    cJSON_Delete(object);
    return result;
}

static void make_message_id(struct kt_ledger_entry *entry, const char *domain)
{
    unsigned char bytes[RANDOM_BYTES];
    char text[2 * RANDOM_BYTES + 1], date[KT_DATE_TEXT_SIZE];

    randombytes_buf(bytes, sizeof(bytes));
    sodium_bin2hex(text, sizeof(text), bytes, sizeof(bytes));
    kt_date_format(entry->week, date);
    snprintf(entry->message_id, sizeof(entry->message_id), "week.%.10s.%s@%.250s", date, text,
             domain);
}

/** Write the claim, as one more try. @return as kt_store_put */
static int stake(const char *user, int64_t now, int64_t lease, struct kt_ledger_entry *entry)
{
    entry->state = KT_LEDGER_CLAIMED;
    entry->tries++;
    entry->until = now + lease;
    entry->at = now;
    return write(user, entry);
}

int kt_ledger_claim(const char *user, int32_t week, int64_t now, int64_t lease, const char *domain,
                    struct kt_ledger_entry *ret_entry)
{
    int result, staked;

    /* As a rule nobody has looked at this mail before: then to ask would be a question too many. */
    *ret_entry = (struct kt_ledger_entry){.week = week, .revision = KT_STORE_NEW};
    make_message_id(ret_entry, domain);
    staked = stake(user, now, lease, ret_entry);
    if (staked == 0)
        return 0;
    result = kt_ledger_read(user, week, ret_entry);
    if (result == -ENOENT)
        return staked == -ESTALE ? -EAGAIN : staked; /* deleted meanwhile, or not to be written */
    if (result < 0)
        return result;
    if (ret_entry->state != KT_LEDGER_CLAIMED && ret_entry->state != KT_LEDGER_WAITING)
        return -EEXIST;
    if (staked != -ESTALE)
        return staked;
    if (ret_entry->until > now && ret_entry->at <= now)
        return -EAGAIN; /* written in the future: the clock was set back, so until means nothing */
    result = stake(user, now, lease, ret_entry);
    return result == -ESTALE ? -EAGAIN : result;
}

int kt_ledger_close(const char *user, struct kt_ledger_entry *entry, int64_t now)
{
    char key[KT_STORE_KEY_MAX + 1];
    int result;

    entry->at = now;
    result = write(user, entry);
    if (result == 0 && entry->state != KT_LEDGER_WAITING) {
        make_key(user, entry->week - KEPT_DAYS, key);
        kt_store_delete(KT_LEDGER_NAMESPACE, key, KT_STORE_ANY);
    }
    return result;
}

int kt_ledger_skip(const char *user, int32_t week, int64_t now, const char *why)
{
    struct kt_ledger_entry entry = {
        .state = KT_LEDGER_SKIPPED, .week = week, .at = now, .revision = KT_STORE_NEW};
    int result;

    snprintf(entry.text, sizeof(entry.text), "%s", why);
    result = write(user, &entry);
    return result == -ESTALE ? 0 : result;
}

int kt_ledger_delete(const char *user)
{
    char prefix[KT_STORE_KEY_MAX + 1];
    struct kt_store_page *page;
    bool has_more = true;
    int result = 0;

    snprintf(prefix, sizeof(prefix), "%s/", user);
    for (const char *after = NULL; result == 0 && has_more;) {
        result = kt_store_scan(KT_LEDGER_NAMESPACE, prefix, after, 0, &page);
        has_more = result == 0 && page->has_more && page->count > 0;
        for (uint32_t index = 0; result == 0 && index < page->count; index++) {
            after = page->documents[index]->key;
            if (strchr(after + strlen(prefix), '/'))
                continue; /* of a user whose name begins like this one's */
            result = kt_store_delete(KT_LEDGER_NAMESPACE, after, KT_STORE_ANY);
            result = result == -ENOENT ? 0 : result;
        }
    }
    return result;
}
