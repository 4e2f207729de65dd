/* SPDX-License-Identifier: BSD-2-Clause */
/* Linear probing; deletion moves later entries of the same run back, so there are no tombstones. */
#include "base/map.h"

#include <errno.h>
#include <stdlib.h>

#define CAPACITY_MIN 16u

static size_t home(const struct kt_map *map, uint64_t key)
{
    /* Fibonacci hashing: 2^64 / golden ratio; the upper half is well mixed. */
    return (size_t)((key * 0x9e3779b97f4a7c15u) >> 32) & (map->capacity - 1);
}

static size_t find(const struct kt_map *map, uint64_t key)
{
    size_t at = home(map, key);
    while (map->slots[at].key && map->slots[at].key != key)
        at = (at + 1) & (map->capacity - 1);
    return at;
}

static int resize(struct kt_map *map, size_t capacity)
{
    struct kt_map larger = {calloc(capacity, sizeof *larger.slots), map->count, capacity};
    if (!larger.slots)
        return -ENOMEM;
    for (size_t i = 0; i < map->capacity; i++)
        if (map->slots[i].key)
            larger.slots[find(&larger, map->slots[i].key)] = map->slots[i];
    free(map->slots);
    *map = larger;
    return 0;
}

int kt_map_put(struct kt_map *map, uint64_t key, void *value)
{
    if ((map->count + 1) * 3 > map->capacity * 2) {
        int status = resize(map, map->capacity ? map->capacity * 2 : CAPACITY_MIN);
        if (status < 0)
            return status;
    }
    size_t at = find(map, key);
    if (!map->slots[at].key)
        map->count++;
    map->slots[at] = (struct kt_map_slot){key, value};
    return 0;
}

void *kt_map_get(const struct kt_map *map, uint64_t key)
{
    return map->count ? map->slots[find(map, key)].value : NULL;
}

const struct kt_map_slot *kt_map_find(const struct kt_map *map, uint64_t key)
{
    const struct kt_map_slot *slot = map->count ? &map->slots[find(map, key)] : NULL;
    return slot && slot->key ? slot : NULL;
}

const struct kt_map_slot *kt_map_next(const struct kt_map *map, size_t *place)
{
    while (*place < map->capacity) {
        const struct kt_map_slot *slot = &map->slots[(*place)++];
        if (slot->key)
            return slot;
    }
    return NULL;
}

void *kt_map_take(struct kt_map *map, uint64_t key)
{
    if (!map->count)
        return NULL;
    size_t at = find(map, key);
    if (!map->slots[at].key)
        return NULL;
    void *value = map->slots[at].value;
    size_t mask = map->capacity - 1, hole = at;
    for (size_t next = (hole + 1) & mask; map->slots[next].key; next = (next + 1) & mask) {
        size_t wanted = home(map, map->slots[next].key);
        if (((next - wanted) & mask) >= ((next - hole) & mask)) {
            map->slots[hole] = map->slots[next];
            hole = next;
        }
    }
    map->slots[hole] = (struct kt_map_slot){0};
    map->count--;
    if (map->capacity > CAPACITY_MIN && map->count * 8 < map->capacity)
        resize(map, map->capacity / 2); /* failing to shrink is no failure */
    return value;
}

void kt_map_clear(struct kt_map *map)
{
    free(map->slots);
    *map = (struct kt_map){0};
}
