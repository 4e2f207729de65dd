/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the operator asks by kontorctl: a server "mailer.control" in each worker
 * (KT_PLUGIN_CONTROL), which understands "status" and "send USER".
 */
#ifndef MAILER_OPERATOR_H
#define MAILER_OPERATOR_H

#include "mailer.h"

#include <kontor/supervisor.h>

/** The server's child specification. */
struct kt_child kt_operator_child(struct kt_mailer *mailer);

#endif
