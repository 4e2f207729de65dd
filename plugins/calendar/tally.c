/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Texts are told apart by the whole hash first, so that they are rarely compared in vain. Most that
 * come have come before from the same place, where a source keeps equal texts once: those are known
 * without being read.
 */
#include "tally.h"

#include <errno.h>
#include <string.h>

/** Slots at the beginning; a power of two. */
#define SLOTS_MIN 64

struct kt_tally_slot {
    const char *text; /* NULL: free */
    uint32_t hash, number;
};

struct kt_tally_seen {
    const char *text; /* the last one of those that belong here */
    uint32_t number;
};

/** Eight bytes a step: addresses are some thirty bytes long, and there are thousands a week. */
static uint32_t hash_of(const char *text)
{
    size_t left = strlen(text);
    uint64_t value = left, word;

    for (; left >= sizeof(word); left -= sizeof(word), text += sizeof(word)) {
        memcpy(&word, text, sizeof(word));
        value = (value ^ word) * UINT64_C(0x9e3779b97f4a7c15); /* 2^64 by the golden ratio */
        value ^= value >> 32;
    }
    word = 0;
    memcpy(&word, text, left);
    value = (value ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(value ^ value >> 32);
}

static struct kt_tally_slot *find_slot(const struct kt_tally *tally, const char *text,
                                       uint32_t hash)
{
    size_t index = hash & (tally->size - 1);

    while (tally->slots[index].text) {
        const struct kt_tally_slot *slot = &tally->slots[index];

        if (slot->hash == hash && (slot->text == text || strcmp(slot->text, text) == 0))
            break;
        index = (index + 1) & (tally->size - 1);
    }
    return &tally->slots[index];
}

static int grow(TALLOC_CTX *context, struct kt_tally *tally)
{
    struct kt_tally larger = {.size = tally->size ? tally->size * 2 : SLOTS_MIN,
                              .count = tally->count};

    larger.slots = talloc_zero_array(context, struct kt_tally_slot, (unsigned)larger.size);
    larger.seen = talloc_zero_array(context, struct kt_tally_seen, (unsigned)larger.size);
    if (!larger.slots || !larger.seen)
        return -ENOMEM; /* what there is goes with its owner */
    for (size_t index = 0; index < tally->size; index++) {
        const struct kt_tally_slot *slot = &tally->slots[index];

        if (slot->text)
            *find_slot(&larger, slot->text, slot->hash) = *slot;
    }
    talloc_free(tally->slots);
    talloc_free(tally->seen);
    *tally = larger;
    return 0;
}

/** Where a text is remembered by its address. */
static struct kt_tally_seen *find_seen(const struct kt_tally *tally, const char *text)
{
    uint64_t value = (uint64_t)(uintptr_t)text * UINT64_C(0x9e3779b97f4a7c15);

    return &tally->seen[value >> 32 & (tally->size - 1)];
}

int64_t kt_tally_number(TALLOC_CTX *context, struct kt_tally *tally, const char *text)
{
    struct kt_tally_seen *seen;
    struct kt_tally_slot *slot;
    uint32_t hash;

    if ((size_t)tally->count * 2 >= tally->size && grow(context, tally) < 0)
        return -ENOMEM;
    seen = find_seen(tally, text);
    if (seen->text == text)
        return seen->number;
    hash = hash_of(text);
    slot = find_slot(tally, text, hash);
    if (!slot->text)
        *slot = (struct kt_tally_slot){text, hash, tally->count++};
    *seen = (struct kt_tally_seen){text, slot->number};
    return slot->number;
}

int64_t kt_tally_find(const struct kt_tally *tally, const char *text)
{
    const struct kt_tally_slot *slot;

    if (tally->size == 0)
        return -ENOENT;
    slot = find_slot(tally, text, hash_of(text));
    return slot->text ? (int64_t)slot->number : -ENOENT;
}
