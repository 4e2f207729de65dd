/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All sources of a person, read at the same time, as one. A source that fails is told in a warning
 * as long as another one has an answer: part of the numbers is better than none, but never
 * silently.
 */
#ifndef CALENDAR_SOURCES_H
#define CALENDAR_SOURCES_H

#include "source.h"

/** How many sources a person has at most. */
#define KT_SOURCES_MAX 64u

/** Sources to read: a talloc root that owns those of them that don't live longer. */
struct kt_sources {
    struct kt_source *list[KT_SOURCES_MAX];
    uint32_t count;
};

/** @return an empty list, a talloc root */
struct kt_sources *kt_sources_new(void);

/** Append a source. @return 0 or -E2BIG */
int kt_sources_add(struct kt_sources *sources, struct kt_source *source);

/**
 * Read all of them at once.
 * @param context     owns the events; of the calling process
 * @param sources     at least one; becomes the reading's
 * @param ret_answer  zeroed by the caller
 * @return 0 if at least one has an answer; else a negative errno and the error of the first
 * Parks.
 */
int kt_sources_read(TALLOC_CTX *context, struct kt_sources *sources,
                    const struct kt_source_question *question, struct kt_source_answer *ret_answer,
                    struct kt_source_error *error);

#endif
