/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The document: {"version", "user", "addresses": [], "connections": [{"id", "kind", "label",
 * "secret", "calendars", "list_ms", "revoked"}]}. Its key is a hash of the user's name, which may
 * be longer than keys are. Written with compare and set; what is last in it goes with the document.
 */
#include "accounts.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <kontor/log.h>
#include <kontor/process.h>
#include <kontor/store.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define NAME_SPACE "calendar"
#define VERSION 1
/** "account/", 32 bytes in hex. */
#define KEY_SIZE 80
/** How often a change is tried when others change the same. */
#define TRIES_MAX 8

static const char *const kind_names[KT_CONNECTION_KINDS] = {[KT_CONNECTION_GOOGLE] = "google",
                                                            [KT_CONNECTION_CALDAV] = "caldav",
                                                            [KT_CONNECTION_URL] = "url"};

const char *kt_connection_kind_name(enum kt_connection_kind kind)
{
    return kind_names[kind];
}

/* ---------------------------------------------------------------- names */

static int make_key(const char *user, char key[KEY_SIZE])
{
    unsigned char hash[crypto_generichash_BYTES];
    char digits[2 * sizeof(hash) + 1];
    size_t length = strlen(user);

    if (length == 0 || length > KT_USER_MAX)
        return -EINVAL;
    crypto_generichash(hash, sizeof(hash), (const unsigned char *)user, length, NULL, 0);
    sodium_bin2hex(digits, sizeof(digits), hash, sizeof(hash));
    snprintf(key, KEY_SIZE, "account/%s", digits);
    return 0;
}

/** What a secret is sealed for: this connection of this person. */
static char *purpose_of(TALLOC_CTX *context, const char *user,
                        const struct kt_connection *connection)
{
    return kt_must(talloc_asprintf(context, "calendar/%s/%s/%s", kind_names[connection->kind],
                                   connection->id, user));
}

/* ---------------------------------------------------------------- reading */

static const char *copy_text(TALLOC_CTX *context, const cJSON *json, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));

    return kt_must(talloc_strdup(context, text ? text : ""));
}

static int64_t read_number(const cJSON *json, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

    return cJSON_IsNumber(item) && item->valuedouble > 0 && item->valuedouble < 1e15
               ? (int64_t)item->valuedouble
               : 0;
}

static bool read_flag(const cJSON *json, const char *name)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, name));
}

static void read_secret(TALLOC_CTX *context, const struct kt_secrets *secrets, const char *user,
                        const cJSON *json, struct kt_connection *connection)
{
    const char *sealed = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "secret"));
    char *text = NULL, *purpose = purpose_of(context, user, connection);
    cJSON *secret = NULL;

    if (sealed && kt_secrets_unseal(context, secrets, purpose, sealed, &text) == 0)
        secret = cJSON_Parse(text);
    if (!secret) {
        kt_log_warning("a secret of the store can't be unsealed: the key has changed");
        connection->is_revoked = true;
    }
    connection->refresh_token = copy_text(context, secret, "refresh_token");
    connection->access_token = copy_text(context, secret, "access_token");
    connection->access_until_ms = read_number(secret, "access_until_ms");
    connection->address = copy_text(context, secret, "address");
    connection->login = copy_text(context, secret, "login");
    connection->password = copy_text(context, secret, "password");
    connection->owners = copy_text(context, secret, "owners");
    cJSON_Delete(secret);
    talloc_free(purpose);
    talloc_free(text);
}

static void read_calendars(TALLOC_CTX *context, const cJSON *json,
                           struct kt_google_calendars *ret_calendars)
{
    const cJSON *item;
    int count = cJSON_GetArraySize(json);

    if (count <= 0)
        return;
    ret_calendars->items =
        kt_must(talloc_zero_array(context, struct kt_google_calendar, (unsigned)count));
    cJSON_ArrayForEach(item, json)
    {
        ret_calendars->items[ret_calendars->count++] =
            (struct kt_google_calendar){.id = copy_text(context, item, "id"),
                                        .name = copy_text(context, item, "name"),
                                        .is_primary = read_flag(item, "primary"),
                                        .is_chosen = read_flag(item, "chosen")};
    }
}

