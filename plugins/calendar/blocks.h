/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for many small things that live and go together: one behind the other in blocks, none of
 * which is given back before the owner is.
 */
#ifndef CALENDAR_BLOCKS_H
#define CALENDAR_BLOCKS_H

#include <stdalign.h>
#include <stddef.h>
#include <talloc.h>

/** The size of a block, in bytes; what is larger gets one of its own. */
#define KT_BLOCK_SIZE 65536u

/** Zeroed but for the owner it is empty. */
struct kt_blocks {
    TALLOC_CTX *owner; /**< of the blocks */
    char *block;
    size_t used;
};

/** Room for text, at no particular address. @return NULL without memory */
char *kt_blocks_take_bytes(struct kt_blocks *blocks, size_t size);

/** Room for any type, not zeroed. @return NULL without memory */
void *kt_blocks_take(struct kt_blocks *blocks, size_t size);

#endif
