/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A handful of slots, looked through one by one: there are few, and each stands for a request to
 * another server, which takes far longer. The one that was not used for longest makes room.
 */
#include "url_cache.h"

#include <kontor/process.h>
#include <stdbool.h>
#include <string.h>

/** Entries, bytes of all texts, and for how long one is kept without being used. */
#define ENTRIES_MAX 256
#define BYTES_MAX ((size_t)32 << 20)
#define ENTRY_BYTES_MAX ((size_t)4 << 20)
#define AGE_MAX_MS INT64_C(1800000)

/** A slot is free when address is NULL. */
struct entry {
    char *address; /* owns the other texts */
    char *etag, *modified, *text;
    size_t size;
    int64_t used_ms;
};

static struct {
    struct entry entries[ENTRIES_MAX];
    size_t bytes;
} cache;

static void drop(struct entry *entry)
{
    cache.bytes -= entry->size;
    talloc_free(entry->address);
    memset(entry, 0, sizeof(*entry));
}

/** The entry of an address; what is too old goes on the way. */
static struct entry *find(const char *address)
{
    int64_t now_ms = kt_now_ms();
    struct entry *found = NULL;

    for (size_t index = 0; index < ENTRIES_MAX; index++) {
        struct entry *entry = &cache.entries[index];

        if (entry->address && now_ms - entry->used_ms > AGE_MAX_MS)
            drop(entry);
        if (entry->address && strcmp(entry->address, address) == 0)
            found = entry;
    }
    return found;
}

/** A free slot, after so many have gone that size bytes have room. */
static struct entry *make_room(size_t size)
{
    for (;;) {
        struct entry *oldest = NULL, *spare = NULL;

        for (size_t index = 0; index < ENTRIES_MAX; index++) {
            struct entry *entry = &cache.entries[index];

            if (!entry->address)
                spare = entry;
            else if (!oldest || entry->used_ms < oldest->used_ms)
                oldest = entry;
        }
        if (spare && cache.bytes + size <= BYTES_MAX)
            return spare;
        drop(oldest);
    }
}

struct kt_url_known *kt_url_cache_find(TALLOC_CTX *context, const char *address)
{
    struct entry *entry = find(address);
    struct kt_url_known *known;

    if (!entry)
        return NULL;
    entry->used_ms = kt_now_ms();
    known = kt_must(talloc_zero(context, struct kt_url_known));
    known->etag = entry->etag ? kt_must(talloc_strdup(known, entry->etag)) : NULL;
    known->modified = entry->modified ? kt_must(talloc_strdup(known, entry->modified)) : NULL;
    known->size = entry->size;
    return known;
}

static bool is_same(const char *one, const char *other)
{
    return one && other ? strcmp(one, other) == 0 : one == other;
}

char *kt_url_cache_text(TALLOC_CTX *context, const char *address, const struct kt_url_known *known)
{
    struct entry *entry = find(address);

    if (!entry || entry->size != known->size || !is_same(entry->etag, known->etag) ||
        !is_same(entry->modified, known->modified))
        return NULL;
    return kt_must(talloc_memdup(context, entry->text, entry->size + 1));
}

void kt_url_cache_put(const char *address, const char *etag, const char *modified, const char *text,
                      size_t size)
{
    struct entry *entry = find(address), fresh = {.size = size, .used_ms = kt_now_ms()};

    if (entry)
        drop(entry);
    if ((!etag && !modified) || size > ENTRY_BYTES_MAX)
        return;
    fresh.address = talloc_strdup(NULL, address);
    fresh.text = fresh.address ? talloc_memdup(fresh.address, text, size + 1) : NULL;
    fresh.etag = fresh.text && etag ? talloc_strdup(fresh.address, etag) : NULL;
    fresh.modified = fresh.text && modified ? talloc_strdup(fresh.address, modified) : NULL;
    if (!fresh.etag && !fresh.modified) {
        talloc_free(fresh.address);
        return;
    }
    entry = make_room(size);
    *entry = fresh;
    cache.bytes += size;
}