static int read_connection(struct kt_account *account, const struct kt_secrets *secrets,
                           const cJSON *json)
{
    struct kt_connection *connection = &account->connections[account->count];
    const char *kind = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "kind"));
    const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "id"));
    int found = -1;

    for (int index = 0; kind && index < KT_CONNECTION_KINDS; index++) {
        if (strcmp(kind, kind_names[index]) == 0)
            found = index;
    }
    if (found < 0 || !id || strlen(id) != KT_CONNECTION_ID_SIZE - 1)
        return -EBADMSG;
    account->count++;
    connection->kind = (enum kt_connection_kind)found;
    memcpy(connection->id, id, KT_CONNECTION_ID_SIZE);
    connection->label = copy_text(account, json, "label");
    connection->list_ms = read_number(json, "list_ms");
    connection->is_revoked = read_flag(json, "revoked");
    read_secret(account, secrets, account->user, json, connection);
    read_calendars(account, cJSON_GetObjectItemCaseSensitive(json, "calendars"),
                   &connection->calendars);
    return 0;
}

static void read_addresses(struct kt_account *account, const cJSON *list)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, list)
    {
        if (cJSON_IsString(item) && account->addresses.count < KT_ADDRESSES_MAX)
            account->addresses.items[account->addresses.count++] =
                kt_must(talloc_strdup(account, item->valuestring));
    }
}

static int read_document(struct kt_account *account, const struct kt_secrets *secrets,
                         const struct kt_store_document *document)
{
    cJSON *json = cJSON_ParseWithLength(document->value, document->value_bytes);
    const cJSON *item;
    int result = read_number(json, "version") == VERSION ? 0 : -EBADMSG;

    read_addresses(account, cJSON_GetObjectItemCaseSensitive(json, "addresses"));
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(json, "connections"))
    {
        if (result == 0 && account->count < KT_CONNECTIONS_MAX)
            result = read_connection(account, secrets, item);
    }
    cJSON_Delete(json);
    account->revision = document->revision;
    return result;
}

int kt_account_read(TALLOC_CTX *context, const struct kt_secrets *secrets, const char *user,
                    struct kt_account **ret_account)
{
    struct kt_account *account = kt_must(talloc_zero(context, struct kt_account));
    struct kt_store_document *document;
    char key[KEY_SIZE];
    int result = make_key(user, key);

    account->user = kt_must(talloc_strdup(account, user));
    if (result == 0)
        result = kt_store_get(NAME_SPACE, key, &document);
    if (result == 0) {
        result = read_document(account, secrets, document);
        talloc_free(document);
    } else if (result == -ENOENT) {
        result = 0;
    }
    if (result < 0)
        talloc_free(account);
    else
        *ret_account = account;
    return result;
}

/* ---------------------------------------------------------------- writing */

static void add_text(cJSON *json, const char *name, const char *text)
{
    if (*text)
        kt_must(cJSON_AddStringToObject(json, name, text));
}

static int write_secret(cJSON *json, const struct kt_secrets *secrets, const char *user,
                        const struct kt_connection *connection)
{
    cJSON *secret = kt_must(cJSON_CreateObject());
    char *purpose = purpose_of(kt_self_memory(), user, connection), *text, *sealed;

    add_text(secret, "refresh_token", connection->refresh_token);
    add_text(secret, "access_token", connection->access_token);
    kt_must(
        cJSON_AddNumberToObject(secret, "access_until_ms", (double)connection->access_until_ms));
    add_text(secret, "address", connection->address);
    add_text(secret, "login", connection->login);
    add_text(secret, "password", connection->password);
    add_text(secret, "owners", connection->owners);
    text = kt_must(cJSON_PrintUnformatted(secret));
    sealed = kt_secrets_seal(kt_self_memory(), secrets, purpose, text);
    if (sealed)
        add_text(json, "secret", sealed);
    sodium_memzero(text, strlen(text));
    cJSON_free(text);
    cJSON_Delete(secret);
    talloc_free(purpose);
    talloc_free(sealed);
    return sealed ? 0 : -E2BIG;
}

static int write_connection(cJSON *list, const struct kt_secrets *secrets, const char *user,
                            const struct kt_connection *connection)
{
    cJSON *json = kt_must(cJSON_CreateObject()), *calendars;

    cJSON_AddItemToArray(list, json);
    kt_must(cJSON_AddStringToObject(json, "id", connection->id));
    kt_must(cJSON_AddStringToObject(json, "kind", kind_names[connection->kind]));
    add_text(json, "label", connection->label);
    calendars = kt_must(cJSON_AddArrayToObject(json, "calendars"));
    for (uint32_t index = 0; index < connection->calendars.count; index++) {
        const struct kt_google_calendar *calendar = &connection->calendars.items[index];
        cJSON *item = kt_must(cJSON_CreateObject());

        cJSON_AddItemToArray(calendars, item);
        add_text(item, "id", calendar->id);
        add_text(item, "name", calendar->name);
        kt_must(cJSON_AddBoolToObject(item, "primary", calendar->is_primary));
        kt_must(cJSON_AddBoolToObject(item, "chosen", calendar->is_chosen));
    }
    kt_must(cJSON_AddNumberToObject(json, "list_ms", (double)connection->list_ms));
    kt_must(cJSON_AddBoolToObject(json, "revoked", connection->is_revoked));
    return write_secret(json, secrets, user, connection);
}

