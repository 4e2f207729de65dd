/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration as text: kontor.conf and the files of conf.d beside it, sections, keys,
 * values, and where each was written. Knows the syntax; what keys mean is plugin/option.h's.
 */
#ifndef KT_CONFIGURATION_H
#define KT_CONFIGURATION_H

#include "base/problems.h"

#include <stddef.h>
#include <talloc.h>

/** A configuration file is at most this large; bytes. */
#define KT_CONFIG_FILE_MAX (1u << 20)
/** The longest line; a value may have nearly as many bytes. */
#define KT_CONFIG_LINE_MAX 16384u
/** All files together have at most so many entries, sections, and conf.d so many files. */
#define KT_CONFIG_ENTRIES_MAX 4096u
#define KT_CONFIG_SECTIONS_MAX 256u
#define KT_CONFIG_FILES_MAX 256u

struct kt_config_entry {
    const char *key;
    const char *value; /**< without quotes */
    const char *place; /**< "file:line" */
    const char *file;
};

struct kt_config_section {
    const char *name;
    const char *place; /**< of its first header */
    unsigned count;
    struct kt_config_entry *entries; /**< each key once: a later file has replaced an earlier's */
};

/** All of it. Immutable once read. */
struct kt_config {
    const char *path; /**< of the main file */
    unsigned count;
    struct kt_config_section *sections; /**< in the order of their first appearance */
};

/**
 * Read a configuration file and those in conf.d beside it, sorted by name; later ones win.
 * @param problems    gets everything that is wrong
 * @param ret_config  owned by the context; set with -EINVAL too, to what could be read, so that
 *                    checking can go on
 * @return 0, -EINVAL (see problems), -ENOMEM
 */
KT_PUBLIC int kt_config_read(TALLOC_CTX *context, const char *path, struct kt_problems *problems,
                             struct kt_config **ret_config);

/** A section, or NULL. */
KT_PUBLIC const struct kt_config_section *kt_config_section(const struct kt_config *config,
                                                            const char *name);

/** An entry, or NULL; also when the section is NULL. */
KT_PUBLIC const struct kt_config_entry *kt_config_entry(const struct kt_config_section *section,
                                                        const char *key);

#endif
