/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Strings are copied one behind the other into blocks; a table of slots, half of them free at
 * least, finds equal ones. Most text is printable ASCII, which needs no cleaning.
 */
#include "text_pool.h"

#include "blocks.h"
#include "eight.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/** Slots at the beginning; a power of two. */
#define SLOTS_MIN 256

struct slot {
    const char *text; /* NULL: free */
    uint32_t hash, size;
};

struct kt_text_pool {
    struct kt_blocks texts;
    struct slot *slots;
    size_t slots_count, slots_used;
};

struct kt_text_pool *kt_text_pool_new(TALLOC_CTX *context, TALLOC_CTX *texts)
{
    struct kt_text_pool *pool = talloc_zero(context, struct kt_text_pool);

    if (!pool)
        return NULL;
    pool->texts.owner = texts;
    pool->slots = talloc_zero_array(pool, struct slot, SLOTS_MIN);
    pool->slots_count = SLOTS_MIN;
    if (!pool->slots)
        TALLOC_FREE(pool);
    return pool;
}

/* ---------------------------------------------------------------- cleaning */

/** How many printable ASCII characters a text begins with. */
static size_t plain_length(const char *text, size_t size)
{
    size_t length = 0;

    while (size - length >= KT_EIGHT && kt_eight_is_printable(kt_eight_load(text + length)))
        length += KT_EIGHT;
    while (length < size && text[length] >= ' ' && text[length] <= '~')
        length++;
    return length;
}

/** Copy to a buffer of KT_TEXT_MAX bytes: valid UTF-8, no control characters but line ends. */
static size_t clean(char *buffer, const char *text, size_t size)
{
    size_t length = plain_length(text, size < KT_TEXT_MAX ? size : KT_TEXT_MAX);
    const char *end = text + size;

    memcpy(buffer, text, length);
    text += length;
    while (text < end) {
        gunichar character = g_utf8_get_char_validated(text, end - text);
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
    return length;
}

/* ---------------------------------------------------------------- finding */

static inline uint64_t mix(uint64_t value, uint64_t word)
{
    value = (value ^ word) * UINT64_C(0x9e3779b97f4a7c15); /* 2^64 by the golden ratio */
    return value ^ value >> 32;
}

/** The last characters of a text, eight or, with spaces before them, all. */
static inline uint64_t last_word(const char *text, size_t size)
{
    uint64_t word = KT_EIGHT_OF(' ');

    if (size >= KT_EIGHT)
        return kt_eight_load(text + size - KT_EIGHT);
    while (size-- > 0)
        word = word << 8 | (unsigned char)*text++;
    return word;
}

/** The hash of a text, in the same step as the look at it: there are thousands a week.
 * @return whether it is printable ASCII, which needs no cleaning */
static bool hash_plain(const char *text, size_t size, uint32_t *ret_hash)
{
    uint64_t last = last_word(text, size), value = mix(size, last);
    bool is_plain = kt_eight_is_printable(last);

    for (size_t at = 0; at + KT_EIGHT < size; at += KT_EIGHT) {
        uint64_t word = kt_eight_load(text + at);

        is_plain &= kt_eight_is_printable(word);
        value = mix(value, word);
    }
    *ret_hash = (uint32_t)value;
    return is_plain;
}

/** The slot of a text, or the free one where it belongs. */
static struct slot *find_slot(struct slot *slots, size_t count, const char *text, uint32_t size,
                              uint32_t hash)
{
    size_t index = hash & (count - 1);

    while (slots[index].text && (slots[index].hash != hash || slots[index].size != size ||
                                 memcmp(slots[index].text, text, size) != 0))
        index = (index + 1) & (count - 1);
    return &slots[index];
}

static bool grow(struct kt_text_pool *pool)
{
    size_t count = pool->slots_count * 2;
    struct slot *slots = talloc_zero_array(pool, struct slot, (unsigned)count);

    if (!slots)
        return false;
    for (size_t index = 0; index < pool->slots_count; index++) {
        const struct slot *slot = &pool->slots[index];

        if (slot->text)
            *find_slot(slots, count, slot->text, slot->size, slot->hash) = *slot;
    }
    talloc_free(pool->slots);
    pool->slots = slots;
    pool->slots_count = count;
    return true;
}

/** A copy with a NUL; NULL without memory. */
static char *copy(struct kt_text_pool *pool, const char *text, size_t size)
{
    char *place = kt_blocks_take_bytes(&pool->texts, size + 1);

    if (place) {
        memcpy(place, text, size);
        place[size] = '\0';
    }
    return place;
}

const char *kt_text_pool_add_bytes(struct kt_text_pool *pool, const char *text, size_t size)
{
    char buffer[KT_TEXT_MAX];
    struct slot *slot;
    uint32_t hash;

    if (size > KT_TEXT_MAX || !hash_plain(text, size, &hash)) {
        size = clean(buffer, text, size);
        text = buffer;
        (void)hash_plain(text, size, &hash);
    }
    if (pool->slots_used * 2 >= pool->slots_count && !grow(pool))
        return NULL;
    slot = find_slot(pool->slots, pool->slots_count, text, (uint32_t)size, hash);
    if (!slot->text) {
        *slot = (struct slot){copy(pool, text, size), hash, (uint32_t)size};
        pool->slots_used += slot->text != NULL;
    }
    return slot->text;
}

const char *kt_text_pool_add(struct kt_text_pool *pool, const char *text)
{
    return kt_text_pool_add_bytes(pool, text, strlen(text));
}