static int write_account(const struct kt_account *account, const struct kt_secrets *secrets)
{
    cJSON *json = kt_must(cJSON_CreateObject()), *list;
    bool is_empty = account->count == 0 && account->addresses.count == 0;
    char key[KEY_SIZE], *text;
    int result = make_key(account->user, key);

    kt_must(cJSON_AddNumberToObject(json, "version", VERSION));
    kt_must(cJSON_AddStringToObject(json, "user", account->user));
    list =
        kt_must(cJSON_CreateStringArray(account->addresses.items, (int)account->addresses.count));
    cJSON_AddItemToObject(json, "addresses", list);
    list = kt_must(cJSON_AddArrayToObject(json, "connections"));
    for (uint32_t index = 0; result == 0 && index < account->count; index++)
        result = write_connection(list, secrets, account->user, &account->connections[index]);
    text = kt_must(cJSON_PrintUnformatted(json));
    cJSON_Delete(json);
    if (result == 0 && !is_empty)
        result = kt_store_put(NAME_SPACE, key, text, strlen(text), account->revision, NULL);
    else if (result == 0 && account->revision != KT_STORE_NEW)
        result = kt_store_delete(NAME_SPACE, key, account->revision);
    cJSON_free(text);
    return result == -ENOENT ? -ESTALE : result;
}

int kt_account_change(const struct kt_secrets *secrets, const char *user,
                      int (*change)(struct kt_account *account, void *argument), void *argument)
{
    struct kt_account *account;
    int result = -ESTALE;

    for (int tries = 0; result == -ESTALE && tries < TRIES_MAX; tries++) {
        result = kt_account_read(kt_self_memory(), secrets, user, &account);
        if (result < 0)
            return result;
        result = change(account, argument);
        if (result == 0)
            result = write_account(account, secrets);
        talloc_free(account);
    }
    return result == -ESTALE ? -EBUSY : result;
}

static int revoke(struct kt_account *account, void *argument)
{
    const struct kt_connection *refused = argument;
    struct kt_connection *connection = kt_account_find(account, refused->id);

    if (!connection)
        return -ENOENT;
    if (connection->is_revoked || strcmp(connection->password, refused->password) != 0)
        return -EALREADY;
    connection->is_revoked = true;
    return 0;
}

int kt_account_revoke(const struct kt_secrets *secrets, const char *user,
                      const struct kt_connection *connection)
{
    struct kt_connection refused = *connection;

    return kt_account_change(secrets, user, revoke, &refused);
}

/* ---------------------------------------------------------------- connections */

struct kt_connection *kt_account_find(struct kt_account *account, const char *id)
{
    for (uint32_t index = 0; index < account->count; index++) {
        if (strcmp(account->connections[index].id, id) == 0)
            return &account->connections[index];
    }
    return NULL;
}

struct kt_connection *kt_account_add(struct kt_account *account, enum kt_connection_kind kind,
                                     const char *label)
{
    unsigned char bytes[(KT_CONNECTION_ID_SIZE - 1) / 2];
    struct kt_connection *connection;

    if (account->count == KT_CONNECTIONS_MAX)
        return NULL;
    connection = &account->connections[account->count++];
    *connection = (struct kt_connection){.kind = kind,
                                         .label = label,
                                         .refresh_token = "",
                                         .access_token = "",
                                         .address = "",
                                         .login = "",
                                         .password = "",
                                         .owners = ""};
    randombytes_buf(bytes, sizeof(bytes));
    sodium_bin2hex(connection->id, sizeof(connection->id), bytes, sizeof(bytes));
    return connection;
}

void kt_account_remove(struct kt_account *account, struct kt_connection *connection)
{
    size_t index = (size_t)(connection - account->connections);

    memmove(connection, connection + 1, (--account->count - index) * sizeof(*connection));
}
