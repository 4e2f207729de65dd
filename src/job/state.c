/* SPDX-License-Identifier: BSD-2-Clause */
/* Jobs as text: the value of an entry is a JSON object with short names, of what is not zero. */
#include "job/state.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define LETTERS                                                                                    \
    "abcdefghijklmnopqrstuvwxyz"                                                                   \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"                                                                   \
    "0123456789-_."
/** What is left of a text for people when all of them together are too much for a value. */
#define TEXT_SHORT 48u
#define KIBIBYTE (UINT64_C(1) << 10)
#define MEBIBYTE (UINT64_C(1) << 20)
#define GIBIBYTE (UINT64_C(1) << 30)

static const char *const state_names[] = {
    [KT_JOB_QUEUED] = "queued", [KT_JOB_RUNNING] = "running",     [KT_JOB_READY] = "ready",
    [KT_JOB_FAILED] = "failed", [KT_JOB_CANCELLED] = "cancelled", [KT_JOB_EXPIRED] = "expired",
};
#define STATE_COUNT (sizeof state_names / sizeof *state_names)

const char *kt_job_state_name(enum kt_job_state state)
{
    return (size_t)state < STATE_COUNT ? state_names[state] : "unknown";
}

static bool is_name(const char *text)
{
    size_t length = text ? strlen(text) : 0;
    return length > 0 && length <= KT_JOB_NAME_MAX && strspn(text, LETTERS) == length;
}

int kt_job_key(const char *realm, const char *id, char key[KT_REGISTRY_KEY_MAX + 1])
{
    if (!is_name(realm) || !is_name(id))
        return -EINVAL;
    snprintf(key, KT_REGISTRY_KEY_MAX + 1, KT_JOB_PREFIX "%s/%s", realm, id);
    return 0;
}

/* ---------------------------------------------------------------- texts */

/** Where a text may be cut so that it has at most so many bytes: not within a character. */
static size_t cut_length(const char *text, size_t limit)
{
    size_t length = strnlen(text, limit + 1);
    if (length <= limit)
        return length;
    length = limit;
    while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
        length--;
    return length;
}

void kt_job_text(char *to, size_t size, const char *from)
{
    size_t length = from ? cut_length(from, size - 1) : 0;
    for (size_t i = 0; i < length; i++)
        to[i] = (unsigned char)from[i] < 0x20 || from[i] == 0x7f ? ' ' : from[i];
    to[length] = '\0';
}

/* ---------------------------------------------------------------- who asked */

/** A hash of all of a name, so that no two names are the same because they begin alike. */
static void write_owner(const char *who, char owner[KT_JOB_OWNER_SIZE])
{
    unsigned char sum[KT_JOB_OWNER_SIZE / 2];
    crypto_generichash(sum, sizeof sum, (const unsigned char *)who, strlen(who), NULL, 0);
    sodium_bin2hex(owner, KT_JOB_OWNER_SIZE, sum, sizeof sum);
}

void kt_job_set_who(struct kt_job *job, const char *who)
{
    kt_job_text(job->who, sizeof job->who, who);
    job->owner[0] = '\0';
    if (who && *who)
        write_owner(who, job->owner);
}

bool kt_job_is_of(const struct kt_job *job, const char *who)
{
    char owner[KT_JOB_OWNER_SIZE];
    if (!job->owner[0]) /* nobody; or it is of an earlier version, which kept the name only */
        return strcmp(job->who, who ? who : "") == 0;
    if (!who || !*who)
        return false;
    write_owner(who, owner);
    return strcmp(job->owner, owner) == 0;
}

/* ---------------------------------------------------------------- words */

void kt_job_duration_text(char *to, size_t size, int64_t duration_ms)
{
    if (duration_ms % 1000 != 0)
        snprintf(to, size, "%" PRId64 " ms", duration_ms);
    else if (duration_ms >= 300000 && duration_ms % 60000 == 0)
        snprintf(to, size, "%" PRId64 " min", duration_ms / 60000);
    else
        snprintf(to, size, "%" PRId64 " s", duration_ms / 1000);
}

void kt_job_bytes_text(char *to, size_t size, uint64_t bytes)
{
    if (bytes >= 4 * GIBIBYTE && bytes % GIBIBYTE == 0)
        snprintf(to, size, "%" PRIu64 " GiB", bytes / GIBIBYTE);
    else if (bytes >= MEBIBYTE)
        snprintf(to, size, "%" PRIu64 " MiB", bytes / MEBIBYTE);
    else if (bytes >= KIBIBYTE)
        snprintf(to, size, "%" PRIu64 " KiB", bytes / KIBIBYTE);
    else
        snprintf(to, size, "%" PRIu64 " bytes", bytes);
}

/* ---------------------------------------------------------------- writing */

/** Numbers travel as raw text: a double would round the large ones. */
static void add_number(cJSON *object, const char *name, uint64_t number)
{
    char text[24];
    if (number == 0)
        return;
    snprintf(text, sizeof text, "%" PRIu64, number);
    cJSON_AddStringToObject(object, name, text);
}

