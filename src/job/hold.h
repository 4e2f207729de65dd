/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who reads a result holds it: so that all workers see whether it is being downloaded, also when
 * one of them crashes meanwhile. Knows memory files, and nothing of jobs.
 */
#ifndef KT_JOB_HOLD_H
#define KT_JOB_HOLD_H

#include <kontor/memory_file.h>
#include <stdbool.h>

/**
 * Hold a memory file for as long as its descriptor, or a copy of that, is open. Its offset is its
 * own from then on.
 * @return 0 or a negative errno: then it is readable all the same
 */
int kt_job_hold(struct kt_memory_file *file);

/** Whether somebody holds the file, in whichever worker. The file itself is not held by this. */
bool kt_job_is_held(const struct kt_memory_file *file);

#endif
