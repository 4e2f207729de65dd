/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The place of the registry: its OS process, the socket to it, the memory that it writes and
 * workers read, and copies of its memory files. So a registry that dies is followed by one that
 * goes on with what was to be kept; and with systemd, which takes copies as well, so is the whole
 * of kontord.
 *
 *   empty → starting → serving → ending → empty
 *                 ↘        ↘  empty            (it died; there is a time to restart)
 */
#ifndef KT_MASTER_REGISTRY_H
#define KT_MASTER_REGISTRY_H

#include "master/restart.h"
#include "registry/registry.h"
#include "worker/settings.h"

#include <sys/types.h>

/** What begins the names of descriptors that systemd keeps for us. */
#define KT_STORED_PREFIX "kontor-store-"

enum kt_place_state { KT_PLACE_EMPTY, KT_PLACE_STARTING, KT_PLACE_SERVING, KT_PLACE_ENDING };

struct kt_registry_place {
    enum kt_place_state state;
    pid_t pid;            /**< 0 when empty */
    int fd;               /**< to the registry, -1 when empty */
    int directory_fd;     /**< what it writes, -1 when empty */
    int read_only_fd;     /**< the same, for workers */
    int old_directory_fd; /**< what the one before has left, -1: nothing */
    int file_fds[KT_FILES_MAX];
    uint32_t life;      /**< how many have been started: workers belong to one */
    uint32_t last_node; /**< the last that a worker got */
    struct kt_restarts *restarts;
    uint32_t restart_count;
    int64_t started_ms;
    int64_t restart_ms;              /**< of an empty place: when to start, 0: never */
    int64_t deadline_ms;             /**< of an ending one: then it is killed */
    char said[KT_ERROR_TEXT_MAX];    /**< why the present one fails, in its own words, "" */
    char failure[KT_ERROR_TEXT_MAX]; /**< how the last one failed, "" */
    int64_t failure_unix_ms;
};

/** The word for a state. */
const char *kt_place_state_name(enum kt_place_state state);

/**
 * An empty place, with what systemd has kept of a kontord before this one.
 * @return owned by the context, NULL when out of memory
 */
struct kt_registry_place *kt_registry_place_new(TALLOC_CTX *context,
                                                const struct kt_settings *settings);

/**
 * Fork a registry into an empty place.
 * @param close_inherited  what the new OS process must let go of, but for the place's own
 * @return 0 or a negative errno, with the words
 */
int kt_registry_place_start(struct kt_registry_place *place, const struct kt_settings *settings,
                            void (*close_inherited)(void *argument), void *argument,
                            struct kt_error *error);

/** Whether workers can be started. */
bool kt_registry_place_is_open(const struct kt_registry_place *place);

/**
 * Connect a worker that is about to be forked.
 * @param is_taken  whether a node's number is some worker's
 * @param ret_node  the worker's number from now on
 * @return the worker's end of the socket, or a negative errno, with the words
 */
int kt_registry_place_connect(struct kt_registry_place *place,
                              bool (*is_taken)(void *argument, uint32_t node), void *argument,
                              uint32_t *ret_node, struct kt_error *error);

/** In a forked child: close everything but read_only_fd. */
void kt_registry_place_close_inherited(const struct kt_registry_place *place);

/** Hear what the registry says. */
void kt_registry_place_read(struct kt_registry_place *place);

/** Look whether it has ended. @return whether it has died, and restart_ms says when to start one */
bool kt_registry_place_reap(struct kt_registry_place *place, bool is_wanted);

/** Tell it to end; when a deadline has come, kill it. */
void kt_registry_place_stop(struct kt_registry_place *place, int64_t now_ms);

/** Let go of everything; systemd keeps what it has. */
void kt_registry_place_close(struct kt_registry_place *place);

#endif
