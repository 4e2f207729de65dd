/* SPDX-License-Identifier: BSD-2-Clause */
/* Replies: made for hiredis' reader, and read. */
#include "store/redis_reply.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <kontor/store.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- making */

/** @return a reply in its place, owned by its array or the intake; NULL: too much, or no memory */
static struct kt_redis_reply *make(const redisReadTask *task, enum kt_redis_kind kind,
                                   const char *text, size_t bytes)
{
    struct kt_redis_intake *intake = task->privdata;
    struct kt_redis_reply *array = task->parent ? task->parent->obj : NULL;
    size_t size = sizeof(struct kt_redis_reply) + bytes + 1;
    if (bytes > KT_REDIS_REPLY_BYTES_MAX || intake->bytes > KT_REDIS_REPLY_BYTES_MAX - bytes)
        return NULL;
    struct kt_redis_reply *reply = talloc_size(array ? (void *)array : intake->memory, size);
    if (!reply)
        return NULL;
    intake->bytes += size;
    *reply = (struct kt_redis_reply){.kind = kind, .bytes = bytes};
    if (bytes)
        memcpy(reply->text, text, bytes);
    reply->text[bytes] = '\0';
    if (array)
        array->elements[task->idx] = reply;
    return reply;
}

static void *make_text(const redisReadTask *task, char *text, size_t bytes)
{
    return make(task,
                task->type == REDIS_REPLY_ERROR    ? KT_REDIS_ERROR
                : task->type == REDIS_REPLY_STATUS ? KT_REDIS_STATUS
                                                   : KT_REDIS_TEXT,
                text, bytes);
}

static void *make_integer(const redisReadTask *task, long long integer)
{
    struct kt_redis_reply *reply = make(task, KT_REDIS_INTEGER, NULL, 0);
    if (reply)
        reply->integer = integer;
    return reply;
}

static void *make_nil(const redisReadTask *task)
{
    return make(task, KT_REDIS_NIL, NULL, 0);
}

#if HIREDIS_MAJOR >= 1
typedef size_t element_count;
#else
typedef int element_count;
#endif

static void *make_array(const redisReadTask *task, element_count count)
{
    struct kt_redis_intake *intake = task->privdata;
    if ((size_t)count > KT_REDIS_ELEMENTS_MAX) /* negative ones are large, too */
        return NULL;
    struct kt_redis_reply *reply = make(task, KT_REDIS_ARRAY, NULL, 0);
    if (!reply)
        return NULL;
    reply->count = (uint32_t)count;
    intake->bytes += (size_t)count * sizeof *reply->elements;
    reply->elements = talloc_zero_array(reply, struct kt_redis_reply *, (unsigned)count);
    return reply->elements ? reply : NULL;
}

static void free_reply(void *reply)
{
    talloc_free(reply);
}

#if HIREDIS_MAJOR >= 1
/* Of RESP3, which nobody has asked for. */
static void *make_double(const redisReadTask *task, double number, char *text, size_t bytes)
{
    (void)number;
    return make(task, KT_REDIS_TEXT, text, bytes);
}

static void *make_boolean(const redisReadTask *task, int is_true)
{
    return make_integer(task, is_true);
}
#endif

redisReplyObjectFunctions kt_redis_reply_functions = {
    .createString = make_text,
    .createArray = make_array,
    .createInteger = make_integer,
    .createNil = make_nil,
#if HIREDIS_MAJOR >= 1
    .createDouble = make_double,
    .createBool = make_boolean,
#endif
    .freeObject = free_reply,
};

/* ---------------------------------------------------------------- errors */

/** The first word of an error says what it is. Whatever is not here is -EIO. */
static const struct {
    const char *word;
    int result;
} errors[] = {
    {"READONLY", -EROFS},   {"OOM", -ENOSPC},          {"LOADING", -ENOTCONN},
    {"BUSY", -ENOTCONN},    {"MASTERDOWN", -ENOTCONN}, {"NOAUTH", -EACCES},
    {"WRONGPASS", -EACCES}, {"NOPERM", -EACCES},       {"NOSCRIPT", -ENOEXEC},
};

static int result_of_word(const char *text)
{
    size_t bytes = strcspn(text, " ");
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (strlen(errors[i].word) == bytes && memcmp(text, errors[i].word, bytes) == 0)
            return errors[i].result;
    return 0;
}

int kt_redis_reply_result(const struct kt_redis_reply *reply)
{
    if (reply->kind != KT_REDIS_ERROR)
        return 0;
    int result = result_of_word(reply->text);
    if (result < 0)
        return result;
    if (strstr(reply->text, "would overflow"))
        return -ERANGE;
    /* before Redis 7: "ERR Error running script (call to f_…): @user_script:1: OOM command …" */
    const char *inner = strstr(reply->text, "@user_script:");
    while (result == 0 && inner && (inner = strstr(inner, ": ")))
        result = result_of_word(inner += inner[2] == '-' ? 3 : 2);
    return result < 0 ? result : -EIO;
}

/* ---------------------------------------------------------------- answers */

int kt_redis_reply_document(const struct kt_redis_reply *reply, uint64_t *ret_revision,
                            const char **ret_value, size_t *ret_value_bytes)
{
    /** 16 digits: scripts count in doubles, which are whole up to 2^53. */
    enum { DIGITS_MAX = 16 };
    if (reply->kind == KT_REDIS_NIL)
        return -ENOENT;
    if (reply->kind != KT_REDIS_TEXT)
        return -EIO;
    size_t digits = 0;
    uint64_t revision = 0;
    while (digits <= DIGITS_MAX && reply->text[digits] >= '0' && reply->text[digits] <= '9')
        revision = 10 * revision + (uint64_t)(reply->text[digits++] - '0');
    if (revision == 0 || digits > DIGITS_MAX || reply->text[0] == '0' ||
        reply->text[digits] != ' ' || reply->bytes - digits - 1 > KT_STORE_VALUE_MAX)
        return -EIO;
    *ret_revision = revision;
    *ret_value = reply->text + digits + 1;
    *ret_value_bytes = reply->bytes - digits - 1;
    return 0;
}

int kt_redis_reply_number(const struct kt_redis_reply *reply, int64_t *ret_number)
{
    /** The digits of the smallest int64_t, and its sign. */
    enum { BYTES_MAX = 20 };
    char *end;
    if (reply->kind == KT_REDIS_NIL)
        return -ENOENT;
    if (reply->kind == KT_REDIS_INTEGER) {
        *ret_number = reply->integer;
        return 0;
    }
    bool begins_well = reply->text[0] == '-' || (reply->text[0] >= '0' && reply->text[0] <= '9');
    if (reply->kind != KT_REDIS_TEXT || reply->bytes > BYTES_MAX || !begins_well)
        return -EIO;
    errno = 0;
    long long number = strtoll(reply->text, &end, 10);
    if (errno != 0 || end != reply->text + reply->bytes)
        return -EIO;
    *ret_number = number;
    return 0;
}

size_t kt_redis_info_find(const struct kt_redis_reply *info, const char *name,
                          const char **ret_value)
{
    size_t name_bytes = strlen(name);
    if (info->kind != KT_REDIS_TEXT)
        return 0;
    for (const char *line = info->text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, name_bytes) != 0 || line[name_bytes] != ':')
            continue;
        *ret_value = line + name_bytes + 1;
        return strcspn(*ret_value, "\r\n");
    }
    return 0;
}
