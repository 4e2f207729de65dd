/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a backend of the store can do. The functions are those of kontor/store.h, called in the
 * process that asked, with names, keys, sizes and times already checked; they park it until the
 * answer is there or the deadline has passed. A backend reconnects by itself, logs once when it is
 * lost and once when it is back, and never blocks the loop.
 */
#ifndef KT_STORE_BACKEND_H
#define KT_STORE_BACKEND_H

#include <kontor/store.h>

/** Which document, counter or lease. */
struct kt_store_name {
    const char *name_space, *key;
    size_t name_space_bytes, key_bytes;
};

struct kt_store_backend;
struct kt_store_entry;

/** Results are owned by the calling process (kt_self_memory). */
struct kt_store_functions {
    int (*get)(struct kt_store_backend *backend, const struct kt_store_name *name,
               struct kt_store_document **ret_document);
    int (*put)(struct kt_store_backend *backend, const struct kt_store_name *name,
               const void *value, size_t value_bytes, uint64_t revision, uint64_t *ret_revision);
    int (*delete)(struct kt_store_backend *backend, const struct kt_store_name *name,
                  uint64_t revision);
    /** @param name  its key is the prefix @param after  NULL: from the first */
    int (*scan)(struct kt_store_backend *backend, const struct kt_store_name *name,
                const char *after, uint32_t limit, struct kt_store_page **ret_page);
    int (*add)(struct kt_store_backend *backend, const struct kt_store_name *name, int64_t delta,
               int64_t *ret_value);
    /** @param token  the new one, made by the caller */
    int (*claim)(struct kt_store_backend *backend, const struct kt_store_name *name,
                 const char *token, int64_t ttl_ms, uint64_t *ret_fence);
    int (*renew)(struct kt_store_backend *backend, const struct kt_store_name *name,
                 const char *token, int64_t ttl_ms);
    int (*release)(struct kt_store_backend *backend, const struct kt_store_name *name,
                   const char *token);
    /**
     * Walk through all there is, in any order that stays the same: the next counter behind one, or
     * the next namespace of documents (then the keys don't count). NULL: it can't.
     * @param after  its texts are "" for the first
     * @return 0, -ENOENT (that was the last one), and as the others
     */
    int (*next)(struct kt_store_backend *backend, bool is_counter,
                const struct kt_store_name *after, struct kt_store_entry *ret_entry);
    /** Look whether all that belongs to the store is whole. NULL: nothing to look at beyond what
     * reading shows. @return 0, -EIO (the log has the reason), and as the others */
    int (*check)(struct kt_store_backend *backend);
    /** The runtime is still there; what waits gets -ENOTCONN. Frees the backend. */
    void (*close)(struct kt_store_backend *backend);
};

/** The head of each backend. */
struct kt_store_backend {
    const struct kt_store_functions *functions;
    int64_t timeout_ms; /**< for each call */
};

struct kt_store_address;

/** Both make a backend that connects when it is first used. @return 0 or a negative errno with the
 * words, only for what can never work */
int kt_store_sqlite_new(const struct kt_store_address *address, int64_t timeout_ms,
                        struct kt_store_backend **ret_backend, struct kt_error *error);
int kt_store_redis_new(const struct kt_store_address *address, int64_t timeout_ms,
                       struct kt_store_backend **ret_backend, struct kt_error *error);

#endif
