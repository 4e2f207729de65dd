/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paths that nobody else can change: where code may be loaded from. Knows the file system; knows
 * nothing of plugins.
 */
#ifndef KT_PATH_H
#define KT_PATH_H

#include <kontor/error.h>
#include <sys/types.h>
#include <talloc.h>

/**
 * Open a directory and make sure that only root and the given user can change what its path leads
 * to: each component, and each symbolic link on the way, belongs to one of them and is not
 * writable for group or others. A directory above it may be a sticky one like /tmp: there, nobody
 * can replace what belongs to another.
 * @param path      absolute
 * @param owner     who may own it besides root
 * @param ret_path  the path without symbolic links, owned by the context
 * @return an O_PATH descriptor, or a negative errno with the words
 */
int kt_path_open_safe(TALLOC_CTX *context, const char *path, uid_t owner, const char **ret_path,
                      struct kt_error *error);

#endif
