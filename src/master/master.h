/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The master: opens the sockets, starts the workers, restarts what dies, replaces all of them at a
 * reload, and ends when all have ended. It reads no request, loads no plugin and has one thread.
 */
#ifndef KT_MASTER_H
#define KT_MASTER_H

#include "master/slot.h"

#include <stdbool.h>

enum kt_master_state { KT_MASTER_STARTING, KT_MASTER_RUNNING, KT_MASTER_STOPPING };

struct kt_master_control;

/** The master of this OS process. */
struct kt_master {
    enum kt_master_state state;
    TALLOC_CTX *memory; /**< lives as long as the master */
    const char *config_path;
    const char *run_dir;  /**< stays what it was at the start */
    const char *pid_file; /**< as well */
    bool has_private_dir; /**< run_dir is one that we made, and remove in the end */
    uid_t owner;          /**< who may own plugins besides root: who started kontord */
    int64_t started_ms;
    bool is_foreground;
    bool is_reload_wanted; /**< asked for while another one is under way */
    int status;            /**< to exit with */
    int signal_fd;
    int lock_fd;   /**< run_dir, locked: one kontord each */
    int report_fd; /**< to the one who waits for the daemon's start, -1: nobody */
    uint32_t last_generation;
    struct kt_generation *generations; /**< all of them, the newest first */
    struct kt_generation *current;     /**< serves; NULL during the first start */
    struct kt_generation *incoming;    /**< starts; NULL when no start or reload is under way */
    bool is_handing_over; /**< the current one serves; some before it may still let requests in */
    struct kt_registry_place *registry;
    struct kt_quarantine *quarantine;
    int64_t renewal_ms;   /**< not before this; 0: at once */
    int64_t reconnect_ms; /**< the same, for workers that have lost a registry that lives */
    struct kt_master_control *control;
    int64_t watchdog_ms, watchdog_next_ms; /**< systemd's; 0: none */
};

/** The word for a state. */
const char *kt_master_state_name(enum kt_master_state state);

/**
 * Be the master.
 * @param memory      what config and settings are on; the master puts its own there, too
 * @param config      read and checked, as settings; become the first generation's
 * @param report_fd   -1, or that of kt_daemon_start
 * @return the exit status
 */
int kt_master_run(TALLOC_CTX *memory, struct kt_config *config, struct kt_settings *settings,
                  bool is_foreground, int report_fd);

/**
 * Read the configuration again and replace the workers; when a reload is under way, once more
 * after it.
 * @return 0 or a negative errno, with the words: nothing has changed then
 */
int kt_master_reload(struct kt_master *master, struct kt_error *error);

/** Drain all workers and end; the second time, end at once. */
void kt_master_stop(struct kt_master *master, const char *why);

/* generation.c */

/**
 * Make a generation and start its first worker; the others follow when that one is ready, so that
 * a mistake is made, and told, once.
 * @param config, settings  become the generation's; those of the current one: it is a renewal
 * @return 0 or a negative errno, with the words
 */
int kt_generation_start(struct kt_master *master, struct kt_config *config,
                        struct kt_settings *settings, struct kt_error *error);

/**
 * Bring a starting generation forward: when all its workers are ready, it replaces the current. It
 * is settled when those that it replaces let no request in any more: who was told that it is
 * settled gets no answer of the old configuration.
 */
void kt_generation_advance(struct kt_master *master);

/** Take a starting generation back, because a worker did not get ready. */
void kt_generation_abort(struct kt_master *master, const char *why);

/**
 * Drain a generation's workers and do not start them again.
 * @param has_heirs  another generation serves and takes their idle connections
 */
void kt_generation_retire(struct kt_generation *generation, bool has_heirs);

/** Forget the retired generations whose workers have all ended. */
void kt_generations_sweep(struct kt_master *master);

/** Start the workers whose time has come, kill those that take too long. */
void kt_generations_tick(struct kt_master *master, int64_t now_ms);

/** Bury the dead. */
void kt_generations_reap(struct kt_master *master);

/** Hear what the workers say. */
void kt_generations_read(struct kt_master *master);

/** In a forked registry: let go of the master's and the workers' things. @param argument  master */
void kt_generations_close_inherited(void *argument);

/** When kt_generations_tick has something to do; INT64_MAX: never. */
int64_t kt_generations_deadline(const struct kt_master *master);

/* master.c, for generation.c */

/** A generation has got ready, or was taken back; why is NULL when it went well. */
void kt_master_settled(struct kt_master *master, const struct kt_generation *generation,
                       const char *why);

/* isolate.c */

/**
 * A worker is gone: see which plugin is at fault, and whether it goes into quarantine.
 * @return whether that is dealt with, so that the worker may be started again
 */
bool kt_master_judge(struct kt_master *master, struct kt_slot *slot);

/**
 * Let plugins out of quarantine before their time.
 * @param name  NULL: all of them
 * @return 0, or -ENOENT with the words
 */
int kt_master_release(struct kt_master *master, const char *name, struct kt_error *error);

/** Whether workers are to be replaced now: they run plugins that are in quarantine, lack some that
 * are not, or have lost the registry. */
bool kt_master_is_stale(const struct kt_master *master);

/** End quarantines whose time is over, and replace the workers if they are stale. */
void kt_master_isolate(struct kt_master *master, int64_t now_ms);

/** The policy of a configuration. */
struct kt_quarantine_policy kt_quarantine_policy_of(const struct kt_settings *settings);

/** When kt_master_isolate has something to do; INT64_MAX: never. */
int64_t kt_master_isolate_deadline(const struct kt_master *master);

#endif
