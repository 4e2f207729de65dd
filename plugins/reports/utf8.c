/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UTF-8 by the table of RFC 3629; nothing here knows what the text is for.
 */
#include "utf8.h"

#include <string.h>

#define ELLIPSIS "\xE2\x80\xA6"

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

size_t utf8_length(const char *text, size_t left)
{
    const unsigned char *byte = (const unsigned char *)text;
    unsigned char first = byte[0];
    if (first < 0x80)
        return 1;
    if (first < 0xC2 || first > 0xF4 || left < 2)
        return 0;
    if (first < 0xE0)
        return is_continuation(byte[1]) ? 2 : 0;
    /* the second byte's range leaves out overlong forms, surrogates, and what is above U+10FFFF */
    unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (byte[1] < low || byte[1] > high || left < 3 || !is_continuation(byte[2]))
        return 0;
    if (first < 0xF0)
        return 3;
    return left >= 4 && is_continuation(byte[3]) ? 4 : 0;
}

bool utf8_is_printable(const char *text, size_t length)
{
    unsigned char first = (unsigned char)text[0];
    if (length == 1)
        return first >= 0x20 || first == '\t' || first == '\n' || first == '\r';
    return length != 3 || memcmp(text, "\xEF\xBF", 2) != 0 || (unsigned char)text[2] < 0xBE;
}

char *utf8_clean(TALLOC_CTX *context, const char *text, size_t characters_max)
{
    size_t left = strlen(text), count = 0;
    char *clean = talloc_size(context, left * 3 + sizeof ELLIPSIS), *at = clean;
    if (!clean)
        return NULL;
    while (left > 0) {
        if (count++ == characters_max) {
            memcpy(at, ELLIPSIS, 3);
            at += 3;
            break;
        }
        size_t length = utf8_length(text, left);
        bool is_good = length > 0 && utf8_is_printable(text, length);
        memcpy(at, is_good ? text : UTF8_REPLACEMENT, is_good ? length : 3);
        at += is_good ? length : 3;
        text += length > 0 ? length : 1;
        left -= length > 0 ? length : 1;
    }
    *at = '\0';
    return clean;
}

size_t utf8_count(const char *text, size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += !is_continuation((unsigned char)text[i]);
    return count;
}

size_t utf8_fitting(const char *text, size_t size, size_t bytes_max)
{
    size_t fitting = 0;
    while (fitting < size) {
        size_t length = utf8_length(text + fitting, size - fitting);
        length = length > 0 ? length : 1;
        if (fitting + length > bytes_max)
            break;
        fitting += length;
    }
    return fitting;
}
