/* SPDX-License-Identifier: BSD-2-Clause */
/* kontorctl mailer: asks the plugin in each worker, and shows the sum. */
#ifndef KT_CONTROL_MAILER_H
#define KT_CONTROL_MAILER_H

#include <stdbool.h>

struct kt_mailer_command {
    const char *run_dir;
    const char *user; /**< send this user a mail now; NULL: show the status */
    bool is_json;
    int timeout_ms; /**< of each question */
};

/**
 * Do it, and print what came of it.
 * @return the exit status, or a negative errno: kontord does not answer, nothing was printed
 */
int kt_mailer_command(const struct kt_mailer_command *command);

#endif
