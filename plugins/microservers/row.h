/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server of one row: sleeps without a stack, subtracts one at each tick, and ends when nothing
 * is left. It remembers nothing that matters: what is left is in the store, so that it can be
 * killed and started again at any time.
 */
#ifndef MICROSERVERS_ROW_H
#define MICROSERVERS_ROW_H

#include "microservers.h"

/** The message of a server to the monitor when its row is done; data is the row, a uint32_t. */
#define ROW_DONE 3u

/**
 * Start the server of a row under a supervisor.
 * @return as kt_supervisor_add. Parks.
 */
int row_start(kt_pid supervisor, struct microservers *house, uint32_t row);

#endif
