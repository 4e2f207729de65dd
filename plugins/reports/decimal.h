/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers as people write them, in one form for each value: "1e3", "+1000", "1000.0" → "1000". */
#ifndef REPORTS_DECIMAL_H
#define REPORTS_DECIMAL_H

#include <stdbool.h>

/** A canonical number and its NUL: a sign, a point and 60 digits, with room. */
#define DECIMAL_TEXT_SIZE 72

/** Write a number canonically. @return false: it is none, or has too many digits */
bool decimal_canonical(const char *text, char ret_text[DECIMAL_TEXT_SIZE]);

#endif
