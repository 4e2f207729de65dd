/* SPDX-License-Identifier: BSD-2-Clause */
/* What client.c (the wire), client_entries.c and client_post.c share. */
#ifndef KT_REGISTRY_CLIENT_PRIVATE_H
#define KT_REGISTRY_CLIENT_PRIVATE_H

#include "base/map.h"
#include "process/runtime.h"
#include "registry/client.h"
#include "registry/directory.h"
#include "registry/protocol.h"
#include "registry/subscriptions.h"

/** The one client of this worker. */
struct kt_registry_client {
    struct kt_wire *wire; /**< NULL: there is no registry */
    struct kt_directory directory;
    struct kt_map owners; /**< pid → what tells the registry of its end */
    struct kt_map calls;  /**< number of another worker's call → the process that stands for it */
};

extern struct kt_registry_client kt_registry_client __attribute__((visibility("hidden")));

/** The length of a key, 0 when it can't be one. */
size_t kt_client_key_bytes(const char *key);

/** Add a frame for the registry. @return its room, or NULL: no registry, no memory; fd is closed */
void *kt_client_add(const struct kt_frame *head, size_t body_bytes, int fd);

/** An answer about entries has come. @param fd  as of kt_wire_next, becomes the callee's */
void kt_client_take_answer(const struct kt_frame *frame, int fd);

/* client_changes.c */

/** A change has come. */
void kt_client_take_change(const struct kt_frame *frame);

/** Tell those who missed a change, since their mailbox was full. Once a turn. */
void kt_client_retry_lost(void);

/* client_post.c */

/** A message, a call, a result, a withdrawal has come. */
void kt_client_take_post(const struct kt_frame *frame);

#endif
