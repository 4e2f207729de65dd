/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a worker tells kontorctl; see control/protocol.h.
 */
#ifndef KT_CONTROL_H
#define KT_CONTROL_H

#include "control/protocol.h"

struct kt_control;

/**
 * Answer questions on a listening socket.
 * @param ret_control  owned by nobody: kt_control_stop gives it back
 * @return 0 or a negative errno
 */
int kt_control_start(int fd, struct kt_control **ret_control);

/** Close everything; takes effect within the next turn of the loop. NULL does nothing. */
void kt_control_stop(struct kt_control *control);

#endif
