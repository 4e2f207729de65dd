/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What workers and the registry say to each other. Each frame begins with a struct kt_frame, whose
 * pid and reference in a worker's question name the process that waits, and come back with the
 * answer; then comes the struct named here, then texts and data without gaps.
 */
#ifndef KT_REGISTRY_PROTOCOL_H
#define KT_REGISTRY_PROTOCOL_H

#include "registry/wire.h"

#include <kontor/registry.h>

enum kt_frame_kind {
    /* from a worker */
    KT_FRAME_REGISTER = 1, /**< kt_frame_entry, key, value, descriptor */
    KT_FRAME_UPDATE,       /**< the same */
    KT_FRAME_UNREGISTER,   /**< kt_frame_key, key */
    KT_FRAME_FILE,         /**< kt_frame_key, key */
    KT_FRAME_SELECT,       /**< kt_frame_select, prefix, after */
    KT_FRAME_SUBSCRIBE,    /**< kt_frame_key, prefix */
    KT_FRAME_UNSUBSCRIBE,  /**< kt_frame_key, prefix; no answer */
    KT_FRAME_ENDED,        /**< the process pid has ended; no answer */
    KT_FRAME_SEND,         /**< kt_frame_message, key, data; no answer */
    KT_FRAME_CALL,         /**< the same; the answer is the callee's */
    KT_FRAME_CANCEL,       /**< the caller does not wait any more; no answer */
    KT_FRAME_RETURN,       /**< kt_frame_message, data: reference is a KT_FRAME_DELIVER's */
    /* from the registry */
    KT_FRAME_ANSWER,   /**< to questions about entries: kt_frame_entry …, or nothing */
    KT_FRAME_RESULT,   /**< to a call: kt_frame_message, data */
    KT_FRAME_DELIVER,  /**< kt_frame_message, data: for pid; with a reference it is a call */
    KT_FRAME_WITHDRAW, /**< the call of this reference is not waited for any more */
    KT_FRAME_CHANGE,   /**< kt_frame_change, key */
};

/** An entry, or what is to become one. */
struct kt_frame_entry {
    int64_t keep_until_ms, registered_ms;
    uint64_t version, owner, file_bytes;
    uint32_t has_file;
    uint16_t key_bytes, value_bytes;
};

struct kt_frame_key {
    uint32_t key_bytes;
};

struct kt_frame_select {
    uint16_t prefix_bytes, after_bytes;
    uint16_t has_after;
    uint16_t limit;
};

struct kt_frame_message {
    int64_t timeout_ms; /**< of a call */
    uint32_t type;
    uint16_t key_bytes;
    uint16_t spare;
};

struct kt_frame_change {
    uint64_t version, owner;
    uint16_t event; /**< enum kt_registry_event */
    uint16_t key_bytes;
    uint32_t spare;
};

#endif
