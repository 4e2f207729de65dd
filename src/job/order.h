/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order of a job, from the worker to its runner, as JSON in a memory file: so neither the
 * argument nor a secret of the configuration is seen in the list of processes, and the runner needs
 * no file of the configuration. Of that it gets the plugin's own section and nothing else.
 */
#ifndef KT_JOB_ORDER_H
#define KT_JOB_ORDER_H

#include "base/configuration.h"
#include "job/runner.h"

#include <sys/types.h>

/** @param ret_fd  sealed, its offset at the beginning. @return 0 or a negative errno */
int kt_job_order_write(const struct kt_runner_order *order, const char *directory, int *ret_fd);

/** What a runner reads. */
struct kt_job_order {
    const char *plugin, *kind, *argument, *directory, *label;
    const char *plugin_dirs;
    uid_t plugin_owner;
    pid_t worker;
    struct kt_job_limits limits;
    bool has_input;           /**< KT_RUNNER_INPUT_FD is open */
    struct kt_config *config; /**< with one section at most */
};

/** Read an order. @param ret_order owned by the context. @return 0, -EBADMSG, -ENOMEM, -errno */
KT_PUBLIC int kt_job_order_read(TALLOC_CTX *context, int fd, struct kt_job_order **ret_order);

#endif
