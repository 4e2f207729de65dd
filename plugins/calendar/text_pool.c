/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Strings are copied one behind the other into blocks; a hash table finds equal ones.
 */
#include "text_pool.h"

#include <glib.h>
#include <string.h>

/** One block; a string is far shorter, so little is lost at a block's end. */
#define BLOCK_SIZE 65536

struct kt_text_pool {
    TALLOC_CTX *texts;
    GHashTable *known;
    char *block;
    size_t used;
};

static int pool_destroy(struct kt_text_pool *pool)
{
    g_hash_table_destroy(pool->known);
    return 0;
}

struct kt_text_pool *kt_text_pool_new(TALLOC_CTX *context, TALLOC_CTX *texts)
{
    struct kt_text_pool *pool = talloc_zero(context, struct kt_text_pool);

    if (!pool)
        return NULL;
    pool->texts = texts;
    pool->known = g_hash_table_new(g_str_hash, g_str_equal);
    talloc_set_destructor(pool, pool_destroy);
    return pool;
}

/** How many printable ASCII characters a text begins with, at most max: most text is just that. */
static size_t plain_length(const char *text, size_t max)
{
    size_t length = 0;

    while (length < max && text[length] >= ' ' && text[length] <= '~')
        length++;
    return length;
}

/** Copy to a buffer of KT_TEXT_MAX + 1 bytes: valid UTF-8, no control characters but line ends. */
static size_t clean(char *buffer, const char *text)
{
    size_t length = plain_length(text, KT_TEXT_MAX);

    memcpy(buffer, text, length);
    text += length;
    while (*text) {
        gunichar character = g_utf8_get_char_validated(text, -1);
        char bytes[6];
        int count;

        if (character == (gunichar)-1 || character == (gunichar)-2) {
            character = 0xfffd;
            text++;
        } else {
            text = g_utf8_next_char(text);
        }
        if (g_unichar_iscntrl(character) && character != '\n')
            character = ' ';
        count = g_unichar_to_utf8(character, bytes);
        if (length + (size_t)count > KT_TEXT_MAX)
            break;
        memcpy(buffer + length, bytes, (size_t)count);
        length += (size_t)count;
    }
    buffer[length] = '\0';
    return length;
}

const char *kt_text_pool_add(struct kt_text_pool *pool, const char *text)
{
    char buffer[KT_TEXT_MAX + 1];
    size_t size = clean(buffer, text) + 1;
    char *copy = g_hash_table_lookup(pool->known, buffer);

    if (copy)
        return copy;
    if (!pool->block || pool->used + size > BLOCK_SIZE) {
        pool->block = talloc_array(pool->texts, char, BLOCK_SIZE);
        pool->used = 0;
        if (!pool->block)
            return NULL;
    }
    copy = pool->block + pool->used;
    memcpy(copy, buffer, size);
    pool->used += size;
    g_hash_table_add(pool->known, copy);
    return copy;
}
