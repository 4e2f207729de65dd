/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A list of things that are wrong, for those who check something as a whole and want to tell
 * everything at once, not only the first: configuration, options, plugins.
 */
#ifndef KT_PROBLEMS_H
#define KT_PROBLEMS_H

#include <kontor/error.h>
#include <kontor/log.h>
#include <talloc.h>

/** More than so many are counted, but not kept. */
#define KT_PROBLEMS_MAX 100

struct kt_problems;

/** An empty list. @return owned by the context */
KT_PUBLIC struct kt_problems *kt_problems_new(TALLOC_CTX *context);

/** Add one: a sentence without a full stop, beginning with file:line where there is one. */
KT_PUBLIC void kt_problem_add(struct kt_problems *problems, const char *format, ...)
    KT_PRINTF(2, 3);

/** How many were added. */
KT_PUBLIC size_t kt_problems_count(const struct kt_problems *problems);

/** The text of the index-th, or NULL beyond those that were kept. */
KT_PUBLIC const char *kt_problems_text(const struct kt_problems *problems, size_t index);

/** Write each to the log. */
KT_PUBLIC void kt_problems_log(const struct kt_problems *problems, enum kt_log_level level);

#endif
