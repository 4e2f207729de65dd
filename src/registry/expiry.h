/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which entry without an owner goes next: a heap of cells by the time until which they are kept.
 * A cell knows its place in the heap.
 */
#ifndef KT_EXPIRY_H
#define KT_EXPIRY_H

#include "registry/directory.h"

/** Zeroed but for its directory is empty and ready. */
struct kt_expiry {
    const struct kt_directory *directory;
    uint32_t *cells;
    uint32_t count, capacity;
};

/** @return 0 or -ENOMEM */
int kt_expiry_add(struct kt_expiry *expiry, struct kt_cell *cell);

/** A cell that is in the heap has moved, or its time has changed. */
void kt_expiry_change(struct kt_expiry *expiry, struct kt_cell *cell);

/** Does nothing when it is not in the heap. */
void kt_expiry_remove(struct kt_expiry *expiry, struct kt_cell *cell);

/** The cell whose time comes first, or NULL. */
struct kt_cell *kt_expiry_first(const struct kt_expiry *expiry);

void kt_expiry_close(struct kt_expiry *expiry);

#endif
