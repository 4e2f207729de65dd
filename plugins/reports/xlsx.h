/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A report as a spreadsheet (Office Open XML), for people who go on computing: typed cells, totals
 * that are formulas, a native chart, and a sheet that says where the figures come from.
 */
#ifndef REPORTS_XLSX_H
#define REPORTS_XLSX_H

#include "sink.h"

#include <talloc.h>

/**
 * A sink that writes a workbook. Its end() succeeds only if the workbook was read back whole.
 * @param fd         a memory file, written from its current offset to its end; must outlive the
 *                   sink. After end() its offset is behind the workbook.
 * @param directory  for small files while it is written: one in RAM, since reports are volatile
 * @param about      borrowed for the sink's life
 * @param ret_sink   owned by the context
 * @return 0, -ENOMEM, or a negative errno of the descriptor or the directory
 */
int report_xlsx_new(TALLOC_CTX *context, int fd, const char *directory,
                    const struct report_about *about, struct report_sink **ret_sink,
                    struct kt_error *error);

#endif
