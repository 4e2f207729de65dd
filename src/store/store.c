/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The functions of kontor/store.h: what callers say is checked here, once for all backends, and
 * then theirs to do. The only place that knows which backend there is.
 */
#include "config.h"

#include "store/store.h"

#include "store/name.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

/** The range of a lease's time. */
#define TTL_MIN_MS 100
#define TTL_MAX_MS INT64_C(86400000)
/** Random bytes of a token: nobody guesses 128 bits. */
#define TOKEN_BYTES 16u

/** The store of this OS process; NULL: there is none. */
static struct kt_store_backend *store;

/* ---------------------------------------------------------------- documents */

int kt_store_get(const char *name_space, const char *key, struct kt_store_document **ret_document)
{
    struct kt_store_name name;
    int result = kt_store_name_check(name_space, key, false, &name);
    if (result < 0)
        return result;
    return store ? store->functions->get(store, &name, ret_document) : -ENOTCONN;
}

int kt_store_put(const char *name_space, const char *key, const void *value, size_t value_bytes,
                 uint64_t revision, uint64_t *ret_revision)
{
    struct kt_store_name name;
    uint64_t ignored;
    int result = kt_store_name_check(name_space, key, false, &name);
    if (result == 0 && (value_bytes > KT_STORE_VALUE_MAX || (!value && value_bytes > 0)))
        result = -EINVAL;
    if (result < 0)
        return result;
    return store ? store->functions->put(store, &name, value_bytes > 0 ? value : "", value_bytes,
                                         revision, ret_revision ? ret_revision : &ignored)
                 : -ENOTCONN;
}

int kt_store_delete(const char *name_space, const char *key, uint64_t revision)
{
    struct kt_store_name name;
    int result = kt_store_name_check(name_space, key, false, &name);
    if (result == 0 && revision == KT_STORE_NEW)
        result = -EINVAL;
    if (result < 0)
        return result;
    return store ? store->functions->delete (store, &name, revision) : -ENOTCONN;
}

int kt_store_scan(const char *name_space, const char *prefix, const char *after, uint32_t limit,
                  struct kt_store_page **ret_page)
{
    struct kt_store_name name;
    int result = kt_store_name_check(name_space, prefix, true, &name);
    if (result == 0 && after && !kt_store_is_prefix(after, strnlen(after, KT_STORE_KEY_MAX + 1)))
        result = -EINVAL;
    if (result < 0)
        return result;
    if (after && *after == '\0')
        after = NULL;
    if (limit == 0 || limit > KT_STORE_PAGE_MAX)
        limit = KT_STORE_PAGE_MAX;
    return store ? store->functions->scan(store, &name, after, limit, ret_page) : -ENOTCONN;
}

/* ---------------------------------------------------------------- counters */

int kt_store_add(const char *name_space, const char *key, int64_t delta, int64_t *ret_value)
{
    struct kt_store_name name;
    int64_t ignored;
    int result = kt_store_name_check(name_space, key, false, &name);
    if (result < 0)
        return result;
    return store ? store->functions->add(store, &name, delta, ret_value ? ret_value : &ignored)
                 : -ENOTCONN;
}

/* ---------------------------------------------------------------- leases */

static bool is_ttl(int64_t ttl_ms)
{
    return ttl_ms >= TTL_MIN_MS && ttl_ms <= TTL_MAX_MS;
}

int kt_store_claim(const char *name_space, const char *key, int64_t ttl_ms,
                   struct kt_store_lease *ret_lease)
{
    struct kt_store_name name;
    unsigned char random[TOKEN_BYTES];
    struct kt_store_lease lease = {0};
    int result = kt_store_name_check(name_space, key, false, &name);
    if (result == 0 && !is_ttl(ttl_ms))
        result = -EINVAL;
    if (result < 0)
        return result;
    if (!store)
        return -ENOTCONN;
    memcpy(lease.name_space, name_space, name.name_space_bytes);
    memcpy(lease.key, key, name.key_bytes);
    randombytes_buf(random, sizeof random);
    sodium_bin2hex(lease.token, sizeof lease.token, random, sizeof random);
    result = store->functions->claim(store, &name, lease.token, ttl_ms, &lease.fence);
    if (result == 0)
        *ret_lease = lease;
    return result;
}

/** Check a lease that somebody kept. */
static int check_lease(const struct kt_store_lease *lease, struct kt_store_name *ret_name)
{
    if (strnlen(lease->token, sizeof lease->token) != sizeof lease->token - 1)
        return -EINVAL;
    return kt_store_name_check(lease->name_space, lease->key, false, ret_name);
}

int kt_store_renew(const struct kt_store_lease *lease, int64_t ttl_ms)
{
    struct kt_store_name name;
    int result = check_lease(lease, &name);
    if (result == 0 && !is_ttl(ttl_ms))
        result = -EINVAL;
    if (result < 0)
        return result;
    return store ? store->functions->renew(store, &name, lease->token, ttl_ms) : -ENOTCONN;
}

int kt_store_release(const struct kt_store_lease *lease)
{
    struct kt_store_name name;
    int result = check_lease(lease, &name);
    if (result < 0)
        return result;
    return store ? store->functions->release(store, &name, lease->token) : -ENOTCONN;
}

/* ---------------------------------------------------------------- for kontorctl */

static int next(bool is_counter, struct kt_store_entry *entry)
{
    const struct kt_store_entry before = *entry;
    const struct kt_store_name after = {.name_space = before.name_space,
                                        .key = before.key,
                                        .name_space_bytes = strlen(before.name_space),
                                        .key_bytes = strlen(before.key)};
    if (!store)
        return -ENOTCONN;
    return store->functions->next ? store->functions->next(store, is_counter, &after, entry)
                                  : -ENOTSUP;
}

int kt_store_next_space(struct kt_store_entry *entry)
{
    return next(false, entry);
}

int kt_store_next_counter(struct kt_store_entry *entry)
{
    return next(true, entry);
}

int kt_store_check(void)
{
    if (!store)
        return -ENOTCONN;
    return store->functions->check ? store->functions->check(store) : 0;
}

/* ---------------------------------------------------------------- life */

int kt_store_start(const struct kt_store_options *options, struct kt_error *error)
{
    if (sodium_init() < 0)
        return kt_error_set(error, -ENOSYS, "libsodium cannot be used");
    switch (options->address->kind) {
    case KT_STORE_SQLITE:
        return kt_store_sqlite_new(options->address, options->timeout_ms, &store, error);
    case KT_STORE_REDIS:
        return kt_store_redis_new(options->address, options->timeout_ms, &store, error);
    }
    return kt_error_set(error, -EINVAL, "no backend keeps such a store");
}

void kt_store_close(void)
{
    struct kt_store_backend *closing = store;
    store = NULL;
    if (closing)
        closing->functions->close(closing);
}
