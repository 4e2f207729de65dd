/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * People are the same when their addresses are. A table with open addressing finds them; it is
 * twice as large as what is in it, and becomes the ranked list in the end.
 */
#include "people.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** Slots at the beginning; a power of two. */
#define SLOTS_MIN 64

struct table {
    struct kt_person_sum *slots; /* person NULL: free */
    size_t size, used;
};

/** FNV-1a, 64 bits. */
static uint64_t hash(const char *text)
{
    uint64_t value = UINT64_C(0xcbf29ce484222325);

    for (; *text; text++)
        value = (value ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return value;
}

static struct kt_person_sum *find_slot(const struct table *table, const char *address)
{
    size_t index = hash(address) & (table->size - 1);

    while (table->slots[index].person && strcmp(table->slots[index].person->address, address) != 0)
        index = (index + 1) & (table->size - 1);
    return &table->slots[index];
}

static int grow(TALLOC_CTX *context, struct table *table)
{
    struct table larger = {.size = table->size ? table->size * 2 : SLOTS_MIN, .used = table->used};

    larger.slots = talloc_zero_array(context, struct kt_person_sum, (unsigned)larger.size);
    if (!larger.slots)
        return -ENOMEM;
    for (size_t index = 0; index < table->size; index++) {
        if (table->slots[index].person)
            *find_slot(&larger, table->slots[index].person->address) = table->slots[index];
    }
    talloc_free(table->slots);
    *table = larger;
    return 0;
}

/** A name says more than an address that stands in for one. */
static bool is_named(const struct kt_person *person)
{
    return strcmp(person->name, person->address) != 0;
}

static int add(TALLOC_CTX *context, struct table *table, const struct kt_person *person,
               int64_t seconds)
{
    struct kt_person_sum *slot;

    if (table->used * 2 >= table->size && grow(context, table) < 0)
        return -ENOMEM;
    slot = find_slot(table, person->address);
    table->used += !slot->person;
    if (!slot->person || (is_named(person) && !is_named(slot->person)))
        slot->person = person;
    slot->seconds += seconds;
    slot->meetings++;
    return 0;
}

static int compare_people(const void *left, const void *right)
{
    const struct kt_person_sum *a = left, *b = right;

    if (a->seconds != b->seconds)
        return (a->seconds < b->seconds) - (a->seconds > b->seconds);
    if (a->meetings != b->meetings)
        return (a->meetings < b->meetings) - (a->meetings > b->meetings);
    return strcmp(a->person->address, b->person->address);
}

int kt_people_rank(TALLOC_CTX *context, struct kt_breakdown *breakdown)
{
    struct table table = {NULL, 0, 0};
    size_t kept = 0;

    for (size_t index = 0; index < breakdown->counted_count; index++) {
        const struct kt_counted *counted = &breakdown->counted[index];
        const struct kt_details *details = counted->event->details;

        for (uint32_t at = 0; kt_kind_is_meeting(counted->kind) && at < details->people_count;
             at++) {
            if (add(context, &table, &details->people[at], counted->seconds) < 0)
                return -ENOMEM;
        }
    }
    for (size_t index = 0; index < table.size; index++) {
        if (table.slots[index].person)
            table.slots[kept++] = table.slots[index];
    }
    if (kept > 1)
        qsort(table.slots, kept, sizeof(*table.slots), compare_people);
    breakdown->people = table.slots;
    breakdown->people_count = kept;
    return 0;
}
