/* SPDX-License-Identifier: BSD-2-Clause */
/* The numbers of all workers as text for Prometheus. Source: OpenMetrics 1.0. */
#ifndef OBSERVER_METRICS_H
#define OBSERVER_METRICS_H

#include <cjson/cJSON.h>
#include <talloc.h>

#define METRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

/**
 * @param workers  as gathered by INSTANCE_WORKER
 * @return owned by the context; NULL: no memory
 */
char *metrics_write(TALLOC_CTX *context, const cJSON *workers);

#endif
