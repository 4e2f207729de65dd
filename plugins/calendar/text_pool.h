/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many small strings that live and go together: packed into blocks, equal ones kept once. Text
 * from outside is made valid UTF-8 here, so that nobody after has to think of it.
 */
#ifndef CALENDAR_TEXT_POOL_H
#define CALENDAR_TEXT_POOL_H

#include <stddef.h>
#include <talloc.h>

struct kt_text_pool;

/**
 * @param context  owns the collection and the table of what is in it
 * @param texts    owns the strings themselves, which may outlive the collection
 * @return NULL without memory
 */
struct kt_text_pool *kt_text_pool_new(TALLOC_CTX *context, TALLOC_CTX *texts);

/**
 * A copy of a text, shared with equal ones; cut at a bound for single texts (KT_TEXT_MAX),
 * between characters. @return valid UTF-8, owned by texts; NULL without memory
 */
const char *kt_text_pool_add(struct kt_text_pool *pool, const char *text);

/** The same for a text of so many bytes, which has no NUL. */
const char *kt_text_pool_add_bytes(struct kt_text_pool *pool, const char *text, size_t size);

/** The longest string kept, in bytes. */
#define KT_TEXT_MAX 1024

#endif
