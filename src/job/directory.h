/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories of jobs, in RAM. Each is locked by the worker that made it for as long as that lives,
 * so that another worker can tell what was left behind, and remove it.
 */
#ifndef KT_JOB_DIRECTORY_H
#define KT_JOB_DIRECTORY_H

#include <limits.h>

struct kt_job_directory {
    char path[PATH_MAX]; /**< "": there is none */
    int lock_fd;
};

/** Make one in a directory that everybody may write to. @return 0 or a negative errno */
int kt_job_directory_make(struct kt_job_directory *directory, const char *parent);

/** Remove it with all that is in it. From any thread. */
void kt_job_directory_remove(struct kt_job_directory *directory);

/** Remove those of our user that nobody has locked. */
void kt_job_directories_sweep(const char *parent);

#endif
