/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys in their order, for selecting by prefix: a crit-bit tree over the cells of a directory,
 * which it reads the keys from. To add and to remove take a walk as long as the key has bits that
 * tell it from others, whatever the number of keys.
 * Source: D. J. Bernstein, "Crit-bit trees".
 */
#ifndef KT_ORDER_H
#define KT_ORDER_H

#include "registry/directory.h"

struct kt_order_node;

/** Zeroed but for its directory is empty and ready. */
struct kt_order {
    const struct kt_directory *directory;
    struct kt_order_node *nodes;
    uint32_t capacity, free; /**< of nodes; the first free one + 1 */
    uint32_t root;           /**< 0: empty */
    uint32_t count;
};

/** Add a cell whose key is not there. @return 0 or -ENOMEM */
int kt_order_add(struct kt_order *order, uint32_t cell);

/** A cell has moved: its key, unchanged, is elsewhere. The old one is still intact. */
void kt_order_move(struct kt_order *order, uint32_t from, uint32_t to);

/** Remove a cell, which is still intact. */
void kt_order_remove(struct kt_order *order, uint32_t cell);

/**
 * Visit, in the order of their keys, the cells whose keys begin with a prefix and come behind
 * `after`.
 * @param after  NULL: from the first
 * @param visit  false ends the visit
 */
void kt_order_select(const struct kt_order *order, const char *prefix, size_t prefix_bytes,
                     const char *after, size_t after_bytes,
                     bool (*visit)(uint32_t cell, void *argument), void *argument);

void kt_order_close(struct kt_order *order);

#endif
