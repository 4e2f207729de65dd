/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing the directory: cells from free lists by size, and changes between two steps of their
 * bucket's sequence.
 */
#include "registry/directory_layout.h"

#include <sodium.h>
#include <stddef.h>
#include <string.h>

/** Sizes of cells, in units. A full class borrows from a larger one. */
static const uint8_t class_units[KT_DIRECTORY_CLASSES] = {2, 3, 4, 6, 8, 12, 16, KT_CELL_UNITS_MAX};

/* ---------------------------------------------------------------- cells */

/** Cut a fresh page into free cells of a class. @return false when no page is left */
static bool add_page(struct kt_directory *directory, unsigned class)
{
    if (directory->pages_used == directory->page_count)
        return false;
    uint32_t page = directory->pages_used++;
    directory->page_classes[page] = (uint8_t)(class + 1);
    uint32_t begin = page * KT_PAGE_UNITS, end = begin + KT_PAGE_UNITS;
    uint32_t first = begin == 0 ? class_units[class] : begin; /* number 0 means none */
    /* from the end, so that the first cells are used first */
    uint32_t count = (end - first) / class_units[class];
    for (uint32_t i = count; i-- > 0;) {
        uint32_t number = first + i * class_units[class];
        kt_directory_cell(directory, number)->free_next = directory->free[class];
        directory->free[class] = number;
    }
    return true;
}

static unsigned class_for(size_t bytes)
{
    unsigned class = 0;
    while ((size_t)class_units[class] * KT_CELL_UNIT_BYTES < bytes)
        class ++;
    return class;
}

static unsigned class_of(const struct kt_directory *directory, uint32_t number)
{
    return directory->page_classes[number / KT_PAGE_UNITS] - 1u;
}

static size_t cell_bytes(const struct kt_cell_values *values)
{
    return sizeof(struct kt_cell) + values->key_bytes + values->value_bytes;
}

/** @return the number of a cell that is large enough, 0: full */
static uint32_t take_cell(struct kt_directory *directory, size_t bytes)
{
    unsigned class = class_for(bytes);
    if (directory->free[class] == 0)
        add_page(directory, class);
    while (class < KT_DIRECTORY_CLASSES && directory->free[class] == 0)
        class ++;
    if (class == KT_DIRECTORY_CLASSES)
        return 0;
    uint32_t number = directory->free[class];
    directory->free[class] = kt_directory_cell(directory, number)->free_next;
    return number;
}

static void give_cell(struct kt_directory *directory, uint32_t number)
{
    unsigned class = class_of(directory, number);
    kt_directory_cell(directory, number)->free_next = directory->free[class];
    directory->free[class] = number;
}

/* ---------------------------------------------------------------- changes */

static struct kt_bucket *bucket_of(const struct kt_directory *directory, uint32_t hash)
{
    return &directory->buckets[hash & directory->bucket_mask];
}

