/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors that travel upward with a text for people. Functions return 0 or a negative errno; where
 * the cause needs words (a configuration line, a definition file), the one who knows the cause
 * fills a kt_error. Who receives it either passes it on or tells it (log, answer, exit), not both.
 */
#ifndef KONTOR_ERROR_H
#define KONTOR_ERROR_H

#include <stdarg.h>
#include <stddef.h>

#define KT_PUBLIC __attribute__((visibility("default")))
#define KT_PRINTF(text, first) __attribute__((__format__(__printf__, text, first)))

/** The longest text of a kt_error, with its closing NUL; longer ones are cut. */
#define KT_ERROR_TEXT_MAX 512

/** What went wrong: code is 0 or a negative errno, text one sentence without a full stop. */
struct kt_error {
    int code;
    char text[KT_ERROR_TEXT_MAX];
};

/**
 * Fill an error.
 * @param error   the error to fill, or NULL when the caller does not want the words
 * @param code    a negative errno
 * @param format  the text: what is wrong, where, and what is expected
 * @return code, so that one can write `return kt_error_set(error, -EINVAL, "…")`
 * Does not park.
 */
KT_PUBLIC int kt_error_set(struct kt_error *error, int code, const char *format, ...)
    KT_PRINTF(3, 4);

#endif
