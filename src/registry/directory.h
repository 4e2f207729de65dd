/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directory: the table of entries in shared memory. The registry writes it, alone; workers map
 * it read-only and look keys up in it without asking anybody.
 *
 *   head | buckets | classes of the pages | pages of cells
 *
 * A cell is one entry: what is below, the key, the value. Cells are chained from buckets by the
 * keyed hash of their key. Each bucket is a sequence lock: its sequence is odd while the registry
 * changes anything in its chain, and a reader begins again when it was odd or has changed. So a
 * reader may see any rubbish on its way, and must not trust it before the sequence says so.
 *
 * Cells are made of units of 64 bytes and numbered by their first unit; 0 is none. They come in a
 * few sizes; a page holds cells of one size, so that a later registry can walk over what an earlier
 * one has left (kt_directory_each).
 */
#ifndef KT_DIRECTORY_H
#define KT_DIRECTORY_H

#include <kontor/registry.h>
#include <stdatomic.h>

/** The smallest and the largest directory; the size of shared memory is a multiple of a page. */
#define KT_DIRECTORY_PAGE_BYTES ((size_t)64 * 1024)
#define KT_DIRECTORY_BYTES_MIN ((size_t)1 << 20)
#define KT_DIRECTORY_BYTES_MAX ((size_t)1 << 36)
#define KT_DIRECTORY_CLASSES 8u
#define KT_CELL_UNIT_BYTES 64u

/** One entry in shared memory. Only the first part is for readers. */
struct kt_cell {
    _Atomic uint32_t next; /**< in the chain of its bucket */
    uint32_t hash;
    uint16_t key_bytes, value_bytes;
    uint32_t file; /**< number of its memory file + 1; 0: none */
    uint64_t file_bytes;
    kt_pid owner;
    uint64_t version;
    int64_t keep_until_ms, registered_ms;
    uint64_t
        checksum; /**< of all of the above but next and owner, and of the text; 0: in no chain */
    /* the registry's own */
    uint32_t owners_next, owners_previous; /**< among the cells of one owner */
    uint32_t expiry; /**< place in the heap of those that are kept without an owner + 1; 0: none */
    uint32_t free_next; /**< of a free cell: the next one */
    char text[];        /**< the key, then the value */
};

struct kt_directory_head;
struct kt_bucket;

/** A mapping of a directory. */
struct kt_directory {
    struct kt_directory_head *head;
    struct kt_bucket *buckets;
    uint8_t *page_classes; /**< of each page: class + 1; 0: not used yet */
    char *pages;
    size_t mapped_bytes;
    uint32_t bucket_mask;
    uint32_t unit_count;
    /* the writer's */
    uint32_t page_count, pages_used;
    uint32_t free[KT_DIRECTORY_CLASSES]; /**< first free cell of each class */
    uint64_t entries;                    /**< how many there are */
};

/** What an entry is made of. */
struct kt_cell_values {
    const char *key, *value;
    uint16_t key_bytes, value_bytes;
    uint32_t file;
    uint64_t file_bytes;
    kt_pid owner;
    int64_t keep_until_ms, registered_ms;
    uint64_t version;
    uint32_t hash; /**< of the key */
};

/**
 * Make the shared memory of an empty directory.
 * @param size_bytes  what entries may take; memory is used as they come
 * @return a descriptor, or a negative errno
 */
KT_PUBLIC int kt_directory_make(size_t size_bytes);

/** A descriptor of the same memory through which it can only be read. @return it or -errno */
KT_PUBLIC int kt_directory_reopen_read_only(int fd);

/** Map a directory, empty and made by kt_directory_make, to write it. @return 0 or -errno */
int kt_directory_map_writer(int fd, struct kt_directory *ret_directory);

/** Map a directory to read it. @return 0 or -errno; -EPROTO when it is none */
int kt_directory_map_reader(int fd, struct kt_directory *ret_directory);

void kt_directory_unmap(struct kt_directory *directory);

/** The keyed hash of a key. */
uint32_t kt_directory_hash(const struct kt_directory *directory, const char *key, size_t key_bytes);

/**
 * Look a key up, from any OS process.
 * @param ret_entry  a consistent copy
 * @return 0, -ENOENT, -ENOTCONN (the registry died in the middle of a change)
 */
int kt_directory_read(const struct kt_directory *directory, const char *key, size_t key_bytes,
                      struct kt_registry_entry *ret_entry);

/* ---------------------------------------------------------------- for the writer */

struct kt_cell *kt_directory_cell(const struct kt_directory *directory, uint32_t number);
uint32_t kt_directory_number(const struct kt_directory *directory, const struct kt_cell *cell);

static inline const char *kt_cell_value(const struct kt_cell *cell)
{
    return cell->text + cell->key_bytes;
}

/** The cell of a key with this hash, or NULL. */
struct kt_cell *kt_directory_find(const struct kt_directory *directory, uint32_t hash,
                                  const char *key, size_t key_bytes);

/** Add an entry whose key is not there; its hash is set. @return it, or NULL: the directory is full
 */
struct kt_cell *kt_directory_add(struct kt_directory *directory,
                                 const struct kt_cell_values *values);

/**
 * Change an entry; the key stays. The cell may move: what the registry keeps in it moves along.
 * @return where it is now, or NULL when the directory is full: nothing has changed
 */
struct kt_cell *kt_directory_change(struct kt_directory *directory, struct kt_cell *cell,
                                    const struct kt_cell_values *values);

/** Give an entry another owner. */
void kt_directory_set_owner(struct kt_directory *directory, struct kt_cell *cell, kt_pid owner,
                            uint64_t version);

/** Before an entry is removed: memory that this will need, and which is likely far away, may come. */
void kt_directory_prefetch(const struct kt_directory *directory, const struct kt_cell *cell);

/** Remove an entry. */
void kt_directory_remove(struct kt_directory *directory, struct kt_cell *cell);

/**
 * Visit every intact entry that a registry has left, even one that died in the middle of a change.
 */
void kt_directory_each(const struct kt_directory *directory,
                       void (*visit)(const struct kt_cell *cell, void *argument), void *argument);

#endif
