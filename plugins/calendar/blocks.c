/* SPDX-License-Identifier: BSD-2-Clause */
/* What is left at a block's end is lost; things are far smaller than blocks. */
#include "blocks.h"

char *kt_blocks_take_bytes(struct kt_blocks *blocks, size_t size)
{
    char *place;

    if (size > KT_BLOCK_SIZE)
        return talloc_size(blocks->owner, size);
    if (!blocks->block || size > KT_BLOCK_SIZE - blocks->used) {
        blocks->block = talloc_size(blocks->owner, KT_BLOCK_SIZE);
        blocks->used = 0;
        if (!blocks->block)
            return NULL;
    }
    place = blocks->block + blocks->used;
    blocks->used += size;
    return place;
}

void *kt_blocks_take(struct kt_blocks *blocks, size_t size)
{
    const size_t unit = alignof(max_align_t);

    /* A block is a multiple of the unit, so this is not beyond its end. */
    blocks->used = (blocks->used + unit - 1) / unit * unit;
    return kt_blocks_take_bytes(blocks, size);
}
