/* SPDX-License-Identifier: BSD-2-Clause */
/* The numbers that plugins publish (kontor/observe.h), for the status of the worker. */
#ifndef KT_METRIC_H
#define KT_METRIC_H

#include <cjson/cJSON.h>

/** @return [{"plugin", "name", "type": "counter" or "gauge", "help", "value"}], the caller's */
cJSON *kt_metrics_list(void);

#endif
