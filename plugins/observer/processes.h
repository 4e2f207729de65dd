/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The processes of this worker: searched, sorted and cut, since there can be a million. While they
 * are looked through, others run.
 */
#ifndef OBSERVER_PROCESSES_H
#define OBSERVER_PROCESSES_H

#include <cjson/cJSON.h>
#include <kontor/process.h>
#include <stdbool.h>

/** The most that one question gets. */
#define PROCESSES_MAX 500u
/** Branches of the tree that one question gets, and processes of each. */
#define PROCESSES_BRANCHES_MAX 40u
#define PROCESSES_BRANCH_MAX 50u

/**
 * @param question  {"search": part of a label, name, plugin, kind or state, or a pid; "" for all,
 *                  "parents": pids, separated by commas: only those they have started, of each
 *                  the PROCESSES_BRANCH_MAX that sort first; "0" stands for those without a living
 * parent; "" for all, "sort": "memory", "messages", "time", "turns", "age", "restarts", "label";
 * else as they come, "limit": at most so many}
 * @return {"processes": [{"pid", "parent", "label", "name", "plugin", "kind", "state", "waits_for",
 *         "has_stack", "messages", "memory_bytes", "age_ms", "turns", "run_us", "restarts",
 *         "children"}], "count": all that fit, "branches": of "parents": [{"pid", "count"}]}; the
 * caller's. Parks.
 */
cJSON *processes_list(const cJSON *question);

/** Read a pid as it is shown: 1 to 16 hexadecimal digits, and nothing else. @return false: it is
 * none */
bool processes_read_pid(const char *text, kt_pid *ret_pid);

#endif
