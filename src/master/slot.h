/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A slot is the place of one worker: its OS process, the socket to it, its page of shared memory,
 * its control socket, and what happens when it dies. Slots belong to a generation: all workers
 * that were started with the same configuration.
 *
 *   empty → starting → serving → draining → empty    (in good order)
 *                 ↘        ↘         ↘
 *                  killed → empty                   (a worker that takes too long)
 *   starting, serving → empty                        (it died; there may be a time to restart)
 */
#ifndef KT_SLOT_H
#define KT_SLOT_H

#include "master/listen.h"
#include "master/quarantine.h"
#include "master/registry.h"
#include "master/restart.h"
#include "master/watchdog.h"
#include "worker/worker.h"

#include <sys/types.h>

enum kt_slot_state {
    KT_SLOT_EMPTY,
    KT_SLOT_STARTING,
    KT_SLOT_SERVING,
    KT_SLOT_DRAINING,
    KT_SLOT_KILLED, /**< SIGKILL was sent, the end is still to come */
};

struct kt_generation;

struct kt_slot {
    struct kt_generation *generation;
    uint32_t number; /**< 1 … */
    enum kt_slot_state state;
    bool is_wanted;       /**< not told to end: its end is a failure */
    bool is_handing_over; /**< told to retire: until it says that it has, or ends */
    bool is_cut_off;      /**< has lost the registry, and says so */
    pid_t pid;            /**< 0 when empty */
    uint32_t node;        /**< the worker's number in pids and for the registry */
    uint32_t life;        /**< of the registry that it was connected to */
    int fd;               /**< to the worker, -1 when empty */
    int control_fd;       /**< listening; lives as long as the slot */
    char *control_path;
    struct kt_note *note; /**< lives as long as the slot */
    int64_t started_ms;   /**< the worker's fork */
    int64_t ready_ms;     /**< when it said so; 0: not yet */
    int64_t deadline_ms;  /**< of starting and draining: then it is killed */
    struct kt_watchdog watchdog; /**< of serving */
    int64_t restart_ms;   /**< of an empty slot: when to start again, 0: never */
    struct kt_restarts *restarts;
    uint32_t restart_count;
    uint32_t restarts_before;        /**< of this place in the generations before */
    uint64_t requests_before;        /**< answered by those who died here */
    char said[KT_ERROR_TEXT_MAX];    /**< why the present one fails, in its own words, "" */
    char failure[KT_ERROR_TEXT_MAX]; /**< how the last one failed, "" */
    int64_t failure_unix_ms;
    char culprit[KT_SUSPECT_NAME_MAX];     /**< the plugin at fault for that, "" */
    char backtrace[KT_BACKTRACE_TEXT_MAX]; /**< where that was, "" */
    uint32_t quarantine_version;           /**< which plugins it was started without */
};

enum kt_generation_state { KT_GENERATION_STARTING, KT_GENERATION_SERVING, KT_GENERATION_RETIRING };

/** Workers of one configuration. Owns everything below it. */
struct kt_generation {
    struct kt_generation *next;
    uint32_t number;
    enum kt_generation_state state;
    struct kt_config *config;
    struct kt_settings *settings;
    struct kt_listeners *listeners;
    bool is_renewal; /**< has the configuration of the one before, other plugins are left out */
    uint32_t count;
    struct kt_slot *slots;
    struct kt_balance *balance; /**< of the connections among them */
    uint32_t heir;              /**< counts connections taken over: who gets the next */
};

/** What a new worker process must let go of, and how it is told where it comes from. */
struct kt_fork {
    void (*close_inherited)(void *argument, const struct kt_slot *slot);
    void *argument;
    uid_t plugin_owner;
    const struct kt_quarantine *quarantine; /**< whom it comes up without */
    struct kt_registry_place *registry;
    bool (*is_node_taken)(void *argument, uint32_t node);
};

/** The word for a state. */
const char *kt_slot_state_name(enum kt_slot_state state);
const char *kt_generation_state_name(enum kt_generation_state state);

/**
 * Make the slots of a generation, with their pages and control sockets.
 * @param run_dir  where the control sockets are
 * @return 0 or a negative errno, with the words
 */
int kt_slots_open(struct kt_generation *generation, const char *run_dir, struct kt_error *error);

/** Remove the control sockets and the shared memory of a generation; all slots are empty. */
void kt_slots_close(struct kt_generation *generation);

/**
 * In a forked child: take a name, forget the master's environment, become the user of the settings.
 * @return 0 or a negative errno, which has been logged
 */
int kt_child_begin(const char *name, const struct kt_settings *settings);

/** Fork a worker into an empty slot. @return 0 or a negative errno, with the words */
int kt_slot_start(struct kt_slot *slot, const struct kt_fork *how, struct kt_error *error);

/**
 * Read what the worker says; a word changes the state.
 * @param take  gets the connections that a retiring worker gives, whose descriptors become the
 *              callee's
 * @return whether it has just become ready
 */
bool kt_slot_read(struct kt_slot *slot, void (*take)(void *argument, int fd), void *argument);

/** Send a connection to a worker that serves; it gets a copy of the descriptor. @return 0, -errno
 */
int kt_slot_give(struct kt_slot *slot, int fd);

/**
 * Ask a worker to finish and end, until a deadline; an empty slot is not started again.
 * @param has_heirs  others serve: it gives its idle connections to them
 */
void kt_slot_drain(struct kt_slot *slot, bool has_heirs);

/** End a worker at once; it is not started again. */
void kt_slot_kill(struct kt_slot *slot);

/** Kill a worker that took too long to start or to end: its deadline has come. */
void kt_slot_expire(struct kt_slot *slot);

/** Look whether a worker that serves still does. One whose loop stands still is aborted, so that it
 * notes where that is, and killed if it does not hear. */
void kt_slot_look(struct kt_slot *slot, int64_t now_ms);

/** What has become of a worker that is gone. */
enum kt_slot_end {
    KT_SLOT_STILL_THERE,
    KT_SLOT_ENDED,  /**< as it was told to */
    KT_SLOT_FAILED, /**< before it was ready; slot->failure says why */
    KT_SLOT_CRASHED /**< afterwards; slot->restart_ms says when it is started again */
};

/** Look whether the worker has ended, and tell the log how; take is as for kt_slot_read. */
enum kt_slot_end kt_slot_reap(struct kt_slot *slot, void (*take)(void *argument, int fd),
                              void *argument);

/** The monotonic time in milliseconds. */
int64_t kt_master_now_ms(void);

#endif
