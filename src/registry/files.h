/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory files of the registry: numbered descriptors, bounded in number and in bytes. Who
 * keeps copies of them, so that they outlive the registry, is told of each that comes and goes.
 */
#ifndef KT_FILES_H
#define KT_FILES_H

#include <kontor/error.h>
#include <stdbool.h>
#include <stdint.h>

/** As many memory files there may be at once. */
#define KT_FILES_MAX 1024u

struct kt_files {
    int fds[KT_FILES_MAX]; /**< -1: a free place */
    uint64_t bytes[KT_FILES_MAX];
    uint32_t free[KT_FILES_MAX]; /**< a stack of free places */
    uint32_t free_count;
    uint64_t bytes_total, bytes_max;
    void (*changed)(uint32_t number, int fd, void *argument); /**< fd -1: it is gone */
    void *argument;
};

/** Empty; changed may be NULL. */
void kt_files_open(struct kt_files *files, uint64_t bytes_max,
                   void (*changed)(uint32_t number, int fd, void *argument), void *argument);
void kt_files_close(struct kt_files *files);

/**
 * Whether a descriptor is a sealed memory file.
 * @return 0, -EPERM
 */
int kt_files_check(int fd, uint64_t *ret_bytes);

/**
 * Take a file in.
 * @param fd  a checked one; becomes theirs with 0, stays the caller's with an error
 * @return 0, -EMFILE (too many), -ENOSPC (too many bytes)
 */
int kt_files_add(struct kt_files *files, int fd, uint64_t bytes, uint32_t *ret_number);

/** Take a file in at its old number; as kt_files_add, and -EEXIST. */
int kt_files_restore(struct kt_files *files, uint32_t number, int fd, uint64_t bytes);

void kt_files_remove(struct kt_files *files, uint32_t number);

#endif
