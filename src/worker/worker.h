/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A worker: one thread, one loop, all plugins. It is forked by the master, starts everything, says
 * that it is ready, serves until it is told to drain, and ends. Knows the master only as a socket.
 */
#ifndef KT_WORKER_H
#define KT_WORKER_H

#include "fastcgi/balance.h"
#include "worker/crash.h"
#include "worker/left_out.h"
#include "worker/settings.h"

/**
 * What the two say to each other: one word a packet, "failed" followed by a text. "retire" is
 * "drain" with others to go on: idle connections are sent to the master, one a packet with its
 * descriptor, and the master sends them on to a worker that serves. "retired" is the answer: what
 * comes from now on comes to the others. "cut-off" asks to be replaced: the worker has lost the
 * registry for good, and goes on with what needs none.
 */
#define KT_WORKER_READY "ready"
#define KT_WORKER_FAILED "failed "
#define KT_WORKER_DRAIN "drain"
#define KT_WORKER_RETIRE "retire"
#define KT_WORKER_RETIRED "retired"
#define KT_WORKER_CUT_OFF "cut-off"
#define KT_WORKER_CONNECTION "connection"
/** The longest such packet. */
#define KT_WORKER_PACKET_MAX (sizeof(KT_WORKER_FAILED) + KT_ERROR_TEXT_MAX)

/** Everything a worker gets from its master; borrowed until it ends. */
struct kt_worker_start {
    uint32_t number;     /**< 1 … among the workers of its generation */
    uint32_t generation; /**< 1 …, one more with each reload */
    const struct kt_config *config;
    const struct kt_settings *settings;
    const int *listen_fds; /**< non-blocking */
    size_t listen_count;
    int control_fd;                     /**< listening, for kontorctl */
    int master_fd;                      /**< SOCK_SEQPACKET */
    int registry_fd;                    /**< SOCK_STREAM */
    int directory_fd;                   /**< the registry's, to read */
    uint32_t node;                      /**< this worker in pids and for the registry */
    struct kt_note *note;               /**< shared with the master */
    struct kt_balance *balance;         /**< shared with the workers of its generation */
    uid_t plugin_owner;                 /**< who may own plugin files besides root */
    const struct kt_left_out *left_out; /**< plugins in quarantine */
    size_t left_out_count;
    const struct kt_plugin_past *past; /**< plugins that have crashed workers */
    size_t past_count;
    uint64_t heartbeat_ms; /**< how often its loop turns at least; 0: as it likes */
    uint32_t restarts_total; /**< how often this place needed another worker since kontord's start */
};

/**
 * Be a worker.
 * @return the exit status: 0 after draining, EX_CONFIG when the configuration or a plugin's start
 *         is at fault, else EX_SOFTWARE or EX_OSERR
 */
KT_PUBLIC int kt_worker_run(const struct kt_worker_start *start);

/** Its state in a word: "starting", "serving", "draining", "stopping". */
const char *kt_worker_state(void);

#endif
