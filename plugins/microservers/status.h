/* SPDX-License-Identifier: BSD-2-Clause */
/* How it stands, as JSON for the page and for programs; see docs/kontor-microservers.7. */
#ifndef MICROSERVERS_STATUS_H
#define MICROSERVERS_STATUS_H

#include "history.h"
#include "microservers.h"
#include "pass.h"
#include "record.h"

/** What the monitor says of itself; everything is borrowed. */
struct status {
    const char *state; /**< a word */
    const struct record *record;
    const struct microservers *house;
    uint32_t servers, rows_done;
    const struct sample *now;        /**< the last second; NULL: there was none */
    const struct pass_summary *last; /**< of the last pass that is over; NULL: none is */
    uint64_t last_pass;              /**< which one that was */
};

/** @return the caller's */
cJSON *status_json(const struct status *status);

#endif
