/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What directory.c and directory_write.c share: the layout of the shared memory. Raise
 * KT_DIRECTORY_LAYOUT when it changes: a registry of one version may find what another has left.
 */
#ifndef KT_DIRECTORY_LAYOUT_H
#define KT_DIRECTORY_LAYOUT_H

#include "registry/directory.h"

#define KT_DIRECTORY_MAGIC 0x6b6f6e74u /* "kont" */
#define KT_DIRECTORY_LAYOUT 1u
#define KT_DIRECTORY_HEAD_BYTES ((size_t)4096)
#define KT_PAGE_UNITS ((uint32_t)(KT_DIRECTORY_PAGE_BYTES / KT_CELL_UNIT_BYTES))
/** Units of the largest cell. */
#define KT_CELL_UNITS_MAX 22u

struct kt_directory_head {
    uint32_t magic, layout;
    uint32_t bucket_count, page_count;
    uint64_t pages_offset, total_bytes;
    unsigned char hash_key[16];
};

struct kt_bucket {
    _Atomic uint32_t sequence; /**< odd: being changed */
    _Atomic uint32_t first;    /**< number of a cell, 0: none */
};

#endif
