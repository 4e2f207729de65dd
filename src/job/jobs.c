/* SPDX-License-Identifier: BSD-2-Clause */
/* The room's beginning and end in a worker. */
#include "job/jobs.h"

#include "job/runner.h"

struct kt_jobs_options kt_jobs_options;

int kt_jobs_open(const struct kt_jobs_options *options)
{
    kt_jobs_options = *options;
    kt_runners_sweep(options->directory);
    return 0;
}

void kt_jobs_close(void)
{
    kt_runners_close();
}
