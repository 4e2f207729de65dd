/* SPDX-License-Identifier: BSD-2-Clause */
/* A list that knows its room: all sources together are bounded by what an account can hold. */
#include "owners.h"

#include "address.h"
#include "dav_xml.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <kontor/process.h>
#include <string.h>

/** One connection: what its server told and its login; of Google its name and main calendar. */
#define OF_CONNECTION_MAX (KT_DAV_ADDRESSES_MAX + 2u)
/** The user, what they have entered, all connections. */
#define OWNERS_MAX (1 + KT_ADDRESSES_MAX + KT_CONNECTIONS_MAX * OF_CONNECTION_MAX)

struct list {
    const char *items[OWNERS_MAX + 1];
    uint32_t count;
};

static bool has(const char *const *items, uint32_t count, const char *address)
{
    for (uint32_t index = 0; index < count; index++) {
        if (strcmp(items[index], address) == 0)
            return true;
    }
    return false;
}

/** Add a text if it looks like an address: servers may know some that nobody could enter. */
static void add(struct list *list, const char *text)
{
    char *address;

    if (!strchr(text, '@') || strpbrk(text, " \t\r\n"))
        return;
    address = kt_must(talloc_strdup(list, text));
    for (char *at = address; *at; at++)
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
    if (list->count < OWNERS_MAX && !has(list->items, list->count, address))
        list->items[list->count++] = address;
}

/** Add words that look like addresses. */
static void add_words(struct list *list, const char *words)
{
    char *copy = kt_must(talloc_strdup(list, words)), *rest = NULL;

    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        add(list, word);
    talloc_free(copy);
}

static void add_connection(struct list *list, const struct kt_connection *connection)
{
    switch (connection->kind) {
    case KT_CONNECTION_GOOGLE:
        add(list, connection->label);
        for (uint32_t index = 0; index < connection->calendars.count; index++) {
            if (connection->calendars.items[index].is_primary)
                add(list, connection->calendars.items[index].id);
        }
        break;
    case KT_CONNECTION_CALDAV:
        add_words(list, connection->owners);
        add(list, connection->login);
        break;
    case KT_CONNECTION_URL:
    case KT_CONNECTION_KINDS:
        break;
    }
}

const char *const *kt_owners_of(TALLOC_CTX *context, const struct kt_account *account,
                                const struct kt_connection *connection)
{
    struct list *list = kt_must(talloc_zero(context, struct list));

    add(list, account->user);
    for (uint32_t index = 0; index < account->addresses.count; index++)
        add(list, account->addresses.items[index]);
    if (connection)
        add_connection(list, connection);
    for (uint32_t index = 0; !connection && index < account->count; index++)
        add_connection(list, &account->connections[index]);
    return list->items;
}

int kt_owners_read(TALLOC_CTX *context, const cJSON *json, struct kt_addresses *ret_addresses,
                   const char **ret_wrong)
{
    const cJSON *item;

    *ret_addresses = (struct kt_addresses){.count = 0};
    *ret_wrong = NULL;
    if (!cJSON_IsArray(json))
        return -EINVAL;
    cJSON_ArrayForEach(item, json)
    {
        const char *text = cJSON_GetStringValue(item);
        char address[KT_ADDRESS_SIZE];

        if (!text)
            return -EINVAL;
        if (text[strspn(text, " \t\r\n")] == '\0')
            continue;
        *ret_wrong = text;
        if (kt_address_normalise(text, address) < 0)
            return -EINVAL;
        if (has(ret_addresses->items, ret_addresses->count, address))
            continue;
        if (ret_addresses->count == KT_ADDRESSES_MAX)
            return -E2BIG;
        ret_addresses->items[ret_addresses->count++] = kt_must(talloc_strdup(context, address));
    }
    return 0;
}
