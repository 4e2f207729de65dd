/* SPDX-License-Identifier: BSD-2-Clause */
/* What a job runner does to itself before it loads anything of a plugin. */
#ifndef KT_JOB_SANDBOX_H
#define KT_JOB_SANDBOX_H

#include "job/order.h"

/** Give up what a job does not need, for ever. @return 0 or a negative errno, with the words */
int kt_sandbox_enter(const struct kt_job_order *order, struct kt_error *error);

/** From now on a crash is reported with whether memory had run out. */
void kt_sandbox_watch_memory(const struct kt_job_order *order);

#endif
