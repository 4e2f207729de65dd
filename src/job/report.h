/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a job runner reports to its worker, one packet each, and where the two find their
 * descriptors. Both are of the same build.
 */
#ifndef KT_JOB_REPORT_H
#define KT_JOB_REPORT_H

#include <kontor/job.h>

/** Descriptors of a job runner besides 1 and 2, which go to the log. */
enum {
    KT_RUNNER_ORDER_FD = 0,  /**< a memory file with the order, JSON */
    KT_RUNNER_OUTPUT_FD = 3, /**< the result */
    KT_RUNNER_REPORT_FD = 4, /**< a SOCK_SEQPACKET */
    KT_RUNNER_INPUT_FD = 5,  /**< a sealed memory file, if the order says that there is one */
};

enum kt_report_kind {
    KT_REPORT_PROGRESS = 1, /**< text is the phase */
    KT_REPORT_RESULT,       /**< text is JSON */
    KT_REPORT_FAILED,       /**< text is the reason */
    KT_REPORT_NO_MEMORY,
    KT_REPORT_FINISHED,
};

/** One packet. */
struct kt_report {
    uint32_t kind;
    uint32_t unused;
    uint64_t done, total;
    char text[KT_JOB_RESULT_MAX]; /**< with a NUL */
};

#endif
