/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A report as one JSON document, for programs:
 *   {"title", "who", "version", "made": "2026-11-20 19:00:00" (UTC), "parameters": [{"label", "value"}],
 *    "columns": [{"name", "title", "type", "format"}], "rows": [[value, …], …], "row_count",
 *    "totals": [value or null, …]}
 * json_value.h says how values are written. Rows come as they are made: nothing is kept.
 */
#ifndef REPORTS_JSON_ROWS_H
#define REPORTS_JSON_ROWS_H

#include "sink.h"

#include <talloc.h>

/**
 * @param fd        written from its current offset on; must outlive the sink
 * @param about     borrowed for the sink's life
 * @param ret_sink  owned by the context
 * @return 0, -ENOMEM, or what the descriptor says
 */
int report_json_new(TALLOC_CTX *context, int fd, const struct report_about *about,
                    struct report_sink **ret_sink, struct kt_error *error);

#endif
