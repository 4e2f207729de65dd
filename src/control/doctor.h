/* SPDX-License-Identifier: BSD-2-Clause */
/* kontorctl doctor: is everything as it must be, and what is to be done if not. Changes nothing. */
#ifndef KT_CONTROL_DOCTOR_H
#define KT_CONTROL_DOCTOR_H

#include <stdbool.h>

/** What is to be examined. */
struct kt_doctor_command {
    const char *config_path;
    const char *url; /**< where the web server has kontor; NULL: on this machine */
    bool is_json;
};

/** @return the exit status: 0 when nothing is wrong */
int kt_doctor_command(const struct kt_doctor_command *command);

#endif
