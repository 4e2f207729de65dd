/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What servers sent of late, to be taken again when they say that it hasn't changed. In memory, of
 * this worker, bounded in number, bytes and age; never on a disk.
 */
#ifndef CALENDAR_URL_CACHE_H
#define CALENDAR_URL_CACHE_H

#include <stddef.h>
#include <talloc.h>

/** What is known of an entry; a copy. */
struct kt_url_known {
    const char *etag, *modified; /**< at least one isn't NULL */
    size_t size;                 /**< of the text */
};

/** @return owned by context; NULL: nothing is known. Does not park, as the other ones. */
struct kt_url_known *kt_url_cache_find(TALLOC_CTX *context, const char *address);

/**
 * The text of an entry that was found before.
 * @return a copy of known->size bytes and a NUL behind, owned by context; NULL: it has gone, or is
 *         another one
 */
char *kt_url_cache_text(TALLOC_CTX *context, const char *address, const struct kt_url_known *known);

/** Keep what came. Without etag and modified, or too large, what was known is dropped. */
void kt_url_cache_put(const char *address, const char *etag, const char *modified, const char *text,
                      size_t size);

#endif
