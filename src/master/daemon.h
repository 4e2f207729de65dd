/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Being a daemon: into the background with an answer to the one who started it, a run directory of
 * one's own, a pid file. Knows nothing of workers.
 */
#ifndef KT_DAEMON_H
#define KT_DAEMON_H

#include <kontor/error.h>
#include <talloc.h>

/**
 * Go into the background. Returns in the daemon; whoever called waits for kt_daemon_report and
 * exits with what it says.
 * @return the descriptor to report on, or a negative errno
 */
int kt_daemon_start(void);

/** Tell the one who waits how the start went; why is NULL when it went well. Closes fd. */
void kt_daemon_report(int fd, const char *why);

/**
 * Make a run directory, if it is missing, and lock it against a second kontord.
 * @return the descriptor that holds the lock, or a negative errno with the words
 */
int kt_daemon_lock(const char *run_dir, const char *pid_file, struct kt_error *error);

/**
 * Make a run directory of our own below TMPDIR or /tmp.
 * @param ret_path  owned by the context
 * @return 0 or a negative errno with the words
 */
int kt_daemon_private_dir(TALLOC_CTX *context, const char **ret_path, struct kt_error *error);

/** Remove control sockets that a kontord left which could not clean up. The directory is locked. */
void kt_daemon_clean(const char *run_dir);

/** Write this process's number into a file. @return 0 or a negative errno, with the words */
int kt_daemon_write_pid(const char *pid_file, struct kt_error *error);

#endif
