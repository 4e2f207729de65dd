/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a worker does, for plugins that show it, and numbers that a plugin wants to be shown. A
 * plugin sees the worker it runs in; to see all of them it asks its own instances in the others
 * (kontor/registry.h).
 */
#ifndef KONTOR_OBSERVE_H
#define KONTOR_OBSERVE_H

#include <kontor/error.h>
#include <kontor/plugin.h>
#include <kontor/process.h>

struct cJSON;

/* ---------------------------------------------------------------- a plugin's own numbers */

/** A number of a plugin in this worker, published as kontor_<plugin>_<name>; counters with _total
 * behind. Lives as long as the worker. */
struct kt_metric;

/** Such numbers in one worker, of all plugins. */
#define KT_METRICS_MAX 128u

/**
 * A number that only grows, such as letters sent. Asked for again (a plugin that starts again), it
 * is the same one, and goes on from where it was. With too many of them, or a name that isn't one,
 * the log says so and the number is not shown.
 * @param name  [a-z][a-z0-9_]{0,47}, what is counted, in the plural: "letters_failed"; borrowed
 * @param help  a sentence for people; borrowed
 * @return never NULL
 * Does not park.
 */
KT_PUBLIC struct kt_metric *kt_metric_counter(struct kt_plugin *plugin, const char *name,
                                              const char *help);

/** A number that grows and shrinks, such as letters that wait. As kt_metric_counter. */
KT_PUBLIC struct kt_metric *kt_metric_gauge(struct kt_plugin *plugin, const char *name,
                                            const char *help);

/** Add to a number; to a counter nothing below 0. From processes and the loop. */
KT_PUBLIC void kt_metric_add(struct kt_metric *metric, int64_t by);

/** Set a gauge. From processes and the loop. */
KT_PUBLIC void kt_metric_set(struct kt_metric *metric, int64_t value);

/* ---------------------------------------------------------------- the whole worker */

/**
 * The state of this worker, its counters, its plugins and their numbers, with the names of
 * `kontorctl status --json`. Counters grow from the worker's start on. What it costs does not grow
 * with the processes.
 * @return the caller's: cJSON_Delete, or answer with it
 * Does not park.
 */
KT_PUBLIC struct cJSON *kt_observe_worker(void);

/** Requests are counted by how long they took: up to so many bounds. */
#define KT_OBSERVED_DURATIONS 16u

/** @param ret_bounds_ms  in milliseconds, in the order of "durations"; 0: longer than all */
KT_PUBLIC void kt_observe_bounds(double ret_bounds_ms[KT_OBSERVED_DURATIONS]);

/**
 * The last requests of this worker that took longer than the option slow_request, the latest first:
 * "route", "plugin", "user", "status", "started_ms" (since 1970), "took_ms", and where the time
 * went: "ran_ms", and "waited_ms" with an entry for each of "waits_for" below; "turn" is the time
 * until it began to run.
 * @return an array, the caller's
 * Does not park.
 */
KT_PUBLIC struct cJSON *kt_observe_slow(void);

/** Connections of one worker that are shown; of the others it is known how many there are. */
#define KT_OBSERVED_CONNECTIONS 100u

/**
 * The FastCGI connections of web servers to this worker: "count" of them, "at_work" of these,
 * "output_bytes" that wait in all for their peers to take them, and in "connections" the busiest, who
 * is busy for longest first, at most KT_OBSERVED_CONNECTIONS:
 * "address" over TCP, with the port; for a local socket it is "", and as far as the kernel tells there
 * are "peer_pid", "peer_uid" and "peer_program" of the process that connected; "state": "at work",
 * "endless" (all its requests have asked for an endless deadline) or "idle"; "busy_ms"; "opened_ms"
 * (since 1970; or when a worker that was replaced gave it to this one), "requests_total" since then,
 * "requests" in work now, "is_shared": its peer multiplexes; "oldest", if there is one, of the
 * requests in work: "route" ("": its parameters have not all come yet), "plugin", "pid" of its
 * process, "for_ms", "is_endless" (then there is none that isn't); "output_bytes", and
 * "output_waits_ms": for how long the peer has taken none of them.
 * Looks at all connections, as the worker does twice a second anyway, and takes about a millisecond
 * for those that are shown.
 * @return an object, the caller's
 * Does not park.
 */
KT_PUBLIC struct cJSON *kt_observe_connections(void);

/** A process, as it is during the visit. Strings are borrowed for that long. */
struct kt_observed_process {
    kt_pid pid;
    kt_pid parent; /**< its supervisor, or who spawned it */
    const char *label;
    const char *name;      /**< NULL: none */
    const char *plugin;    /**< NULL: the house's */
    const char *kind;      /**< "supervisor", "server", "process" */
    const char *state;     /**< "running", "runnable", "waiting", "parked" */
    const char *waits_for; /**< "message", "answer", "time", "work", "fetch", "store", "registry",
                                "job", "client", "turn", "wake-up"; "": for nothing */
    bool has_stack;
    uint32_t messages;   /**< in its mailbox */
    size_t memory_bytes; /**< 0 unless asked for */
    int64_t age_ms;      /**< since it was spawned, in whole seconds */
    uint64_t turns;      /**< how often it ran */
    uint64_t run_us;     /**< for how long, estimated: one of 31 turns is timed */
    uint32_t restarts;   /**< how often its supervisor has started it again */
};

/**
 * Look at one process, with its memory. Strings are borrowed until something else runs.
 * @return false: there is none with this pid in this worker
 * Does not park.
 */
KT_PUBLIC bool kt_observe_process(kt_pid pid, struct kt_observed_process *ret_process);

/**
 * Visit every process of this worker, in no order. With very many of them others run in between:
 * who comes or goes meanwhile may be missed.
 * @param with_memory  count the memory of each, which takes a while
 * @param visit        must not spawn, send or park
 * Parks.
 */
KT_PUBLIC void kt_observe_processes(bool with_memory,
                                    void (*visit)(const struct kt_observed_process *process,
                                                  void *argument),
                                    void *argument);

#endif
