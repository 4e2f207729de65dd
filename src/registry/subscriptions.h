/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which workers want to hear of changes of which keys: a hash table of prefixes. A key is looked up
 * once for each length that a prefix has, so that thousands of subscriptions cost a change no more
 * than a few do.
 */
#ifndef KT_SUBSCRIPTIONS_H
#define KT_SUBSCRIPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Prefixes of all workers together. */
#define KT_SUBSCRIPTIONS_MAX 65536u

struct kt_subscription;

/** Zeroed is empty and ready. */
struct kt_subscriptions {
    struct kt_subscription **buckets;
    uint32_t bucket_count, count;
    uint32_t lengths[256]; /**< how many prefixes have this length */
    uint32_t length_max;
};

/** Subscribe a worker; twice is once. @return 0, -ENOSPC, -ENOMEM */
int kt_subscriptions_add(struct kt_subscriptions *subscriptions, uint32_t node, const char *prefix,
                         size_t prefix_bytes);

/** Undo it; does nothing when there is none. */
void kt_subscriptions_remove(struct kt_subscriptions *subscriptions, uint32_t node,
                             const char *prefix, size_t prefix_bytes);

/** Whether anybody has subscribed to just this prefix. */
bool kt_subscriptions_has(const struct kt_subscriptions *subscriptions, const char *prefix,
                          size_t prefix_bytes);

/** A worker is gone. */
void kt_subscriptions_forget(struct kt_subscriptions *subscriptions, uint32_t node);

/** Call notify for each worker that wants to hear of this key; more than once if several of its
 * prefixes fit. */
void kt_subscriptions_match(const struct kt_subscriptions *subscriptions, const char *key,
                            size_t key_bytes, void (*notify)(uint32_t node, void *argument),
                            void *argument);

void kt_subscriptions_close(struct kt_subscriptions *subscriptions);

#endif
