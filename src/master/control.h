/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the master tells kontorctl and takes from it: status, reload, stop; see control/protocol.h.
 */
#ifndef KT_MASTER_CONTROL_H
#define KT_MASTER_CONTROL_H

#include "control/protocol.h"
#include "master/master.h"

#include <poll.h>

/** Connections at once. */
#define KT_MASTER_CLIENTS_MAX 8u

/**
 * Make a listening socket for control that only its owner can use; a stale file is replaced.
 * @return the descriptor or a negative errno, with the words
 */
int kt_control_listen(const char *path, struct kt_error *error);

/** Open the master's socket in its run_dir. */
int kt_master_control_open(struct kt_master *master, struct kt_error *error);

/** Close everything and remove the socket. NULL does nothing. */
void kt_master_control_close(struct kt_master_control *control);

/** In a forked worker: close without removing. */
void kt_master_control_close_inherited(const struct kt_master_control *control);

/** What to poll for. @param fds  room for KT_MASTER_CLIENTS_MAX + 1 @return how many */
size_t kt_master_control_poll(const struct kt_master_control *control, struct pollfd *fds);

/** Accept, read, answer, as far as it goes without waiting. */
void kt_master_control_serve(struct kt_master_control *control);

/** Answer those who wait for a reload; why is NULL when it went well. */
void kt_master_control_settled(struct kt_master_control *control, const char *why);

/* status.c */

/** The answer to "status", for cJSON_free, or NULL. */
char *kt_master_status(const struct kt_master *master);

#endif
