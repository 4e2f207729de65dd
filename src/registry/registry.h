/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registry's OS process: forked by the master, it serves workers over one socket each until
 * it is told to end. Knows the master only as a socket.
 */
#ifndef KT_REGISTRY_H
#define KT_REGISTRY_H

#include "registry/files.h"

#include <kontor/error.h>

/**
 * What master and registry say to each other: one word a packet. The master hands over a new
 * worker's socket ("worker 17") and gets copies of the memory files ("file 5", with the descriptor;
 * "file-gone 5"), which it keeps for the next registry in case this one dies.
 */
#define KT_REGISTRY_READY "ready"
#define KT_REGISTRY_FAILED "failed "
#define KT_REGISTRY_WORKER "worker "
#define KT_REGISTRY_FILE "file "
#define KT_REGISTRY_FILE_GONE "file-gone "
/** The longest such packet. */
#define KT_REGISTRY_PACKET_MAX (sizeof(KT_REGISTRY_FAILED) + KT_ERROR_TEXT_MAX)

/** Everything a registry gets from its master; borrowed until it ends. */
struct kt_registry_start {
    int master_fd;        /**< SOCK_SEQPACKET, non-blocking; its end is the registry's end */
    int directory_fd;     /**< made by kt_directory_make, still empty */
    int old_directory_fd; /**< what the registry before has left, -1: nothing */
    const int *file_fds;  /**< the memory files of that one: KT_FILES_MAX, -1: none */
    uint64_t files_bytes_max;
};

/** Be the registry. @return the exit status: 0 when told to end, else EX_OSERR or EX_SOFTWARE */
KT_PUBLIC int kt_registry_run(const struct kt_registry_start *start);

#endif
