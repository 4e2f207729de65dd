/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store: what must last. Documents under a namespace and a key, with revisions; counters; and
 * leases. It is SQLite on this machine by default, Redis where several machines share it (option
 * "store" of [kontor]); a plugin doesn't notice which.
 *
 * - A call that changes something returns 0 when the change is durable: with SQLite, when it is on
 *   the disk; with Redis, when Redis has acknowledged it, which is as durable as its settings make
 *   it (appendfsync always).
 * - A change that failed with -ETIMEDOUT, -ENOTCONN or -EIO has been made or not (nobody knows what
 *   a disk has kept that failed to sync): look, or make it with a revision and try again. After any
 *   other error it has not been made.
 * - Several workers, and with Redis several machines, use one store at the same time.
 *
 * Namespaces are 1 to KT_STORE_NAMESPACE_MAX bytes of a-z, 0-9 and "-", beginning with a letter; a
 * plugin's own is its name, or begins with its name and "-". Keys are 1 to KT_STORE_KEY_MAX bytes of
 * UTF-8 without control characters. Values are 0 to KT_STORE_VALUE_MAX bytes, JSON as a rule.
 * Documents, counters and leases don't meet: each kind has keys of its own.
 *
 * All functions are for processes, and all of them park. Each ends within the option
 * "store_timeout". Errors that any of them may return, beside its own:
 *   -EINVAL     namespace, key or size
 *   -ENOTCONN   the store can't be reached (the log has the reason), or the worker is ending
 *   -ETIMEDOUT  no answer in time
 *   -EBUSY      too much waits for the store already
 *   -ENOSPC     the store is full: the disk, Redis' maxmemory
 *   -EIO        the store could not do it: an error of the disk, a damaged file, an answer that
 *               makes no sense (the log has the reason)
 *   -EROFS      the store may be read only: a replica of Redis, a file that isn't writable
 *   -ENOMEM
 */
#ifndef KONTOR_STORE_H
#define KONTOR_STORE_H

#include <kontor/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The longest namespace and key in bytes, without a closing NUL. */
#define KT_STORE_NAMESPACE_MAX 63u
#define KT_STORE_KEY_MAX 255u
/** The largest value in bytes. */
#define KT_STORE_VALUE_MAX (1u << 20)
/** The most documents that one kt_store_scan returns, and about the most bytes of their values. */
#define KT_STORE_PAGE_MAX 256u
#define KT_STORE_PAGE_BYTES_MAX (4u << 20)

/* ---------------------------------------------------------------- documents */

/** A document as it was at one moment. */
struct kt_store_document {
    uint64_t revision; /**< of this content; never 0, and never used again for this key, even after
                            the document has been deleted and written anew */
    const char *key;   /**< with a NUL */
    const char *value; /**< value_bytes, and a NUL behind that is not part of it */
    size_t value_bytes;
};

/** What must be so for a change to be made. */
#define KT_STORE_ANY UINT64_MAX /**< in place of a revision: whatever there is, or is not */
#define KT_STORE_NEW UINT64_C(0) /**< in place of a revision: there is no such document */

/**
 * Read a document.
 * @param ret_document  owned by the calling process; talloc_free it when it is large
 * @return 0, -ENOENT, and the errors above
 */
KT_PUBLIC int kt_store_get(const char *name_space, const char *key,
                           struct kt_store_document **ret_document);

/**
 * Write a document, whole.
 * @param value         borrowed for the call; may be NULL when value_bytes is 0
 * @param revision      the document must have this one: compare and set; or KT_STORE_ANY,
 *                      KT_STORE_NEW
 * @param ret_revision  the new one; may be NULL
 * @return 0, -ESTALE (it has another revision, is not there, or with KT_STORE_NEW is there), and
 *         the errors above
 */
KT_PUBLIC int kt_store_put(const char *name_space, const char *key, const void *value,
                           size_t value_bytes, uint64_t revision, uint64_t *ret_revision);

/**
 * Delete a document.
 * @param revision  as in kt_store_put; KT_STORE_NEW is -EINVAL
 * @return 0, -ENOENT, -ESTALE, and the errors above
 */
KT_PUBLIC int kt_store_delete(const char *name_space, const char *key, uint64_t revision);

/** Some documents of a namespace, in the order of their keys. */
struct kt_store_page {
    uint32_t count;
    bool has_more; /**< ask on, after the last key of this page */
    struct kt_store_document *documents[];
};

/**
 * List documents whose keys begin with a prefix, in the order of their keys (by bytes). Each is as it
 * was at one moment; together they are not: one that is there all the time between the first page
 * and the last is seen exactly once, others may be seen or not.
 * @param prefix    "" for all
 * @param after     only keys behind this one; NULL to begin with the first
 * @param limit     at most so many; 0 or more than KT_STORE_PAGE_MAX: that many. There may be fewer
 *                  even if has_more, when they are large
 * @param ret_page  owned by the calling process
 * @return 0, and the errors above
 */
KT_PUBLIC int kt_store_scan(const char *name_space, const char *prefix, const char *after,
                            uint32_t limit, struct kt_store_page **ret_page);

/* ---------------------------------------------------------------- counters */

/**
 * Add to a counter, which begins with 0.
 * @param delta      0 reads it
 * @param ret_value  after the addition; may be NULL
 * @return 0, -ERANGE (it would leave the range; it stays as it was), and the errors above
 */
KT_PUBLIC int kt_store_add(const char *name_space, const char *key, int64_t delta,
                           int64_t *ret_value);

/* ---------------------------------------------------------------- leases */

/** A lease that is held; a value that can be copied, and survives its process. */
struct kt_store_lease {
    char name_space[KT_STORE_NAMESPACE_MAX + 1], key[KT_STORE_KEY_MAX + 1];
    char token[33];   /**< random, in hex: who knows it holds the lease */
    uint64_t fence;   /**< larger than that of every earlier holder of this key: store it with what
                           the lease protects, so that a late write of an earlier one shows */
};

/**
 * Claim a lease for a time. Renew it at about a third of that. Who stalls for longer than the time
 * has lost it without knowing: what must not happen twice needs the fence as well. The time is that
 * of the store (with SQLite: of this machine's clock).
 * @param ttl_ms     100 ms to 24 hours
 * @param ret_lease  what to renew and release it with
 * @return 0, -EEXIST (another holds it), and the errors above
 */
KT_PUBLIC int kt_store_claim(const char *name_space, const char *key, int64_t ttl_ms,
                             struct kt_store_lease *ret_lease);

/** Hold a lease for so long from now. @return 0, -ESTALE (it is lost), and the errors above */
KT_PUBLIC int kt_store_renew(const struct kt_store_lease *lease, int64_t ttl_ms);

/** Give a lease back. @return 0, -ESTALE (it was lost), and the errors above */
KT_PUBLIC int kt_store_release(const struct kt_store_lease *lease);

#endif
