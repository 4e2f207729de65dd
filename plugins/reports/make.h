/* SPDX-License-Identifier: BSD-2-Clause */
/* Making a report: what the job does, in an OS process of its own. */
#ifndef REPORTS_MAKE_H
#define REPORTS_MAKE_H

#include <kontor/job.h>

/** The kind of job that makes a report. */
#define REPORT_JOB "report"

/** Run the order that is the job's argument. */
int report_make(struct kt_job_run *run, struct kt_error *error);

#endif
