/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a worker does, for plugins that show it. A plugin sees the worker it runs in; to see all of
 * them it asks its own instances in the others (kontor/registry.h).
 */
#ifndef KONTOR_OBSERVE_H
#define KONTOR_OBSERVE_H

#include <kontor/error.h>
#include <kontor/process.h>

struct cJSON;

/**
 * The state of this worker, its counters and its plugins, with the names of `kontorctl status
 * --json`. Counters grow from the worker's start on.
 * @return the caller's: cJSON_Delete, or answer with it
 * Does not park.
 */
KT_PUBLIC struct cJSON *kt_observe_worker(void);

/** A process, as it is during the visit. Strings are borrowed for that long. */
struct kt_observed_process {
    kt_pid pid;
    kt_pid parent;      /**< its supervisor, or who spawned it */
    const char *label;
    const char *name;   /**< NULL: none */
    const char *plugin; /**< NULL: the house's */
    const char *kind;   /**< "supervisor", "server", "process" */
    const char *state;  /**< "running", "runnable", "waiting", "parked" */
    bool has_stack;
    uint32_t messages;   /**< in its mailbox */
    size_t memory_bytes; /**< 0 unless asked for */
};

/**
 * Visit every process of this worker, in no order.
 * @param with_memory  count the memory of each, which takes a while
 * @param visit        must not spawn, send or park
 * Does not park.
 */
KT_PUBLIC void kt_observe_processes(bool with_memory,
                                    void (*visit)(const struct kt_observed_process *process,
                                                  void *argument),
                                    void *argument);

#endif
