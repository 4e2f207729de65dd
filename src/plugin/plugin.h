/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A loaded plugin, as the house sees it: its descriptor, its section of the configuration, its
 * supervisor. Who registers something (a route, a process) keeps a pointer to it as the tag.
 */
#ifndef KT_PLUGIN_H
#define KT_PLUGIN_H

#include <kontor/plugin.h>

struct kt_section;

struct kt_plugin {
    const struct kt_plugin_descriptor *descriptor;
    const struct kt_section *section; /**< its checked options */
    const char *path;                 /**< of the module */
    uint32_t number;                  /**< 1 … as the configuration lists it; 0: the house */
    kt_pid supervisor;                /**< of its children; KT_PID_NONE before the start */
    int64_t failed_ms;                /**< when it, or its start, failed last; 0: never */
    uint64_t processes;               /**< that belong to it now; kept by the runtime */
    uint32_t start; /**< changes with each start and end: what an earlier one registered is void */
};

#endif
