/* SPDX-License-Identifier: BSD-2-Clause */
/* The profile is one document of the store: {"version", "timezone", "week_start"}. */
#include "person.h"

#include "service.h"
#include "session.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <kontor/log.h>
#include <kontor/request.h>
#include <kontor/store.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define NAME_SPACE "calendar"
#define VERSION 1
/** "profile/", 32 bytes in hex. */
#define KEY_SIZE 80

/* ---------------------------------------------------------------- who */

int kt_person_find(const struct kt_request *request, struct kt_person_found *ret_found)
{
    const char *user = kt_request_user(request);
    int result;

    *ret_found = (struct kt_person_found){.user = NULL, .way = KT_PERSON_NOBODY};
    if (user && *user) {
        *ret_found = (struct kt_person_found){.user = user, .way = KT_PERSON_WEB_SERVER};
        return 0;
    }
    result = kt_session_find(request, kt_request_context(request), &user);
    if (result == 0)
        *ret_found = (struct kt_person_found){.user = user, .way = KT_PERSON_SESSION};
    return result == -ENOENT ? 0 : result;
}

const char *kt_person_user(const struct kt_request *request)
{
    struct kt_person_found found;
    int result = kt_person_find(request, &found);

    if (result < 0)
        kt_log_warning("who has signed in can't be read: %s", strerror(-result));
    return found.user;
}

/* ---------------------------------------------------------------- profile */

static void make_key(const char *user, char key[KEY_SIZE])
{
    unsigned char hash[32];
    char digits[2 * sizeof(hash) + 1];

    crypto_generichash(hash, sizeof(hash), (const unsigned char *)user, strlen(user), NULL, 0);
    sodium_bin2hex(digits, sizeof(digits), hash, sizeof(hash));
    snprintf(key, KEY_SIZE, "profile/%s", digits);
}

static void copy_text(const cJSON *json, const char *name, char *text, size_t size)
{
    const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));

    if (value && strlen(value) < size)
        memcpy(text, value, strlen(value) + 1);
}

int kt_profile_read(const char *user, struct kt_profile *ret_profile)
{
    struct kt_store_document *document;
    char key[KEY_SIZE];
    cJSON *json;
    int result;

    *ret_profile = (struct kt_profile){.timezone = ""};
    make_key(user, key);
    result = kt_store_get(NAME_SPACE, key, &document);
    if (result < 0)
        return result == -ENOENT ? 0 : result;
    json = cJSON_Parse(document->value);
    copy_text(json, "timezone", ret_profile->timezone, sizeof(ret_profile->timezone));
    copy_text(json, "week_start", ret_profile->week_start, sizeof(ret_profile->week_start));
    cJSON_Delete(json);
    return 0;
}

int kt_profile_write(const char *user, const struct kt_profile *profile)
{
    cJSON *json = kt_must(cJSON_CreateObject());
    char key[KEY_SIZE], *text;
    int result;

    make_key(user, key);
    cJSON_AddNumberToObject(json, "version", VERSION);
    cJSON_AddStringToObject(json, "timezone", profile->timezone);
    cJSON_AddStringToObject(json, "week_start", profile->week_start);
    text = kt_must(cJSON_PrintUnformatted(json));
    result = kt_store_put(NAME_SPACE, key, text, strlen(text), KT_STORE_ANY, NULL);
    cJSON_free(text);
    cJSON_Delete(json);
    return result;
}

int kt_profile_delete(const char *user)
{
    char key[KEY_SIZE];
    int result;

    make_key(user, key);
    result = kt_store_delete(NAME_SPACE, key, KT_STORE_ANY);
    return result == -ENOENT ? 0 : result;
}
