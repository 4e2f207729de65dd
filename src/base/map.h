/* SPDX-License-Identifier: BSD-2-Clause */
/* A hash map from 64-bit keys (pids, references; never 0) to pointers: open addressing, no
 * allocation per entry, shrinks again. */
#ifndef KT_MAP_H
#define KT_MAP_H

#include <stddef.h>
#include <stdint.h>

struct kt_map_slot {
    uint64_t key; /**< 0: free */
    void *value;
};

/** Zeroed is empty and ready. */
struct kt_map {
    struct kt_map_slot *slots;
    size_t count, capacity; /**< capacity is 0 or a power of two */
};

/** Set or replace. @return 0 or -ENOMEM */
int kt_map_put(struct kt_map *map, uint64_t key, void *value);
/** @return the value or NULL */
void *kt_map_get(const struct kt_map *map, uint64_t key);
/** @return the entry or NULL: for values that may be NULL */
const struct kt_map_slot *kt_map_find(const struct kt_map *map, uint64_t key);
/**
 * Go through it, in no order. Keys must neither come nor go meanwhile.
 * @param place  0 to begin with; becomes where to go on
 * @return the next entry, or NULL at the end
 */
const struct kt_map_slot *kt_map_next(const struct kt_map *map, size_t *place);
/** Remove. @return the value it had, or NULL */
void *kt_map_take(struct kt_map *map, uint64_t key);
/** Forget everything; the map is empty and ready again. */
void kt_map_clear(struct kt_map *map);

#endif
