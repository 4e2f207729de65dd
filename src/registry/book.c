/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules of the registry; every change goes through here, in this order: files, cell, lists,
 * word to those who listen. */
#include "registry/book.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---------------------------------------------------------------- what a process owns */

static void *number_as_pointer(uint32_t number)
{
    return (void *)(uintptr_t)number;
}

static uint32_t first_owned(const struct kt_book *book, kt_pid owner)
{
    return (uint32_t)(uintptr_t)kt_map_get(&book->owners[kt_pid_node(owner)], owner);
}

/** Put a cell first among those of its owner. @return 0 or -ENOMEM */
static int own(struct kt_book *book, struct kt_cell *cell)
{
    uint32_t number = kt_directory_number(&book->directory, cell);
    uint32_t next = first_owned(book, cell->owner);
    int result =
        kt_map_put(&book->owners[kt_pid_node(cell->owner)], cell->owner, number_as_pointer(number));
    if (result < 0)
        return result;
    cell->owners_next = next;
    cell->owners_previous = 0;
    if (next != 0)
        kt_directory_cell(&book->directory, next)->owners_previous = number;
    return 0;
}

static void disown(struct kt_book *book, struct kt_cell *cell)
{
    struct kt_map *map = &book->owners[kt_pid_node(cell->owner)];
    if (cell->owner == KT_PID_NONE)
        return;
    if (cell->owners_next != 0)
        kt_directory_cell(&book->directory, cell->owners_next)->owners_previous =
            cell->owners_previous;
    if (cell->owners_previous != 0)
        kt_directory_cell(&book->directory, cell->owners_previous)->owners_next = cell->owners_next;
    else if (cell->owners_next != 0)
        kt_map_put(map, cell->owner, number_as_pointer(cell->owners_next)); /* replaces */
    else
        kt_map_take(map, cell->owner);
    cell->owners_next = cell->owners_previous = 0;
}

/* ---------------------------------------------------------------- entries */

static void tell(struct kt_book *book, enum kt_registry_event event, const struct kt_cell *cell)
{
    if (book->changed)
        book->changed(event, cell, book->argument);
}

/** Remove an entry that no process owns any more, or whose owner's list does not matter. */
static void forget(struct kt_book *book, struct kt_cell *cell)
{
    kt_directory_prefetch(&book->directory, cell);
    tell(book, KT_REGISTRY_GONE, cell);
    if (cell->file != 0)
        kt_files_remove(&book->files, cell->file - 1);
    kt_expiry_remove(&book->expiry, cell);
    kt_order_remove(&book->order, kt_directory_number(&book->directory, cell));
    kt_directory_remove(&book->directory, cell);
}

/** An entry has lost its owner. */
static void orphan(struct kt_book *book, struct kt_cell *cell, int64_t now_ms)
{
    if (cell->keep_until_ms <= now_ms || kt_expiry_add(&book->expiry, cell) < 0) {
        forget(book, cell);
        return;
    }
    kt_directory_set_owner(&book->directory, cell, KT_PID_NONE, ++book->version);
    tell(book, KT_REGISTRY_UPDATED, cell);
}

/** Take in the file of a request. @return 0 (then *ret_file is its number + 1, 0 without), -errno
 */
static int take_file(struct kt_book *book, int fd, uint32_t *ret_file, uint64_t *ret_bytes)
{
    uint32_t number;
    *ret_file = 0;
    *ret_bytes = 0;
    if (fd < 0)
        return 0;
    int result = kt_files_check(fd, ret_bytes);
    if (result == 0)
        result = kt_files_add(&book->files, fd, *ret_bytes, &number);
    if (result == 0)
        *ret_file = number + 1;
    else
        close(fd);
    return result;
}

static void drop_file(struct kt_book *book, uint32_t file)
{
    if (file != 0)
        kt_files_remove(&book->files, file - 1);
}

/** Add a cell and everything that hangs on it. @return it, or NULL with the reason */
static struct kt_cell *add(struct kt_book *book, const struct kt_cell_values *values,
                           int *ret_result)
{
    *ret_result = -ENOSPC;
    struct kt_cell *cell = kt_directory_add(&book->directory, values);
    if (!cell)
        return NULL;
    uint32_t number = kt_directory_number(&book->directory, cell);
    *ret_result = kt_order_add(&book->order, number);
    if (*ret_result == 0) {
        *ret_result =
            values->owner != KT_PID_NONE ? own(book, cell) : kt_expiry_add(&book->expiry, cell);
        if (*ret_result == 0)
            return cell;
        kt_order_remove(&book->order, number);
    }
    kt_directory_remove(&book->directory, cell);
    return NULL;
}