static void add_text(cJSON *object, const char *name, const char *text, size_t limit)
{
    char cut[KT_JOB_RESULT_MAX];
    if (!*text)
        return;
    kt_job_text(cut, limit < sizeof cut ? limit : sizeof cut, text);
    cJSON_AddStringToObject(object, name, cut);
}

static size_t write_with(const struct kt_job *job, size_t text_limit, char *value)
{
    cJSON *object = cJSON_CreateObject();
    size_t length = 0;
    if (!object)
        return 0;
    cJSON_AddStringToObject(object, "s", kt_job_state_name(job->state));
    add_text(object, "pl", job->plugin, sizeof job->plugin);
    add_text(object, "ki", job->kind, sizeof job->kind);
    add_text(object, "ti", job->title, text_limit);
    add_text(object, "wh", job->who, text_limit);
    add_text(object, "ow", job->owner, sizeof job->owner);
    add_text(object, "ph", job->phase, sizeof job->phase);
    add_text(object, "re", job->reason, text_limit);
    add_number(object, "do", job->done);
    add_number(object, "to", job->total);
    add_number(object, "po", job->position);
    add_number(object, "qu", (uint64_t)job->queued_ms);
    add_number(object, "st", (uint64_t)job->started_ms);
    add_number(object, "en", (uint64_t)job->ended_ms);
    add_number(object, "ex", (uint64_t)job->expires_ms);
    add_number(object, "by", job->result_bytes);
    if (*job->result)
        cJSON_AddRawToObject(object, "r", job->result);
    /* cJSON wants a few bytes more than it writes */
    char text[2 * KT_REGISTRY_VALUE_MAX];
    if (cJSON_PrintPreallocated(object, text, sizeof text, 0)) {
        length = strlen(text);
        if (length <= KT_REGISTRY_VALUE_MAX)
            memcpy(value, text, length + 1);
    } else {
        length = sizeof text;
    }
    cJSON_Delete(object);
    return length;
}

size_t kt_job_write(const struct kt_job *job, char value[KT_REGISTRY_VALUE_MAX + 1])
{
    size_t length = write_with(job, KT_JOB_TEXT_MAX, value);
    if (length > KT_REGISTRY_VALUE_MAX)
        length = write_with(job, TEXT_SHORT, value);
    return length <= KT_REGISTRY_VALUE_MAX ? length : 0;
}

/* ---------------------------------------------------------------- reading */

static uint64_t number_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    uint64_t number = 0;
    for (; text && *text >= '0' && *text <= '9'; text++)
        number = number * 10 + (uint64_t)(*text - '0');
    return number;
}

static void read_text(const cJSON *object, const char *name, char *to, size_t size)
{
    kt_job_text(to, size, cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name)));
}

/** Take realm and id out of a key. @return whether they are there */
static bool read_key(const char *key, struct kt_job *job)
{
    const char *realm = key + strlen(KT_JOB_PREFIX), *id;
    if (strncmp(key, KT_JOB_PREFIX, strlen(KT_JOB_PREFIX)) != 0 || !(id = strchr(realm, '/')))
        return false;
    snprintf(job->realm, sizeof job->realm, "%.*s", (int)(id - realm), realm);
    snprintf(job->id, sizeof job->id, "%s", id + 1);
    return is_name(job->realm) && is_name(job->id);
}

static bool read_state(const cJSON *object, struct kt_job *job)
{
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "s"));
    for (size_t i = 0; name && i < STATE_COUNT; i++) {
        job->state = (enum kt_job_state)i;
        if (strcmp(name, state_names[i]) == 0)
            return true;
    }
    return false;
}

int kt_job_read(const char *key, const char *value, struct kt_job *ret_job)
{
    memset(ret_job, 0, sizeof *ret_job);
    cJSON *object = cJSON_Parse(value);
    if (!read_key(key, ret_job) || !read_state(object, ret_job)) {
        cJSON_Delete(object);
        return -EBADMSG;
    }
    read_text(object, "pl", ret_job->plugin, sizeof ret_job->plugin);
    read_text(object, "ki", ret_job->kind, sizeof ret_job->kind);
    read_text(object, "ti", ret_job->title, sizeof ret_job->title);
    read_text(object, "wh", ret_job->who, sizeof ret_job->who);
    read_text(object, "ow", ret_job->owner, sizeof ret_job->owner);
    read_text(object, "ph", ret_job->phase, sizeof ret_job->phase);
    read_text(object, "re", ret_job->reason, sizeof ret_job->reason);
    ret_job->done = number_of(object, "do");
    ret_job->total = number_of(object, "to");
    ret_job->position = (uint32_t)number_of(object, "po");
    ret_job->queued_ms = (int64_t)number_of(object, "qu");
    ret_job->started_ms = (int64_t)number_of(object, "st");
    ret_job->ended_ms = (int64_t)number_of(object, "en");
    ret_job->expires_ms = (int64_t)number_of(object, "ex");
    ret_job->result_bytes = number_of(object, "by");
    const cJSON *result = cJSON_GetObjectItemCaseSensitive(object, "r");
    if (result && !cJSON_PrintPreallocated((cJSON *)(uintptr_t)result, ret_job->result,
                                           sizeof ret_job->result, 0))
        ret_job->result[0] = '\0';
    cJSON_Delete(object);
    return 0;
}
