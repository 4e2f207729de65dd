/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How kontorctl talks with the master and the workers. Each has a Unix socket in run_dir that only
 * its owner can use. One word and a newline go there, one JSON document comes back, then the
 * connection ends. A reload or release is answered when it has succeeded or failed; after "stop"
 * the connection ends when the master does.
 */
#ifndef KT_PROTOCOL_H
#define KT_PROTOCOL_H

/** Understood by the master and by workers. */
#define KT_CONTROL_STATUS "status"
/** By workers: the status and each process. */
#define KT_CONTROL_PROCESSES "processes"
/** By the master. */
#define KT_CONTROL_RELOAD "reload"
#define KT_CONTROL_STOP "stop"
/** By the master, followed by the name of a plugin: let it out of quarantine. */
#define KT_CONTROL_RELEASE "release"

/** By workers: all jobs. */
#define KT_CONTROL_JOBS "jobs"
/** By workers, followed by realm and id of a job. */
#define KT_CONTROL_JOBS_CANCEL "jobs cancel"
#define KT_CONTROL_JOBS_DELETE "jobs delete"

/** By workers, followed by a plugin and a question for its server PLUGIN.control. */
#define KT_CONTROL_ASK "ask"

/** The longest question with its newline. */
#define KT_CONTROL_LINE_MAX 256

/** The sockets: control.sock, worker-NUMBER-GENERATION.sock. */
#define KT_CONTROL_MASTER "control.sock"
#define KT_CONTROL_WORKER_PREFIX "worker-"
#define KT_CONTROL_SUFFIX ".sock"

#endif