/* ---------------------------------------------------------------- what may be asked for */

struct kt_cell *kt_book_find(const struct kt_book *book, const char *key, size_t key_bytes)
{
    return kt_directory_find(&book->directory, kt_directory_hash(&book->directory, key, key_bytes),
                             key, key_bytes);
}

static void close_unused(int fd)
{
    if (fd >= 0)
        close(fd);
}

int kt_book_register(struct kt_book *book, kt_pid owner, const struct kt_book_request *request,
                     int64_t now_ms, const struct kt_cell **ret_cell)
{
    uint32_t hash = kt_directory_hash(&book->directory, request->key, request->key_bytes);
    *ret_cell = kt_directory_find(&book->directory, hash, request->key, request->key_bytes);
    if (*ret_cell) {
        close_unused(request->fd);
        return -EEXIST;
    }
    struct kt_cell_values values = {
        .key = request->key,
        .key_bytes = request->key_bytes,
        .value = request->value,
        .value_bytes = request->value_bytes,
        .owner = owner,
        .keep_until_ms = request->keep_until_ms,
        .registered_ms = now_ms,
        .version = ++book->version,
        .hash = hash,
    };
    int result = take_file(book, request->fd, &values.file, &values.file_bytes);
    if (result < 0)
        return result;
    *ret_cell = add(book, &values, &result);
    if (!*ret_cell) {
        drop_file(book, values.file);
        return result;
    }
    tell(book, KT_REGISTRY_REGISTERED, *ret_cell);
    return 0;
}

/** The lists that lead to a cell which has moved. */
static void follow_move(struct kt_book *book, uint32_t from, struct kt_cell *cell)
{
    struct kt_directory *directory = &book->directory;
    uint32_t to = kt_directory_number(directory, cell);
    kt_order_move(&book->order, from, to);
    if (cell->expiry != 0)
        kt_expiry_change(&book->expiry, cell);
    if (cell->owner == KT_PID_NONE)
        return;
    if (cell->owners_next != 0)
        kt_directory_cell(directory, cell->owners_next)->owners_previous = to;
    if (cell->owners_previous != 0)
        kt_directory_cell(directory, cell->owners_previous)->owners_next = to;
    else
        kt_map_put(&book->owners[kt_pid_node(cell->owner)], cell->owner, number_as_pointer(to));
}

/** The cell of a key that this process may change. @return 0, -ENOENT, -EPERM */
static int find_own(struct kt_book *book, kt_pid by, const char *key, size_t key_bytes,
                    struct kt_cell **ret_cell)
{
    *ret_cell = kt_book_find(book, key, key_bytes);
    if (!*ret_cell)
        return -ENOENT;
    return (*ret_cell)->owner == by || (*ret_cell)->owner == KT_PID_NONE ? 0 : -EPERM;
}

int kt_book_update(struct kt_book *book, kt_pid by, const struct kt_book_request *request,
                   int64_t now_ms)
{
    struct kt_cell *cell;
    struct kt_cell_values values;
    int result = find_own(book, by, request->key, request->key_bytes, &cell);
    if (result < 0) {
        close_unused(request->fd);
        return result;
    }
    values = (struct kt_cell_values){
        .key = request->key,
        .key_bytes = request->key_bytes,
        .value = request->value,
        .value_bytes = request->value_bytes,
        .owner = cell->owner,
        .keep_until_ms = request->keep_until_ms,
        .registered_ms = cell->registered_ms,
        .version = ++book->version,
    };
    uint32_t old_file = cell->file, from = kt_directory_number(&book->directory, cell);
    result = take_file(book, request->fd, &values.file, &values.file_bytes);
    if (result < 0)
        return result;
    bool has_new_file = values.file != 0;
    if (!has_new_file) {
        values.file = old_file;
        values.file_bytes = cell->file_bytes;
    }
    cell = kt_directory_change(&book->directory, cell, &values);
    if (!cell) {
        if (has_new_file)
            drop_file(book, values.file);
        return -ENOSPC;
    }
    if (kt_directory_number(&book->directory, cell) != from)
        follow_move(book, from, cell);
    else if (cell->expiry != 0)
        kt_expiry_change(&book->expiry, cell);
    if (has_new_file)
        drop_file(book, old_file);
    if (cell->owner == KT_PID_NONE && cell->keep_until_ms <= now_ms)
        forget(book, cell);
    else
        tell(book, KT_REGISTRY_UPDATED, cell);
    return 0;
}

