/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The status as text for people: one line about the master, a table of workers, one of plugins,
 * and the processes as a tree. Knows the names in the JSON; asks nobody.
 */
#ifndef KT_VIEW_H
#define KT_VIEW_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>

/** Print the master's status, in which each worker's own is "inside". */
void kt_view_status(const cJSON *status, bool with_processes, FILE *stream);

#endif
