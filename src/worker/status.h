/* SPDX-License-Identifier: BSD-2-Clause */
/* What a worker says of itself, to kontorctl and to plugins (kontor/observe.h), as JSON. */
#ifndef KT_STATUS_H
#define KT_STATUS_H

#include "plugin/loader.h"
#include "worker/worker.h"

#include <cjson/cJSON.h>

/** Once, before any other function. Both are borrowed until the worker ends. */
void kt_status_start(const struct kt_worker_start *start, const struct kt_plugins *plugins);

/** @param with_processes  list them, too; at most 10,000 @return the caller's */
cJSON *kt_status_make(bool with_processes);

#endif
