/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Eight characters at a time, in one word: weeks are hundreds of kilobytes of text, most of it in
 * strings of five to forty characters. Each character has its highest bit in the word as a mark.
 */
#ifndef CALENDAR_EIGHT_H
#define CALENDAR_EIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define KT_EIGHT sizeof(uint64_t)
/** The same character eight times, and the eight marks. */
#define KT_EIGHT_OF(character) (UINT64_C(0x0101010101010101) * (unsigned char)(character))
#define KT_EIGHT_MARKS KT_EIGHT_OF(0x80)

static inline uint64_t kt_eight_load(const char *text)
{
    uint64_t word;

    memcpy(&word, text, sizeof(word));
    return word;
}

/** Whether each is printable ASCII: none below a space, none above "~". */
static inline bool kt_eight_is_printable(uint64_t word)
{
    /* Adding one makes DEL a high one. */
    return ((word | (word + KT_EIGHT_OF(1)) | (word - KT_EIGHT_OF(' '))) & KT_EIGHT_MARKS) == 0;
}

/** Whether one is an upper-case letter of ASCII; some that are not ASCII may count as well. */
static inline bool kt_eight_may_have_upper(uint64_t word)
{
    uint64_t low = word & ~KT_EIGHT_MARKS;

    return ((low + KT_EIGHT_OF(0x80 - 'A')) & ~(low + KT_EIGHT_OF(0x80 - 'Z' - 1)) &
            KT_EIGHT_MARKS) != 0;
}

/** The marks of what JSON does not leave as it is: quotes, backslashes, control characters. Above
 * the first of them others may be marked, too. */
static inline uint64_t kt_eight_mark_special(uint64_t word)
{
    return ((word - KT_EIGHT_OF(' ')) | ((word ^ KT_EIGHT_OF('"')) - KT_EIGHT_OF(1)) |
            ((word ^ KT_EIGHT_OF('\\')) - KT_EIGHT_OF(1))) &
           ~word & KT_EIGHT_MARKS;
}

/** How many characters are before the first mark, or fewer where bytes come in another order. */
static inline size_t kt_eight_before(uint64_t marks)
{
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? (size_t)__builtin_ctzll(marks) / 8 : 0;
}

#endif
