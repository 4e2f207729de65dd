/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text that nobody has checked: what of it is UTF-8, and what stands for the rest.
 */
#ifndef REPORTS_UTF8_H
#define REPORTS_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <talloc.h>

/** U+FFFD, in place of what is no character. */
#define UTF8_REPLACEMENT "\xEF\xBF\xBD"

/**
 * The length of the character that a text begins with.
 * @param left  bytes of the text, at least 1
 * @return 1 to 4; 0: the first byte begins no character (surrogates and overlong forms are none)
 * Source: RFC 3629, section 4.
 */
size_t utf8_length(const char *text, size_t left);

/**
 * Whether a character may stand in a cell and in a line of CSV: XML 1.0 knows no control characters
 * but TAB, LF and CR, and neither U+FFFE nor U+FFFF.
 * @param length  as utf8_length returned it, not 0
 */
bool utf8_is_printable(const char *text, size_t length);

/**
 * A copy with U+FFFD for everything that is not printable.
 * @param characters_max  longer ones are cut, and end in "…"
 * @return owned by the context; NULL: out of memory
 */
char *utf8_clean(TALLOC_CTX *context, const char *text, size_t characters_max);

/** How many bytes of a text, at most so many, are whole characters. */
size_t utf8_fitting(const char *text, size_t size, size_t bytes_max);

/** How many characters; bytes that are none count for one each. */
size_t utf8_count(const char *text, size_t size);

#endif
