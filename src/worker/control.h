/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a worker tells kontorctl; see control/protocol.h.
 */
#ifndef KT_CONTROL_H
#define KT_CONTROL_H

#include "control/protocol.h"
#include "plugin/loader.h"
#include "worker/worker.h"

struct kt_control;

/**
 * Answer questions on start->control_fd.
 * @param ret_control  owned by nobody: kt_control_stop gives it back
 * @return 0 or a negative errno
 */
int kt_control_start(const struct kt_worker_start *start, const struct kt_plugins *plugins,
                     struct kt_control **ret_control);

/** Close everything; takes effect within the next turn of the loop. NULL does nothing. */
void kt_control_stop(struct kt_control *control);

#endif
