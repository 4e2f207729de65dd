/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Plugins into memory: finding a module by its name, making sure that it may be trusted and fits,
 * and the set of all plugins with their checked options. Starting them is the worker's.
 */
#ifndef KT_LOADER_H
#define KT_LOADER_H

#include "base/configuration.h"
#include "plugin/plugin.h"

#include <stdbool.h>
#include <sys/types.h>

/** Plugins in one worker. */
#define KT_PLUGINS_MAX 64u
/** Letters of a plugin's name, without a NUL. */
#define KT_PLUGIN_NAME_MAX 31u

/**
 * Load one module, NAME.so from the first of the directories that has one.
 * @param directories  absolute paths separated by colons
 * @param owner        the user who may own files and directories besides root
 * @param ret_plugin   owned by the context; its options are not set yet. The module itself stays
 *                     in memory until the OS process ends.
 * @return 0, -ENOENT, -EPERM, -ENOEXEC, -EINVAL, -ENOMEM, with the words
 */
KT_PUBLIC int kt_plugin_load(TALLOC_CTX *context, const char *name, const char *directories,
                             uid_t owner, struct kt_plugin **ret_plugin, struct kt_error *error);

/** The plugins of a worker, in the order of the configuration. */
struct kt_plugins {
    size_t count;
    struct kt_plugin *list[KT_PLUGINS_MAX];
};

/** Which plugins to load, from where. */
struct kt_plugins_wanted {
    const char *names;       /**< separated by blanks */
    const char *place;       /**< "file:line" of the names */
    const char *directories; /**< as for kt_plugin_load, and the owner as well */
    uid_t owner;
    const struct kt_config *config;
    /** Asked before anything of a plugin is touched, with its number, which is its place in the
     * list. @return whether to load it. NULL: all are. */
    bool (*admit)(void *argument, uint32_t number, const char *name);
    void *argument;
};

/**
 * Load all plugins of a list of names, check their sections and let them check for themselves.
 * @param problems     gets everything that is wrong with any of them
 * @param ret_plugins  owned by the context
 * @return 0, -EINVAL (see problems), -ENOMEM
 */
KT_PUBLIC int kt_plugins_load(TALLOC_CTX *context, const struct kt_plugins_wanted *wanted,
                              struct kt_problems *problems, struct kt_plugins **ret_plugins);

#endif
