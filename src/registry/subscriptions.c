/* SPDX-License-Identifier: BSD-2-Clause */
/* The hash is FNV-1a, which is made along the key: the hash of each of its prefixes falls off. */
#include "registry/subscriptions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS_MIN 64u

struct kt_subscription {
    struct kt_subscription *next;
    uint32_t hash, node;
    uint8_t bytes;
    char prefix[];
};

static uint32_t hash_begin(void)
{
    return 0x811c9dc5u;
}

static uint32_t hash_byte(uint32_t hash, char byte)
{
    return (hash ^ (uint8_t)byte) * 0x01000193u;
}

static uint32_t hash_of(const char *text, size_t bytes)
{
    uint32_t hash = hash_begin();
    for (size_t i = 0; i < bytes; i++)
        hash = hash_byte(hash, text[i]);
    return hash;
}

static struct kt_subscription **bucket_of(const struct kt_subscriptions *subscriptions,
                                          uint32_t hash)
{
    return &subscriptions->buckets[(hash ^ hash >> 16) & (subscriptions->bucket_count - 1)];
}

static int grow(struct kt_subscriptions *subscriptions)
{
    struct kt_subscriptions larger = *subscriptions;
    larger.bucket_count =
        subscriptions->bucket_count ? subscriptions->bucket_count * 2 : BUCKETS_MIN;
    larger.buckets = calloc(larger.bucket_count, sizeof *larger.buckets);
    if (!larger.buckets)
        return -ENOMEM;
    for (uint32_t i = 0; i < subscriptions->bucket_count; i++) {
        struct kt_subscription *next, *one = subscriptions->buckets[i];
        for (; one; one = next) {
            next = one->next;
            struct kt_subscription **bucket = bucket_of(&larger, one->hash);
            one->next = *bucket;
            *bucket = one;
        }
    }
    free(subscriptions->buckets);
    *subscriptions = larger;
    return 0;
}

static bool is_same(const struct kt_subscription *one, uint32_t hash, const char *prefix,
                    size_t prefix_bytes)
{
    return one->hash == hash && one->bytes == prefix_bytes &&
           memcmp(one->prefix, prefix, prefix_bytes) == 0;
}

int kt_subscriptions_add(struct kt_subscriptions *subscriptions, uint32_t node, const char *prefix,
                         size_t prefix_bytes)
{
    uint32_t hash = hash_of(prefix, prefix_bytes);
    if (subscriptions->count >= subscriptions->bucket_count && grow(subscriptions) < 0)
        return -ENOMEM;
    struct kt_subscription **bucket = bucket_of(subscriptions, hash);
    for (struct kt_subscription *one = *bucket; one; one = one->next)
        if (one->node == node && is_same(one, hash, prefix, prefix_bytes))
            return 0;
    if (subscriptions->count == KT_SUBSCRIPTIONS_MAX)
        return -ENOSPC;
    struct kt_subscription *added = malloc(sizeof *added + prefix_bytes);
    if (!added)
        return -ENOMEM;
    *added = (struct kt_subscription){*bucket, hash, node, (uint8_t)prefix_bytes};
    memcpy(added->prefix, prefix, prefix_bytes);
    *bucket = added;
    subscriptions->count++;
    subscriptions->lengths[prefix_bytes]++;
    if (prefix_bytes > subscriptions->length_max)
        subscriptions->length_max = (uint32_t)prefix_bytes;
    return 0;
}

static void remove_at(struct kt_subscriptions *subscriptions, struct kt_subscription **place)
{
    struct kt_subscription *removed = *place;
    *place = removed->next;
    subscriptions->count--;
    subscriptions->lengths[removed->bytes]--;
    while (subscriptions->length_max > 0 && subscriptions->lengths[subscriptions->length_max] == 0)
        subscriptions->length_max--;
    free(removed);
}

void kt_subscriptions_remove(struct kt_subscriptions *subscriptions, uint32_t node,
                             const char *prefix, size_t prefix_bytes)
{
    uint32_t hash = hash_of(prefix, prefix_bytes);
    if (subscriptions->count == 0)
        return;
    for (struct kt_subscription **place = bucket_of(subscriptions, hash); *place;
         place = &(*place)->next) {
        if ((*place)->node == node && is_same(*place, hash, prefix, prefix_bytes)) {
            remove_at(subscriptions, place);
            return;
        }
    }
}

bool kt_subscriptions_has(const struct kt_subscriptions *subscriptions, const char *prefix,
                          size_t prefix_bytes)
{
    uint32_t hash = hash_of(prefix, prefix_bytes);
    if (subscriptions->count == 0)
        return false;
    const struct kt_subscription *one = *bucket_of(subscriptions, hash);
    while (one && !is_same(one, hash, prefix, prefix_bytes))
        one = one->next;
    return one != NULL;
}

void kt_subscriptions_forget(struct kt_subscriptions *subscriptions, uint32_t node)
{
    for (uint32_t i = 0; i < subscriptions->bucket_count; i++) {
        struct kt_subscription **place = &subscriptions->buckets[i];
        while (*place) {
            if ((*place)->node == node)
                remove_at(subscriptions, place);
            else
                place = &(*place)->next;
        }
    }
}

void kt_subscriptions_match(const struct kt_subscriptions *subscriptions, const char *key,
                            size_t key_bytes, void (*notify)(uint32_t node, void *argument),
                            void *argument)
{
    uint32_t hash = hash_begin();
    if (subscriptions->count == 0)
        return;
    for (size_t bytes = 0; bytes <= key_bytes && bytes <= subscriptions->length_max; bytes++) {
        if (bytes > 0)
            hash = hash_byte(hash, key[bytes - 1]);
        if (subscriptions->lengths[bytes] == 0)
            continue;
        for (struct kt_subscription *one = *bucket_of(subscriptions, hash); one; one = one->next)
            if (is_same(one, hash, key, bytes))
                notify(one->node, argument);
    }
}

void kt_subscriptions_close(struct kt_subscriptions *subscriptions)
{
    for (uint32_t i = 0; i < subscriptions->bucket_count; i++)
        while (subscriptions->buckets[i])
            remove_at(subscriptions, &subscriptions->buckets[i]);
    free(subscriptions->buckets);
    *subscriptions = (struct kt_subscriptions){0};
}
