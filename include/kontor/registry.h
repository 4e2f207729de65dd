/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registry: unique keys for the whole of kontor. A key belongs to the process that registered
 * it, in whichever worker that lives, carries a small value and at most one sealed memory file,
 * and is a name to which messages can be sent.
 *
 * - Of two processes that register one key at the same moment exactly one wins; the other gets the
 *   winner's entry.
 * - An entry goes when its owner ends, however it ends, or when its worker dies; one that was given
 *   a time to be kept until stays till then, without an owner. Such entries outlive a crash of the
 *   registry itself.
 * - Looking up is a read of shared memory: tens of nanoseconds, no waiting.
 *
 * Keys are 1 to KT_REGISTRY_KEY_MAX bytes without NUL; a plugin's own should begin with its name and
 * a slash ("reports/sales"). All functions are for processes, and fail with -ENOTCONN when this
 * worker has lost the registry (as a rule since that has crashed): it is about to be replaced.
 */
#ifndef KONTOR_REGISTRY_H
#define KONTOR_REGISTRY_H

#include <kontor/memory_file.h>
#include <kontor/process.h>

/** The longest key in bytes, without a closing NUL. */
#define KT_REGISTRY_KEY_MAX 255u
/** The largest value in bytes. */
#define KT_REGISTRY_VALUE_MAX 1024u
/** The most entries that one kt_registry_select returns. */
#define KT_REGISTRY_PAGE_MAX 256u

/** What the registry knows of a key at one moment; a copy, filled in by the functions below. */
struct kt_registry_entry {
    kt_pid owner;                          /**< KT_PID_NONE: its owner has ended, it is kept */
    uint64_t version;                      /**< grows with every change of any entry */
    int64_t keep_until_ms;                 /**< ms since 1970; 0: not longer than its owner lives */
    int64_t registered_ms;                 /**< ms since 1970 */
    uint64_t file_bytes;                   /**< size of its memory file */
    bool has_file;                         /**< there is a memory file: kt_registry_file */
    uint32_t value_bytes;                  /**< size of the value */
    char key[KT_REGISTRY_KEY_MAX + 1];     /**< with a NUL */
    char value[KT_REGISTRY_VALUE_MAX + 1]; /**< with a NUL behind, which is not part of it */
};

/** What to register, or how to change an entry. Everything is borrowed for the call. */
struct kt_registration {
    const char *key;
    const void *value;  /**< may be NULL when value_bytes is 0 */
    size_t value_bytes; /**< at most KT_REGISTRY_VALUE_MAX */
    /** A sealed memory file, NULL for none (in an update: leave what there is). The registry takes
     * a descriptor of its own, the file stays the caller's. */
    const struct kt_memory_file *file;
    /** Keep the entry until then even without its owner, ms since 1970; 0: no longer than that. */
    int64_t keep_until_ms;
};

/**
 * Register a key for the calling process.
 * @param what       the key and what it carries
 * @param ret_entry  may be NULL; with 0 the new entry, with -EEXIST that of the winner
 * @return 0; -EEXIST (another has it, or the caller itself; or it is kept); -ENOSPC (the registry
 *         is full: registry_memory, registry_files); -EMFILE (too many memory files); -ENOBUFS (too
 *         many are on their way to others just now); -EINVAL (key or value too long, key empty);
 *         -EPERM (the file is not sealed); -ENOTCONN; -ETIMEDOUT (the registry does not answer; the
 *         key is not left registered); -ENOMEM
 * Parks.
 */
KT_PUBLIC int kt_registry_register(const struct kt_registration *what,
                                   struct kt_registry_entry *ret_entry);

/**
 * Change the value, the time to be kept, and with a file the memory file of an entry. Only its
 * owner may; one that is kept without an owner, anybody.
 * @return 0, -ENOENT, -EPERM (another owns it, or the file is not sealed), -ENOSPC, -EMFILE,
 *         -ENOBUFS, -EINVAL, -ENOTCONN, -ETIMEDOUT (it may have been changed or not), -ENOMEM
 * Parks.
 */
KT_PUBLIC int kt_registry_update(const struct kt_registration *what);

/**
 * Remove an entry, whether it was to be kept or not. Only its owner may; one that is kept without
 * an owner, anybody.
 * @return 0, -ENOENT, -EPERM, -EINVAL, -ENOTCONN, -ETIMEDOUT, -ENOMEM
 * Parks.
 */
