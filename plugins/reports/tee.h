/* SPDX-License-Identifier: BSD-2-Clause */
/* A sink that gives every row to two others: one run makes the file and the preview. */
#ifndef REPORTS_TEE_H
#define REPORTS_TEE_H

#include "sink.h"

#include <talloc.h>

/** @param ret_sink  owned by the context; the two others stay the caller's @return 0, -ENOMEM */
int report_tee_new(TALLOC_CTX *context, struct report_sink *first, struct report_sink *second,
                   struct report_sink **ret_sink, struct kt_error *error);

#endif
