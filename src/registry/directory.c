/* SPDX-License-Identifier: BSD-2-Clause */
/* Layout, hash, reading. Writing is in directory_write.c. */
#include "registry/directory_layout.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/** A reader that meets a change in progress looks again so often at once … */
#define SPINS_MAX 1000
/** … and so often after letting others run: the registry is gone when even that is not enough. */
#define YIELDS_MAX 100000

_Static_assert(sizeof(struct kt_cell) + KT_REGISTRY_KEY_MAX + KT_REGISTRY_VALUE_MAX <=
                   KT_CELL_UNITS_MAX * KT_CELL_UNIT_BYTES,
               "the largest entry must fit the largest cell");

/* ---------------------------------------------------------------- layout */

/** Where the parts of a directory with so many pages begin. */
static void lay_out(struct kt_directory *directory, void *memory,
                    const struct kt_directory_head *head)
{
    directory->head = memory;
    directory->buckets = (struct kt_bucket *)((char *)memory + KT_DIRECTORY_HEAD_BYTES);
    directory->page_classes = (uint8_t *)(directory->buckets + head->bucket_count);
    directory->pages = (char *)memory + head->pages_offset;
    directory->mapped_bytes = head->total_bytes;
    directory->bucket_mask = head->bucket_count - 1;
    directory->page_count = head->page_count;
    directory->unit_count = head->page_count * KT_PAGE_UNITS;
}

static uint32_t power_of_two(uint64_t at_least)
{
    uint32_t power = 1u << 10;
    while (power < at_least && power < 1u << 31)
        power <<= 1;
    return power;
}

static size_t round_up(size_t size, size_t multiple)
{
    return (size + multiple - 1) / multiple * multiple;
}

int kt_directory_make(size_t size_bytes)
{
    if (size_bytes < KT_DIRECTORY_BYTES_MIN || size_bytes > KT_DIRECTORY_BYTES_MAX)
        return -EINVAL;
    struct kt_directory_head head = {
        .magic = KT_DIRECTORY_MAGIC,
        .layout = KT_DIRECTORY_LAYOUT,
        .page_count = (uint32_t)(size_bytes / KT_DIRECTORY_PAGE_BYTES),
        /* about as many buckets as there is room for entries of a usual size */
        .bucket_count = power_of_two(size_bytes / 192),
    };
    size_t before =
        KT_DIRECTORY_HEAD_BYTES + head.bucket_count * sizeof(struct kt_bucket) + head.page_count;
    head.pages_offset = round_up(before, KT_DIRECTORY_PAGE_BYTES);
    /* a reader may run over the last cell by a key's and a value's length before it knows better */
    head.total_bytes =
        head.pages_offset + ((uint64_t)head.page_count + 1) * KT_DIRECTORY_PAGE_BYTES;
    randombytes_buf(head.hash_key, sizeof head.hash_key);
    int fd = memfd_create("kontor-registry", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    if (ftruncate(fd, (off_t)head.total_bytes) < 0 ||
        pwrite(fd, &head, sizeof head, 0) != (ssize_t)sizeof head ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0) {
        int result = -errno;
        close(fd);
        return result;
    }
    return fd;
}

int kt_directory_reopen_read_only(int fd)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int result = open(path, O_RDONLY | O_CLOEXEC);
    return result < 0 ? -errno : result;
}

