/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The common case, plain ASCII, is copied in runs; everything else is looked at one by one.
 */
#include "cell_text.h"

#include "utf8.h"

#include <string.h>

/** An escaped character, "_x0041_": text that looks like one must be escaped itself.
 *  Source: ISO/IEC 29500-1, 22.9.2.19 (ST_Xstring). */
#define ESCAPE_BYTES 7

static bool is_plain(unsigned char byte)
{
    /* of ASCII all but controls and & < > _ ; a bit each, for bytes 0 to 127 */
    static const uint64_t plain[2] = {
        UINT64_C(0xFFFFFFFF00000000) &
            ~(UINT64_C(1) << '&' | UINT64_C(1) << '<' | UINT64_C(1) << '>'),
        ~(UINT64_C(1) << ('_' - 64)),
    };
    return byte < 0x80 && (plain[byte >> 6] >> (byte & 63) & 1);
}

static bool is_hex(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'F') ||
           (byte >= 'a' && byte <= 'f');
}

static bool is_escape(const char *text, size_t left)
{
    return left >= ESCAPE_BYTES && text[0] == '_' && text[1] == 'x' && is_hex(text[2]) &&
           is_hex(text[3]) && is_hex(text[4]) && is_hex(text[5]) && text[6] == '_';
}

static char *put(char *at, const char *text)
{
    size_t size = strlen(text);
    memcpy(at, text, size);
    return at + size;
}

/** One character or byte that is not plain. @return how much of the text it was */
static size_t put_other(char **at, const char *text, size_t left, bool *is_replaced)
{
    switch (text[0]) {
    case '&':
        *at = put(*at, "&amp;");
        return 1;
    case '<':
        *at = put(*at, "&lt;");
        return 1;
    case '>':
        *at = put(*at, "&gt;");
        return 1;
    case '\t':
        *at = put(*at, "&#9;");
        return 1;
    case '\r': /* a cell's lines end in LF */
        *at = put(*at, "&#10;");
        return left > 1 && text[1] == '\n' ? 2 : 1;
    case '\n':
        *at = put(*at, "&#10;");
        return 1;
    case '_':
        *at = put(*at, is_escape(text, left) ? "_x005F_" : "_");
        return 1;
    default:
        break;
    }
    size_t length = utf8_length(text, left);
    if (length == 0 || !utf8_is_printable(text, length)) {
        *is_replaced = true;
        *at = put(*at, UTF8_REPLACEMENT);
        return length > 0 ? length : 1;
    }
    memcpy(*at, text, length);
    *at += length;
    return length;
}

/** How much of a long text fits into a cell, with the mark that it was cut. */
static size_t measure(const char *text, size_t size, bool *ret_is_cut)
{
    const size_t room =
        CELL_TEXT_MAX - (sizeof CELL_TEXT_CUT - 3); /* the "…" is one of three bytes */
    size_t at = 0, units = 0, fits = 0;
    *ret_is_cut = false;
    while (at < size) {
        size_t length = utf8_length(text + at, size - at);
        at += length > 0 ? length : 1;
        units += length == 4 ? 2 : 1;
        if (units <= room)
            fits = at;
        if (units > CELL_TEXT_MAX) {
            *ret_is_cut = true;
            return fits;
        }
    }
    return size;
}

char *cell_text_put(char *at, const char *text, size_t size, struct cell_text_notes *notes)
{
    bool is_replaced = false, is_cut = false;
    if (size > CELL_TEXT_MAX)
        size = measure(text, size, &is_cut);
    for (size_t i = 0; i < size;) {
        size_t run = i;
        while (run < size && is_plain((unsigned char)text[run]))
            run++;
        memcpy(at, text + i, run - i);
        at += run - i;
        i = run;
        if (i < size)
            i += put_other(&at, text + i, size - i, &is_replaced);
    }
    if (is_cut)
        at = put(at, CELL_TEXT_CUT);
    notes->cut += is_cut;
    notes->replaced += is_replaced;
    return at;
}

char *cell_text_clean(TALLOC_CTX *context, const char *text, size_t characters_max)
{
    char *clean = utf8_clean(context, text, characters_max);
    if (!clean)
        return NULL;
    size_t size = strlen(clean);
    char *escaped = talloc_size(context, size * 2 + 1), *at = escaped;
    for (size_t i = 0; escaped && i < size; i++) {
        if (is_escape(clean + i, size - i))
            at = put(at, "_x005F");
        *at++ = clean[i];
    }
    if (escaped)
        *at = '\0';
    talloc_free(clean);
    return escaped;
}
