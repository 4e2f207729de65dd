/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text as a cell of a spreadsheet can hold it, in XML. Whatever had to be changed is counted, so
 * that the file can tell.
 */
#ifndef REPORTS_CELL_TEXT_H
#define REPORTS_CELL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

/** What a cell can hold, in units of UTF-16. Source: Microsoft, "Excel specifications and limits".
 */
#define CELL_TEXT_MAX 32767

/** Stands at the end of text that was longer. */
#define CELL_TEXT_CUT "\xE2\x80\xA6 [cut]"

/** Bytes of XML that text of this size can become. */
static inline size_t cell_text_room(size_t size)
{
    /* one unit becomes at most five bytes ("&amp;", "&#10;") */
    return (size < CELL_TEXT_MAX ? size : CELL_TEXT_MAX) * 5 + sizeof CELL_TEXT_CUT;
}

/** How many texts were changed. */
struct cell_text_notes {
    uint64_t cut;      /**< too long */
    uint64_t replaced; /**< had what no cell can hold; it has U+FFFD in its place */
};

/**
 * Write text as the content of an element.
 * @param at  cell_text_room(size) bytes
 * @return behind it
 */
char *cell_text_put(char *at, const char *text, size_t size, struct cell_text_notes *notes);

/** Whether XML would lose blanks at an end of it. */
static inline bool cell_text_has_edges(const char *text, size_t size)
{
    return size > 0 && ((unsigned char)text[0] <= ' ' || (unsigned char)text[size - 1] <= ' ');
}

/**
 * A copy for libxlsxwriter, which escapes XML itself.
 * @param characters_max  longer ones are cut, and end in "…"
 * @return owned by the context; NULL: out of memory
 */
char *cell_text_clean(TALLOC_CTX *context, const char *text, size_t characters_max);

#endif
