/* SPDX-License-Identifier: BSD-2-Clause */
/* "kontorctl jobs": any worker knows all jobs, so one is asked. */
#ifndef KT_CONTROL_JOBS_H
#define KT_CONTROL_JOBS_H

#include <stdbool.h>

struct kt_jobs_command {
    const char *run_dir;
    const char *plugin; /**< only jobs of this one; NULL: of all */
    const char *order; /**< "cancel", "delete"; NULL: list */
    const char *realm, *id;
    bool is_json;
    int timeout_ms;
};

/** @return the exit status; a negative errno as kt_client_ask when kontord does not answer */
int kt_jobs_command(const struct kt_jobs_command *command);

#endif
