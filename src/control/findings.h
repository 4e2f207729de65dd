/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the doctor has found: a list, as text for people and as JSON. Knows nothing of what is
 * examined.
 */
#ifndef KT_FINDINGS_H
#define KT_FINDINGS_H

#include <kontor/error.h>
#include <stdbool.h>
#include <stdio.h>
#include <talloc.h>

enum kt_finding {
    KT_FINDING_OK,
    KT_FINDING_ADVICE, /**< it works, but could be better; or it could not be examined */
    KT_FINDING_WRONG,
};

struct kt_findings;

/** An empty list. @return owned by the context; NULL: no memory */
struct kt_findings *kt_findings_new(TALLOC_CTX *context);

/**
 * Add one.
 * @param area    one word, such as "socket"
 * @param remedy  what to do about it; NULL when it is fine. Copied
 * @param format  what was found: a sentence without a full stop
 */
void kt_finding_add(struct kt_findings *findings, enum kt_finding kind, const char *area,
                    const char *remedy, const char *format, ...) KT_PRINTF(5, 6);

/** How many are of this kind. */
unsigned kt_findings_count(const struct kt_findings *findings, enum kt_finding kind);

/** Print them, a line each, and one more below what needs a remedy. */
void kt_findings_print(const struct kt_findings *findings, FILE *stream);

/** Print them as one JSON document. */
void kt_findings_print_json(const struct kt_findings *findings, FILE *stream);

#endif
