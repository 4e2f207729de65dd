/* SPDX-License-Identifier: BSD-2-Clause */
/* The numbers of all workers as text for Prometheus. Sources: OpenMetrics 1.0; Prometheus'
 * text-based format 0.0.4. They differ in the name of a counter's family, in quotes, and in the
 * last line. */
#ifndef OBSERVER_METRICS_H
#define OBSERVER_METRICS_H

#include "negotiation.h"

#include <cjson/cJSON.h>
#include <talloc.h>

/** The Content-Type of a format. */
const char *metrics_type(enum metrics_format format);

/**
 * @param workers  as gathered by INSTANCE_WORKER
 * @return owned by the context; NULL: no memory
 */
char *metrics_write(TALLOC_CTX *context, const cJSON *workers, enum metrics_format format);

#endif
