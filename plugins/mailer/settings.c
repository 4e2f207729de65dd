/* SPDX-License-Identifier: BSD-2-Clause */
/* Unknown members are dropped at the next change; missing ones have their defaults. */
#include "settings.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <kontor/process.h>
#include <stdio.h>
#include <string.h>

/** How often a change is tried again because somebody else was faster. */
#define CHANGE_TRIES 10

bool kt_settings_user_is_good(const char *user)
{
    size_t length = strlen(user);

    if (length == 0 || length > KT_SETTINGS_USER_MAX)
        return false;
    for (; *user; user++) {
        if ((unsigned char)*user < ' ' || *user == 0x7f)
            return false;
    }
    return true;
}

void kt_settings_default(struct kt_settings *ret_settings)
{
    *ret_settings = (struct kt_settings){
        .weekday = KT_WEEKDAY_FRIDAY, .hour = KT_SCHEDULE_HOUR_DEFAULT, .zone = "UTC"};
}

static int64_t number_of(const cJSON *object, const char *name, int64_t otherwise)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsNumber(value) ? (int64_t)value->valuedouble : otherwise;
}

static int copy_text(const cJSON *object, const char *name, char *text, size_t size)
{
    const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    if (!value)
        return 0;
    return snprintf(text, size, "%s", value) < (int)size ? 0 : -EBADMSG;
}

static int take(const cJSON *object, struct kt_settings *settings)
{
    int64_t weekday = number_of(object, "day", settings->weekday);
    int64_t hour = number_of(object, "hour", settings->hour);

    if (!cJSON_IsObject(object) || weekday < 0 || weekday > 6 || hour < 0 || hour > 23)
        return -EBADMSG;
    settings->is_on = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, "on"));
    settings->is_verified = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, "verified"));
    settings->weekday = (uint32_t)weekday;
    settings->hour = (uint32_t)hour;
    settings->since = number_of(object, "since", 0);
    settings->moved_week = (int32_t)number_of(object, "moved_week", 0);
    settings->moved_at = number_of(object, "moved_at", 0);
    settings->asked = number_of(object, "asked", 0);
    if (copy_text(object, "zone", settings->zone, sizeof(settings->zone)) < 0)
        return -EBADMSG;
    return copy_text(object, "address", settings->address, sizeof(settings->address));
}

int kt_settings_parse(const char *value, size_t size, struct kt_settings *ret_settings)
{
    cJSON *object = cJSON_ParseWithLength(value, size);
    int result;

    kt_settings_default(ret_settings);
    result = object ? take(object, ret_settings) : -EBADMSG;
    cJSON_Delete(object);
    return result;
}

int kt_settings_read(const char *user, struct kt_settings *ret_settings)
{
    struct kt_store_document *document;
    int result;

    kt_settings_default(ret_settings);
    result = kt_store_get(KT_SETTINGS_NAMESPACE, user, &document);
    if (result < 0)
        return result;
    result = kt_settings_parse(document->value, document->value_bytes, ret_settings);
    ret_settings->revision = document->revision;
    talloc_free(document);
    return result;
}

static int write(const char *user, const struct kt_settings *settings)
{
    cJSON *object = cJSON_CreateObject();
    char *text;
    int result;

    cJSON_AddBoolToObject(object, "on", settings->is_on);
    cJSON_AddNumberToObject(object, "day", settings->weekday);
    cJSON_AddNumberToObject(object, "hour", settings->hour);
    cJSON_AddStringToObject(object, "zone", settings->zone);
    cJSON_AddStringToObject(object, "address", settings->address);
    cJSON_AddBoolToObject(object, "verified", settings->is_verified);
    cJSON_AddNumberToObject(object, "since", (double)settings->since);
    cJSON_AddNumberToObject(object, "asked", (double)settings->asked);
    if (settings->moved_week != 0) {
        cJSON_AddNumberToObject(object, "moved_week", settings->moved_week);
        cJSON_AddNumberToObject(object, "moved_at", (double)settings->moved_at);
    }
    text = kt_must(cJSON_PrintUnformatted(object));
    result =
        kt_store_put(KT_SETTINGS_NAMESPACE, user, text, strlen(text), settings->revision, NULL);
    cJSON_free(text);
    cJSON_Delete(object);
    return result;
}

int kt_settings_change(const char *user,
                       int (*change)(struct kt_settings *settings, void *argument), void *argument)
{
    for (int try = 0; try < CHANGE_TRIES; try++) {
        struct kt_settings settings;
        int result = kt_settings_read(user, &settings);

        if (result == -ENOENT)
            settings.revision = KT_STORE_NEW;
        else if (result < 0)
            return result;
        result = change(&settings, argument);
        if (result == 0)
            result = write(user, &settings);
        if (result != -ESTALE)
            return result;
    }
    return -EBUSY;
}

int kt_settings_delete(const char *user)
{
    int result = kt_store_delete(KT_SETTINGS_NAMESPACE, user, KT_STORE_ANY);

    return result == -ENOENT ? 0 : result;
}