static void begin_change(struct kt_bucket *bucket)
{
    uint32_t sequence = atomic_load_explicit(&bucket->sequence, memory_order_relaxed);
    atomic_store_explicit(&bucket->sequence, sequence + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
}

static void end_change(struct kt_bucket *bucket)
{
    uint32_t sequence = atomic_load_explicit(&bucket->sequence, memory_order_relaxed);
    atomic_store_explicit(&bucket->sequence, sequence + 1, memory_order_release);
}

/** Over what a later registry relies on. Never 0. */
static uint64_t checksum_of(const struct kt_cell *cell)
{
    static const unsigned char key[crypto_shorthash_KEYBYTES] = "kontor directory";
    unsigned char bytes[crypto_shorthash_BYTES];
    unsigned char text[sizeof(struct kt_cell) + KT_REGISTRY_KEY_MAX + KT_REGISTRY_VALUE_MAX];
    const struct {
        uint64_t file_bytes, version;
        int64_t keep_until_ms, registered_ms;
        uint32_t file;
        uint16_t key_bytes, value_bytes;
    } fixed = {cell->file_bytes, cell->version,   cell->keep_until_ms, cell->registered_ms,
               cell->file,       cell->key_bytes, cell->value_bytes};
    size_t text_bytes = (size_t)cell->key_bytes + cell->value_bytes;
    memcpy(text, &fixed, sizeof fixed);
    memcpy(text + sizeof fixed, cell->text, text_bytes);
    crypto_shorthash(bytes, text, sizeof fixed + text_bytes, key);
    uint64_t sum;
    memcpy(&sum, bytes, sizeof sum);
    return sum ? sum : 1;
}

/** Fill a cell; only entries that may outlive their owner are worth a checksum. */
static void fill(struct kt_cell *cell, uint32_t hash, const struct kt_cell_values *values)
{
    cell->checksum = 0;
    cell->hash = hash;
    cell->key_bytes = values->key_bytes;
    cell->value_bytes = values->value_bytes;
    cell->file = values->file;
    cell->file_bytes = values->file_bytes;
    cell->owner = values->owner;
    cell->version = values->version;
    cell->keep_until_ms = values->keep_until_ms;
    cell->registered_ms = values->registered_ms;
    memmove(cell->text, values->key, values->key_bytes);
    if (values->value_bytes)
        memmove(cell->text + values->key_bytes, values->value, values->value_bytes);
    if (values->keep_until_ms != 0)
        cell->checksum = checksum_of(cell);
}

/** The place where a cell hangs in its chain. */
static _Atomic uint32_t *link_of(const struct kt_directory *directory, const struct kt_cell *cell)
{
    uint32_t number = kt_directory_number(directory, cell);
    _Atomic uint32_t *link = &bucket_of(directory, cell->hash)->first;
    while (*link != number)
        link = &kt_directory_cell(directory, *link)->next;
    return link;
}

struct kt_cell *kt_directory_find(const struct kt_directory *directory, uint32_t hash,
                                  const char *key, size_t key_bytes)
{
    uint32_t number = bucket_of(directory, hash)->first;
    while (number != 0) {
        struct kt_cell *cell = kt_directory_cell(directory, number);
        if (cell->hash == hash && cell->key_bytes == key_bytes &&
            memcmp(cell->text, key, key_bytes) == 0)
            return cell;
        number = cell->next;
    }
    return NULL;
}

struct kt_cell *kt_directory_add(struct kt_directory *directory,
                                 const struct kt_cell_values *values)
{
    uint32_t number = take_cell(directory, cell_bytes(values));
    if (number == 0)
        return NULL;
    struct kt_cell *cell = kt_directory_cell(directory, number);
    struct kt_bucket *bucket = bucket_of(directory, values->hash);
    begin_change(bucket);
    fill(cell, values->hash, values);
    cell->owners_next = cell->owners_previous = cell->expiry = 0;
    cell->next = bucket->first;
    bucket->first = number;
    end_change(bucket);
    directory->entries++;
    return cell;
}

struct kt_cell *kt_directory_change(struct kt_directory *directory, struct kt_cell *cell,
                                    const struct kt_cell_values *values)
{
    struct kt_bucket *bucket = bucket_of(directory, cell->hash);
    uint32_t number = kt_directory_number(directory, cell), moved = 0;
    size_t room = (size_t)class_units[class_of(directory, number)] * KT_CELL_UNIT_BYTES;
    if (cell_bytes(values) > room) {
        moved = take_cell(directory, cell_bytes(values));
        if (moved == 0)
            return NULL;
    }
    begin_change(bucket);
    if (moved == 0) {
        fill(cell, cell->hash, values);
    } else {
        struct kt_cell *old = cell;
        cell = kt_directory_cell(directory, moved);
        fill(cell, old->hash, values);
        cell->owners_next = old->owners_next;
        cell->owners_previous = old->owners_previous;
        cell->expiry = old->expiry;
        cell->next = old->next;
        *link_of(directory, old) = moved;
        old->checksum = 0;
    }
    end_change(bucket);
    if (moved != 0)
        give_cell(directory, number);
    return cell;
}

void kt_directory_set_owner(struct kt_directory *directory, struct kt_cell *cell, kt_pid owner,
                            uint64_t version)
{
    struct kt_bucket *bucket = bucket_of(directory, cell->hash);
    begin_change(bucket);
    cell->owner = owner;
    cell->version = version;
    if (cell->checksum != 0)
        cell->checksum = checksum_of(cell);
    end_change(bucket);
}

void kt_directory_prefetch(const struct kt_directory *directory, const struct kt_cell *cell)
{
    __builtin_prefetch(bucket_of(directory, cell->hash), 1);
}

void kt_directory_remove(struct kt_directory *directory, struct kt_cell *cell)
{
    uint32_t number = kt_directory_number(directory, cell);
    struct kt_bucket *bucket = bucket_of(directory, cell->hash);
    begin_change(bucket);
    *link_of(directory, cell) = cell->next;
    cell->checksum = 0;
    end_change(bucket);
    give_cell(directory, number);
    directory->entries--;
}

/* ---------------------------------------------------------------- what another one left */

/** Whether a cell that may have been torn is an entry, wholly. */
static bool is_intact(const struct kt_cell *cell, size_t room)
{
    return cell->checksum != 0 && cell->keep_until_ms != 0 && cell->key_bytes > 0 &&
           cell->key_bytes <= KT_REGISTRY_KEY_MAX && cell->value_bytes <= KT_REGISTRY_VALUE_MAX &&
           sizeof *cell + cell->key_bytes + cell->value_bytes <= room &&
           checksum_of(cell) == cell->checksum;
}

void kt_directory_each(const struct kt_directory *directory,
                       void (*visit)(const struct kt_cell *cell, void *argument), void *argument)
{
    for (uint32_t page = 0; page < directory->page_count; page++) {
        if (directory->page_classes[page] == 0 ||
            directory->page_classes[page] > KT_DIRECTORY_CLASSES)
            continue;
        uint32_t units = class_units[directory->page_classes[page] - 1];
        uint32_t begin = page * KT_PAGE_UNITS, end = begin + KT_PAGE_UNITS;
        for (uint32_t number = begin == 0 ? units : begin; number + units <= end; number += units) {
            const struct kt_cell *cell = kt_directory_cell(directory, number);
            if (is_intact(cell, (size_t)units * KT_CELL_UNIT_BYTES))
                visit(cell, argument);
        }
    }
}