static int map(int fd, int protection, struct kt_directory *ret_directory)
{
    struct kt_directory_head head;
    struct stat status;
    if (pread(fd, &head, sizeof head, 0) != (ssize_t)sizeof head || fstat(fd, &status) < 0 ||
        head.magic != KT_DIRECTORY_MAGIC || head.layout != KT_DIRECTORY_LAYOUT ||
        head.total_bytes != (uint64_t)status.st_size || head.bucket_count == 0 ||
        (head.bucket_count & (head.bucket_count - 1)) != 0 ||
        KT_DIRECTORY_HEAD_BYTES + head.bucket_count * sizeof(struct kt_bucket) + head.page_count >
            head.pages_offset ||
        head.pages_offset + ((uint64_t)head.page_count + 1) * KT_DIRECTORY_PAGE_BYTES !=
            head.total_bytes)
        return -EPROTO;
    void *memory = mmap(NULL, head.total_bytes, protection, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (memory == MAP_FAILED)
        return -errno;
    *ret_directory = (struct kt_directory){0};
    lay_out(ret_directory, memory, &head);
    return 0;
}

int kt_directory_map_writer(int fd, struct kt_directory *ret_directory)
{
    return map(fd, PROT_READ | PROT_WRITE, ret_directory);
}

int kt_directory_map_reader(int fd, struct kt_directory *ret_directory)
{
    return map(fd, PROT_READ, ret_directory);
}

void kt_directory_unmap(struct kt_directory *directory)
{
    if (directory->head)
        munmap(directory->head, directory->mapped_bytes);
    *directory = (struct kt_directory){0};
}

/* ---------------------------------------------------------------- hash */

uint32_t kt_directory_hash(const struct kt_directory *directory, const char *key, size_t key_bytes)
{
    /* keyed, since keys may come from users: nobody can choose keys that share a bucket */
    unsigned char bytes[crypto_shorthash_BYTES];
    uint32_t hash;
    crypto_shorthash(bytes, (const unsigned char *)key, key_bytes, directory->head->hash_key);
    memcpy(&hash, bytes, sizeof hash);
    return hash;
}

/* ---------------------------------------------------------------- reading */

/** @return false when what was read cannot be true */
static bool copy_entry(const struct kt_cell *cell, const char *key, size_t key_bytes,
                       struct kt_registry_entry *entry)
{
    uint32_t value_bytes = cell->value_bytes;
    if (value_bytes > KT_REGISTRY_VALUE_MAX)
        return false;
    entry->owner = cell->owner;
    entry->version = cell->version;
    entry->keep_until_ms = cell->keep_until_ms;
    entry->registered_ms = cell->registered_ms;
    entry->file_bytes = cell->file_bytes;
    entry->has_file = cell->file != 0;
    entry->value_bytes = value_bytes;
    memcpy(entry->key, key, key_bytes);
    entry->key[key_bytes] = '\0';
    memcpy(entry->value, cell->text + key_bytes, value_bytes);
    entry->value[value_bytes] = '\0';
    return true;
}

/** Walk a chain that may change meanwhile. @return whether the key was met */
static bool walk(const struct kt_directory *directory, uint32_t number, uint32_t hash,
                 const char *key, size_t key_bytes, struct kt_registry_entry *entry)
{
    /* a chain that is being changed may lead anywhere, even in a circle */
    for (uint32_t steps = 0; number != 0 && steps < directory->unit_count; steps++) {
        if (number >= directory->unit_count)
            return false;
        const struct kt_cell *cell = kt_directory_cell(directory, number);
        if (cell->hash == hash && cell->key_bytes == key_bytes &&
            memcmp(cell->text, key, key_bytes) == 0)
            return copy_entry(cell, key, key_bytes, entry);
        number = atomic_load_explicit(&cell->next, memory_order_relaxed);
        if ((steps & 63) == 63)
            atomic_thread_fence(memory_order_acquire);
    }
    return false;
}

int kt_directory_read(const struct kt_directory *directory, const char *key, size_t key_bytes,
                      struct kt_registry_entry *ret_entry)
{
    uint32_t hash = kt_directory_hash(directory, key, key_bytes);
    const struct kt_bucket *bucket = &directory->buckets[hash & directory->bucket_mask];
    for (int tries = 0; tries < SPINS_MAX + YIELDS_MAX; tries++) {
        uint32_t sequence = atomic_load_explicit(&bucket->sequence, memory_order_acquire);
        if ((sequence & 1) == 0) {
            uint32_t first = atomic_load_explicit(&bucket->first, memory_order_relaxed);
            bool is_there = walk(directory, first, hash, key, key_bytes, ret_entry);
            atomic_thread_fence(memory_order_acquire);
            if (atomic_load_explicit(&bucket->sequence, memory_order_relaxed) == sequence)
                return is_there ? 0 : -ENOENT;
        }
        if (tries >= SPINS_MAX)
            sched_yield();
    }
    return -ENOTCONN;
}

struct kt_cell *kt_directory_cell(const struct kt_directory *directory, uint32_t number)
{
    return (struct kt_cell *)(void *)(directory->pages + (size_t)number * KT_CELL_UNIT_BYTES);
}

uint32_t kt_directory_number(const struct kt_directory *directory, const struct kt_cell *cell)
{
    return (uint32_t)((size_t)((const char *)cell - directory->pages) / KT_CELL_UNIT_BYTES);
}
