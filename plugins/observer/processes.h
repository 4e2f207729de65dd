/* SPDX-License-Identifier: BSD-2-Clause */
/* The processes of this worker: searched, sorted and cut, since there can be a million. */
#ifndef OBSERVER_PROCESSES_H
#define OBSERVER_PROCESSES_H

#include <cjson/cJSON.h>

/** The most that one question gets. */
#define PROCESSES_MAX 500u

/**
 * @param search  part of a label, name, plugin or pid; "" for all
 * @param sort    "memory", "messages", "label"; else as they come
 * @return {"processes": [{"pid", "parent", "label", "name", "plugin", "kind", "state", "has_stack",
 *         "messages", "memory_bytes"}], "count": all that fit the search}; the caller's
 */
cJSON *processes_list(const char *search, const char *sort, unsigned limit);

#endif
