/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The supervision tree of a worker: the root, below it one server per plugin, below that the
 * plugin's own supervisor. Knows how plugins start, restart and stop; knows no sockets.
 */
#ifndef KT_TREE_H
#define KT_TREE_H

#include "plugin/loader.h"

#include <kontor/process.h>

struct kt_tree;

/**
 * Start the root supervisor, linked with the caller, and the plugins one after the other.
 * @param ret_tree  owned by the calling process
 * @return 0, or a negative errno with the words of the plugin that did not start
 * Parks.
 */
int kt_tree_start(struct kt_plugins *plugins, struct kt_tree **ret_tree, struct kt_error *error);

/** The root supervisor. */
kt_pid kt_tree_root(const struct kt_tree *tree);

/** The plugin that failed last; NULL: none has. */
const struct kt_plugin *kt_tree_last_failure(const struct kt_tree *tree);

/** Stop the plugins in reverse order, and the root. Parks. */
void kt_tree_stop(struct kt_tree *tree);

#endif
