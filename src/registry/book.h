/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The book: all entries with everything that hangs on them, and the rules of who may do what. It
 * puts together the directory that workers read, the order of the keys, the memory files, what each
 * process owns, and what goes when. It knows no sockets; whoever wants to know hears of changes.
 */
#ifndef KT_BOOK_H
#define KT_BOOK_H

#include "base/map.h"
#include "registry/directory.h"
#include "registry/expiry.h"
#include "registry/files.h"
#include "registry/order.h"

#include "process/runtime.h"

struct kt_book {
    struct kt_directory directory;
    struct kt_order order;
    struct kt_expiry expiry;
    struct kt_files files;
    struct kt_map owners[KT_NODE_MAX + 1]; /**< by node: pid → number of its first cell */
    uint64_t version;
    /** An entry has changed, or is about to go. */
    void (*changed)(enum kt_registry_event event, const struct kt_cell *cell, void *argument);
    void *argument;
};

/** What to register, or to change into; as struct kt_registration, but checked for its lengths. */
struct kt_book_request {
    const char *key, *value;
    uint16_t key_bytes, value_bytes;
    int64_t keep_until_ms;
    int fd; /**< a descriptor that becomes the book's in any case; -1: none */
};

/**
 * @param directory_fd  made by kt_directory_make, still empty
 * @return 0 or a negative errno
 */
int kt_book_open(struct kt_book *book, int directory_fd);
void kt_book_close(struct kt_book *book);

/**
 * Take over the entries that another registry has left and that are still to be kept.
 * @param directory_fd  what that one wrote, in whatever state it is
 * @param fds           KT_FILES_MAX descriptors by their numbers, -1: none; what is taken over
 *                      becomes the book's and is set to -1
 * @return how many entries, or a negative errno
 */
int kt_book_salvage(struct kt_book *book, int directory_fd, int *fds, int64_t now_ms);

/** The cell of a key, or NULL. */
struct kt_cell *kt_book_find(const struct kt_book *book, const char *key, size_t key_bytes);

/**
 * Register.
 * @param ret_cell  with 0 the new cell, with -EEXIST the one that is there
 * @return 0, -EEXIST, -ENOSPC, -EMFILE, -EPERM (the file is not sealed), -ENOMEM
 */
int kt_book_register(struct kt_book *book, kt_pid owner, const struct kt_book_request *request,
                     int64_t now_ms, const struct kt_cell **ret_cell);

/** Change. @return 0, -ENOENT, -EPERM, -ENOSPC, -EMFILE */
int kt_book_update(struct kt_book *book, kt_pid by, const struct kt_book_request *request,
                   int64_t now_ms);

/** Remove. @return 0, -ENOENT, -EPERM */
int kt_book_unregister(struct kt_book *book, kt_pid by, const char *key, size_t key_bytes);

/** A process has ended: its entries go, or stay without an owner. */
void kt_book_process_ended(struct kt_book *book, kt_pid owner, int64_t now_ms);

/** All processes of a worker have ended. */
void kt_book_node_ended(struct kt_book *book, uint32_t node, int64_t now_ms);

/** Remove what has been kept long enough. */
void kt_book_expire(struct kt_book *book, int64_t now_ms);

/** When kt_book_expire has something to do, ms since 1970; INT64_MAX: never. */
int64_t kt_book_deadline(const struct kt_book *book);

#endif
