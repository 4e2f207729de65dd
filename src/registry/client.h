/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A worker's side of the registry: the functions of kontor/registry.h over one socket, whose frames
 * leave together at the end of each turn of the loop.
 */
#ifndef KT_REGISTRY_CLIENT_H
#define KT_REGISTRY_CLIENT_H

#include <kontor/registry.h>

/**
 * Attach this worker's runtime to a registry.
 * @param fd            non-blocking, becomes the client's
 * @param directory_fd  to read; stays the caller's
 * @param on_lost       called once from the loop when the connection is lost, whether the registry
 *                      is gone or lives on; by then every process that owned an entry has been told
 *                      to end, and every wait has failed. There is no other connection to be had
 * @return 0 or a negative errno
 */
KT_PUBLIC int kt_registry_attach(int fd, int directory_fd, void (*on_lost)(void *argument),
                                 void *argument);

/** Let go of it; takes effect within the next turn of the loop. Does nothing when not attached. */
KT_PUBLIC void kt_registry_detach(void);

/** A memory file around a descriptor, which becomes its own. @return NULL: no memory, fd closed */
struct kt_memory_file *kt_memory_file_wrap(TALLOC_CTX *context, int fd, uint64_t size_bytes);

#endif
