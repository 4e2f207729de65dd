/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One pass: the servers of all rows, so many at a time, until nothing is left in any. Part of the
 * monitor's process; knows nothing of why it runs, nor of what comes afterwards.
 */
#ifndef MICROSERVERS_PASS_H
#define MICROSERVERS_PASS_H

#include "history.h"
#include "microservers.h"

struct pass;

/** A pass that is over, or as far as it is. */
struct pass_summary {
    int64_t duration_ms;
    struct latency latency;
    double cpu_percent;    /**< of one core, of the whole worker, on average */
    uint64_t memory_bytes; /**< of the whole worker, at most */
    bool is_whole;         /**< it was not begun by another monitor, nor before a stop */
};

/**
 * Begin: starts a supervisor, linked with the caller, and the first servers.
 * @param values     what is left in each row
 * @param ret_pass   owned by the context
 * @return 0, as kt_supervisor_start. Parks.
 */
int pass_start(TALLOC_CTX *context, struct microservers *house, const uint32_t *values,
               bool is_spread, struct pass **ret_pass);

/** Start servers for as many rows as there is room for. Parks. */
void pass_launch(struct pass *pass);

/** A server says that its row is done. */
void pass_row_done(struct pass *pass, uint32_t row);

/** Remember how much memory there is now. */
void pass_note_memory(struct pass *pass, uint64_t memory_bytes);

bool pass_is_over(const struct pass *pass);
uint32_t pass_servers(const struct pass *pass);
uint32_t pass_rows_done(const struct pass *pass);
kt_pid pass_supervisor(const struct pass *pass);
struct pass_summary pass_summarise(const struct pass *pass);

/** Stop all its servers, and free it. Parks. */
void pass_stop(struct pass *pass);

#endif
