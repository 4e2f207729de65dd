/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An order: what a worker tells a job to make, and what the job says of what it made. Two JSON
 * texts with both their ends in one room.
 */
#ifndef REPORTS_ORDER_H
#define REPORTS_ORDER_H

#include "parameters.h"

/** The formats of files. */
enum report_file { REPORT_XLSX, REPORT_CSV, REPORT_JSON, REPORT_FILES };

/** What is known of a format. */
struct report_file_kind {
    const char *name;       /**< "xlsx"; also the file's suffix */
    const char *media_type; /**< its Content-Type */
};

extern const struct report_file_kind report_file_kinds[REPORT_FILES];

/** The format of this name, or REPORT_FILES. */
enum report_file report_file_find(const char *name);

/** What a job is to make. */
struct order {
    const char *report, *version, *who;
    enum report_file file;
    size_t bound_count;
    const struct bound *bound;
};

/** As JSON text, owned by the context; NULL: no memory. */
char *order_write(TALLOC_CTX *context, const struct order *order);

/** Read it again. @param ret_order  owned by the context @return 0, -EBADMSG, -ENOMEM */
int order_read(TALLOC_CTX *context, const char *text, struct order **ret_order);

/** What a job has made: the file, then the preview, in one memory file. */
struct outcome {
    char report[64], etag[33];
    enum report_file file;
    uint64_t rows, preview_bytes, file_bytes;
};

/** As JSON text for kt_job_result. @return 0, -E2BIG */
int outcome_write(const struct outcome *outcome, char *text, size_t size);

/** Read it again. @return 0, -EBADMSG */
int outcome_read(const char *text, struct outcome *ret_outcome);

#endif
