/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the rooms of the registry's OS process share: its workers and its book. Only registry.c
 * opens and closes connections.
 */
#ifndef KT_REGISTRY_PRIVATE_H
#define KT_REGISTRY_PRIVATE_H

#include "registry/book.h"
#include "registry/protocol.h"
#include "registry/registry.h"
#include "registry/subscriptions.h"

/** A worker that lets so much lie gets no more messages of others until it has read. */
#define KT_POST_WAITING_MAX ((size_t)16 << 20)
/** The same for word of changes. */
#define KT_CHANGES_WAITING_MAX ((size_t)4 << 20)
/** While so much waits for a worker, nothing is read from it. */
#define KT_ANSWERS_WAITING_MAX ((size_t)1 << 20)
/** The same for descriptors; till they leave they count against what the registry may have open. */
#define KT_FDS_WAITING_MAX 128u

struct kt_connection_to_worker {
    uint32_t node;
    struct kt_wire *wire;
    uint64_t last_change; /**< the last one that it was told of */
    bool has_lost;        /**< changes that it was not told of */
    bool has_rest;        /**< what it said was not taken to the end: too much waits for it */
    bool is_broken;       /**< to be closed at the end of this turn */
};

struct kt_registry_process {
    const struct kt_registry_start *start;
    struct kt_book book;
    struct kt_subscriptions subscriptions;
    struct kt_connection_to_worker *workers[KT_NODE_MAX + 1]; /**< by node; NULL: none */
    struct kt_map calls; /**< on their way between workers: see post.c */
    uint64_t changes;
    int64_t now_ms; /**< since 1970, as of this turn */
};

/**
 * Add a frame for a worker; a worker that it can't be added for is broken.
 * @return its room, or NULL
 */
void *kt_registry_add(struct kt_connection_to_worker *worker, const struct kt_frame *head,
                      size_t body_bytes, int fd);

#endif