KT_PUBLIC int kt_registry_unregister(const char *key);

/**
 * Look a key up.
 * @param ret_entry  a copy of the entry; only as many bytes of value as it has are written
 * @return 0, -ENOENT, -EINVAL (the key), -ENOTCONN
 * Does not park: a read of shared memory.
 */
KT_PUBLIC int kt_registry_lookup(const char *key, struct kt_registry_entry *ret_entry);

/**
 * Get the memory file of an entry.
 * @param ret_file  sealed; owned by the calling process, and readable for as long as it wants, even
 *                  when the entry has gone meanwhile. Its offset is shared with others: pread(2)
 * @return 0, -ENOENT (no such entry, or it has no file), -EMFILE (this worker may not have more open
 *         files), -ENOBUFS (too many are on their way), -EINVAL, -ENOTCONN, -ETIMEDOUT
 * Parks.
 */
KT_PUBLIC int kt_registry_file(const char *key, struct kt_memory_file **ret_file);

/** Some entries in the order of their keys. */
struct kt_registry_page {
    uint32_t count;
    bool has_more; /**< ask on, after the last key of this page */
    struct kt_registry_entry *entries[];
};

/**
 * List the entries whose keys begin with a prefix, in the order of their keys (by bytes).
 * @param prefix    "" for all
 * @param after     only keys behind this one; NULL to begin with the first
 * @param limit     at most so many; 0 or more than KT_REGISTRY_PAGE_MAX: that many
 * @param ret_page  owned by the calling process
 * @return 0, -EINVAL, -ENOTCONN, -ETIMEDOUT, -ENOMEM
 * Parks.
 */
KT_PUBLIC int kt_registry_select(const char *prefix, const char *after, uint32_t limit,
                                 struct kt_registry_page **ret_page);

/* ---------------------------------------------------------------- changes */

/** An entry that is subscribed to has changed; data is a struct kt_registry_change. */
#define KT_MESSAGE_REGISTRY (KT_MESSAGE_SYSTEM + 3)

enum kt_registry_event {
    KT_REGISTRY_REGISTERED,
    KT_REGISTRY_UPDATED, /**< its value, file, time to be kept, or that it lost its owner */
    KT_REGISTRY_GONE,
    KT_REGISTRY_LOST, /**< events were dropped, since they came faster than they were taken: look
                           again; the key is empty */
};

/** Data of KT_MESSAGE_REGISTRY. The entry may have changed again since: look it up. */
struct kt_registry_change {
    enum kt_registry_event event;
    uint64_t reference; /**< the subscription */
    uint64_t version;   /**< the entry's */
    kt_pid owner;
    char key[KT_REGISTRY_KEY_MAX + 1];
};

/**
 * Get a KT_MESSAGE_REGISTRY for each change of an entry whose key begins with a prefix, from now
 * on until the calling process ends. What was changed before this returns is seen by a look-up,
 * what is changed afterwards by a message.
 * @param prefix         "" for all
 * @param ret_reference  for kt_registry_unsubscribe
 * @return 0, -ENOSPC (too many subscriptions), -EINVAL, -ENOTCONN, -ETIMEDOUT, -ENOMEM
 * Parks.
 */
KT_PUBLIC int kt_registry_subscribe(const char *prefix, uint64_t *ret_reference);

/** Undo a subscription. Messages that are already in the mailbox stay there. Does not park. */
KT_PUBLIC void kt_registry_unsubscribe(uint64_t reference);

/* ---------------------------------------------------------------- messages by name */

/**
 * Send a message to the owner of a key, in whichever worker it is. Within a worker this is kt_send;
 * to another one the message has KT_PID_NONE as its sender, and what happens to it on the way (the
 * owner ends, its mailbox is full) stays unknown.
 * @return as kt_send, and -ENOENT (nobody owns the key), -ENOTCONN, -ENOBUFS (too much is on its
 *         way)
 * Does not park.
 */
KT_PUBLIC int kt_registry_send(const char *key, uint32_t type, const void *data, size_t size);

/**
 * Call the owner of a key, in whichever worker it is; see kt_call. To the callee in another worker
 * the call comes from a process that stands for the caller.
 * @return as kt_call, and -ENOENT (nobody owns the key), -ENOTCONN
 * Parks.
 */
KT_PUBLIC int kt_registry_call(const char *key, uint32_t type, const void *data, size_t size,
                               int64_t timeout_ms, const struct kt_message **ret_reply);

#endif
