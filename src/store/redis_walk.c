/* SPDX-License-Identifier: BSD-2-Clause */
/* All names of a kind: collected by SCAN, which may tell one twice. */
#include "store/redis_walk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** How many keys Redis looks at in one go: some hundred microseconds. */
#define BATCH "1000"
/** The digits of 64 bits, and NUL. */
#define CURSOR_MAX 21

static int add(struct kt_redis_names *names, const struct kt_redis_reply *reply)
{
    if (names->count == names->room) {
        uint32_t room = names->room ? 2 * names->room : 64;
        char **list = talloc_realloc(names, names->list, char *, room);
        if (!list)
            return -ENOMEM;
        names->list = list;
        names->room = room;
    }
    names->list[names->count] = talloc_strndup(names->list, reply->text, reply->bytes);
    return names->list[names->count++] ? 0 : -ENOMEM;
}

/** Take one batch. @return 0, -EIO, -ENOMEM */
static int take_batch(struct kt_redis_names *names, const struct kt_redis_reply *reply,
                      char cursor[CURSOR_MAX])
{
    if (reply->kind != KT_REDIS_ARRAY || reply->count != 2 ||
        reply->elements[0]->kind != KT_REDIS_TEXT || reply->elements[0]->bytes >= CURSOR_MAX ||
        reply->elements[1]->kind != KT_REDIS_ARRAY)
        return -EIO;
    memcpy(cursor, reply->elements[0]->text, reply->elements[0]->bytes + 1);
    int result = 0;
    for (uint32_t i = 0; result == 0 && i < reply->elements[1]->count; i++)
        result = add(names, reply->elements[1]->elements[i]);
    return result;
}

static int compare(const void *one, const void *other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

static void sort(struct kt_redis_names *names)
{
    uint32_t kept = 0;
    if (names->count > 0)
        qsort(names->list, names->count, sizeof *names->list, compare);
    for (uint32_t i = 0; i < names->count; i++)
        if (kept == 0 || strcmp(names->list[kept - 1], names->list[i]) != 0)
            names->list[kept++] = names->list[i];
    names->count = kept;
}

int kt_redis_names_collect(TALLOC_CTX *context, struct kt_redis_lane *lane, const char *pattern,
                           struct kt_redis_names **ret_names)
{
    char cursor[CURSOR_MAX] = "0";
    int result = 0;
    struct kt_redis_names *names = talloc_zero(context, struct kt_redis_names);
    if (!names)
        return -ENOMEM;
    do {
        const char *const words[] = {"SCAN", cursor, "MATCH", pattern, "COUNT", BATCH};
        struct kt_redis_call *call = kt_redis_call_new();
        if (!call) {
            result = -ENOMEM;
            break;
        }
        call->is_repeatable = true;
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            kt_redis_call_add_text(call, words[i]);
        result = kt_redis_lane_ask(lane, call);
        if (result == 0)
            result = kt_redis_reply_result(call->reply);
        if (result == 0)
            result = take_batch(names, call->reply, cursor);
        talloc_free(call);
    } while (result == 0 && strcmp(cursor, "0") != 0);
    if (result < 0) {
        talloc_free(names);
        return result;
    }
    sort(names);
    *ret_names = names;
    return 0;
}

const char *kt_redis_names_next(const struct kt_redis_names *names, const char *after)
{
    uint32_t low = 0, high = names->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (strcmp(names->list[middle], after) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < names->count ? names->list[low] : NULL;
}

bool kt_redis_name_read(const char *name, char kind, char name_space[KT_STORE_NAMESPACE_MAX + 1],
                        char key[KT_STORE_KEY_MAX + 1])
{
    static const char head[] = "kontor:{";
    if (strncmp(name, head, sizeof head - 1) != 0)
        return false;
    name += sizeof head - 1;
    size_t bytes = strcspn(name, "}");
    const char *rest = name + bytes;
    if (bytes == 0 || bytes > KT_STORE_NAMESPACE_MAX || strncmp(rest, "}:", 2) != 0 ||
        rest[2] != kind)
        return false;
    rest += 3;
    if (*rest == ':')
        rest++;
    else if (*rest != '\0')
        return false;
    if (strlen(rest) > KT_STORE_KEY_MAX)
        return false;
    snprintf(name_space, KT_STORE_NAMESPACE_MAX + 1, "%.*s", (int)bytes, name);
    snprintf(key, KT_STORE_KEY_MAX + 1, "%s", rest);
    return true;
}
