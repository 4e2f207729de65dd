/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory files: files in RAM without a name in any directory (memfd_create(2)). Once sealed nobody
 * can change them any more, so they can be handed from one OS process to another and be read by
 * many. The registry keeps them; see kontor/registry.h.
 */
#ifndef KONTOR_MEMORY_FILE_H
#define KONTOR_MEMORY_FILE_H

#include <kontor/error.h>
#include <stdint.h>
#include <talloc.h>

/** A memory file; talloc_free closes it, as does the end of what it belongs to. */
struct kt_memory_file {
    int fd;              /**< to read from, and to write to until it is sealed; close-on-exec */
    uint64_t size_bytes; /**< set by kt_memory_file_seal and by the registry */
};

/**
 * Make an empty memory file: write(2) to its fd.
 * @param context   owns the result; kt_self_memory() ties it to the calling process
 * @param label     for people who look at /proc; 1 to 200 bytes
 * @param ret_file  the file
 * @return 0, -EINVAL (the label), -EMFILE, -ENFILE, -ENOMEM
 * Does not park.
 */
KT_PUBLIC int kt_memory_file_new(TALLOC_CTX *context, const char *label,
                                 struct kt_memory_file **ret_file);

/**
 * Seal a memory file: from now on nobody can write to it or change its size.
 * @return 0, or a negative errno: -EBUSY while it is mapped writable
 * Does not park.
 */
KT_PUBLIC int kt_memory_file_seal(struct kt_memory_file *file);

#endif
