/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A report as CSV (RFC 4180), for programs and for spreadsheets: lines end with CRLF, a header with
 * the titles comes first, numbers have a point and no grouping, dates are 2026-11-20, dates with
 * times 2026-11-20 19:00:00, durations 27:05:00, booleans true and false. Nothing stands for NULL.
 *
 * Spreadsheets take a cell that begins with = + - or @ for a formula, and run it; and it depends on
 * their language which of ; , | TAB and line ends separate cells. So in texts each such sign gets
 * an apostrophe before it, at the start and behind each of these, also behind blanks and quotes
 * there; so does a text that begins with TAB or a line end. Numbers never do.
 */
#ifndef REPORTS_CSV_H
#define REPORTS_CSV_H

#include "sink.h"

#include <talloc.h>

/**
 * @param fd        written from its current offset on; must outlive the sink
 * @param bom       begin with a byte order mark, by which Excel knows that it is UTF-8
 * @param ret_sink  owned by the context
 * @return 0, -ENOMEM, or what the descriptor says
 */
int report_csv_new(TALLOC_CTX *context, int fd, bool bom, struct report_sink **ret_sink,
                   struct kt_error *error);

#endif