int kt_book_unregister(struct kt_book *book, kt_pid by, const char *key, size_t key_bytes)
{
    struct kt_cell *cell;
    int result = find_own(book, by, key, key_bytes, &cell);
    if (result < 0)
        return result;
    book->version++;
    disown(book, cell);
    forget(book, cell);
    return 0;
}

/* ---------------------------------------------------------------- what ends */

/** Everything that a process owned, whose list has been taken from the map. */
static void end_owned(struct kt_book *book, uint32_t number, int64_t now_ms)
{
    while (number != 0) {
        struct kt_cell *cell = kt_directory_cell(&book->directory, number);
        number = cell->owners_next;
        cell->owners_next = cell->owners_previous = 0;
        orphan(book, cell, now_ms);
    }
}

void kt_book_process_ended(struct kt_book *book, kt_pid owner, int64_t now_ms)
{
    uint32_t first = (uint32_t)(uintptr_t)kt_map_take(&book->owners[kt_pid_node(owner)], owner);
    if (first == 0)
        return;
    book->version++;
    end_owned(book, first, now_ms);
}

void kt_book_node_ended(struct kt_book *book, uint32_t node, int64_t now_ms)
{
    struct kt_map owners = book->owners[node];
    book->owners[node] = (struct kt_map){0};
    book->version++;
    for (size_t i = 0; i < owners.capacity; i++)
        if (owners.slots[i].key != 0)
            end_owned(book, (uint32_t)(uintptr_t)owners.slots[i].value, now_ms);
    kt_map_clear(&owners);
}

int64_t kt_book_deadline(const struct kt_book *book)
{
    const struct kt_cell *first = kt_expiry_first(&book->expiry);
    return first ? first->keep_until_ms : INT64_MAX;
}

void kt_book_expire(struct kt_book *book, int64_t now_ms)
{
    while (kt_book_deadline(book) <= now_ms) {
        book->version++;
        forget(book, kt_expiry_first(&book->expiry));
    }
}

/* ---------------------------------------------------------------- open, salvage, close */

int kt_book_open(struct kt_book *book, int directory_fd)
{
    int result = kt_directory_map_writer(directory_fd, &book->directory);
    book->order.directory = book->expiry.directory = &book->directory;
    return result;
}

void kt_book_close(struct kt_book *book)
{
    for (uint32_t node = 0; node <= KT_NODE_MAX; node++)
        kt_map_clear(&book->owners[node]);
    kt_order_close(&book->order);
    kt_expiry_close(&book->expiry);
    kt_files_close(&book->files);
    kt_directory_unmap(&book->directory);
}

struct salvage {
    struct kt_book *book;
    int *fds;
    int64_t now_ms;
    int count;
};

static void salvage_cell(const struct kt_cell *old, void *argument)
{
    struct salvage *salvage = argument;
    struct kt_book *book = salvage->book;
    struct kt_cell_values values = {
        .key = old->text,
        .key_bytes = old->key_bytes,
        .value = kt_cell_value(old),
        .value_bytes = old->value_bytes,
        .keep_until_ms = old->keep_until_ms,
        .registered_ms = old->registered_ms,
        .version = old->version,
    };
    int result;
    if (old->keep_until_ms <= salvage->now_ms || kt_book_find(book, old->text, old->key_bytes))
        return;
    values.hash = kt_directory_hash(&book->directory, old->text, old->key_bytes);
    if (old->file != 0) {
        int *fd = old->file <= KT_FILES_MAX ? &salvage->fds[old->file - 1] : NULL;
        if (!fd || *fd < 0 || kt_files_check(*fd, &values.file_bytes) < 0 ||
            values.file_bytes != old->file_bytes ||
            kt_files_restore(&book->files, old->file - 1, *fd, values.file_bytes) < 0)
            return;
        *fd = -1;
        values.file = old->file;
    }
    if (!add(book, &values, &result)) {
        drop_file(book, values.file);
        return;
    }
    if (book->version < old->version)
        book->version = old->version;
    salvage->count++;
}

int kt_book_salvage(struct kt_book *book, int directory_fd, int *fds, int64_t now_ms)
{
    struct kt_directory old;
    struct salvage salvage = {book, fds, now_ms, 0};
    int result = kt_directory_map_reader(directory_fd, &old);
    if (result < 0)
        return result;
    kt_directory_each(&old, salvage_cell, &salvage);
    kt_directory_unmap(&old);
    return salvage.count;
}
