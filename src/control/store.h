/* SPDX-License-Identifier: BSD-2-Clause */
/* kontorctl store: works on the store itself, whether kontord runs or not. */
#ifndef KT_CONTROL_STORE_H
#define KT_CONTROL_STORE_H

/** What is to be done. */
struct kt_store_command {
    const char *config_path; /**< whose store */
    const char *order;       /**< "export", "import" or "check" */
    const char *file;        /**< NULL: standard output or input */
};

/** @return the exit status; what is wrong has been told */
int kt_store_command(const struct kt_store_command *command);

#endif
