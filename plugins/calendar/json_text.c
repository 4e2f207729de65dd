/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pointer goes through the text; a bit per depth says whether a comma is due. After the first
 * mistake every function says no, so that callers need to look once, at the end.
 */
#include "json_text.h"

#include "eight.h"

#include <string.h>

/** Digits that fit into an int64_t, and into a double, for sure. */
#define DIGITS_MAX 15

void kt_json_begin(struct kt_json *json, const char *text, size_t size)
{
    *json = (struct kt_json){.at = text, .end = text + size};
}

static bool break_off(struct kt_json *json)
{
    json->is_broken = true;
    json->at = json->end;
    return false;
}

/** The next character that is no space, or NUL at the end. */
static inline char peek(struct kt_json *json)
{
    if (json->at<json->end && * json->at> ' ') /* most servers send no spaces */
        return *json->at;
    while (json->at < json->end &&
           (*json->at == ' ' || *json->at == '\n' || *json->at == '\r' || *json->at == '\t'))
        json->at++;
    return json->at < json->end ? *json->at : '\0';
}

static inline bool expect(struct kt_json *json, char character)
{
    if (peek(json) != character)
        return break_off(json);
    json->at++;
    return true;
}

/* ---------------------------------------------------------------- scalars */

/** Where a string's end, an escape or a control character may be. */
static inline const char *skip_plain(const char *at, const char *end)
{
    for (; end - at >= (ptrdiff_t)KT_EIGHT; at += KT_EIGHT) {
        uint64_t marks = kt_eight_mark_special(kt_eight_load(at));

        if (marks)
            return at + kt_eight_before(marks);
    }
    return at;
}

/** The rest of a string that is not over where it was first looked at. */
__attribute__((__noinline__)) static bool read_rest(struct kt_json *json, const char *at,
                                                    struct kt_json_text *ret_text)
{
    for (; at < json->end && (unsigned char)*at >= ' '; at++) {
        if (*at == '"') {
            ret_text->size = (size_t)(at - ret_text->start);
            json->at = at + 1;
            return true;
        }
        if (*at == '\\') {
            ret_text->has_escapes = true;
            if (++at == json->end || !*at || !strchr("\"\\/bfnrtu", *at))
                break;
        }
    }
    return break_off(json);
}

static inline bool read_text(struct kt_json *json, struct kt_json_text *ret_text)
{
    const char *at;

    *ret_text = (struct kt_json_text){.start = NULL};
    if (!expect(json, '"'))
        return false;
    ret_text->start = json->at;
    at = skip_plain(json->at, json->end);
    if (at == json->end || *at != '"')
        return read_rest(json, at, ret_text);
    ret_text->size = (size_t)(at - ret_text->start);
    json->at = at + 1;
    return true;
}

static bool read_word(struct kt_json *json, const char *word)
{
    size_t length = strlen(word);

    if ((size_t)(json->end - json->at) < length || memcmp(json->at, word, length) != 0)
        return break_off(json);
    json->at += length;
    return true;
}

static size_t read_digits(struct kt_json *json)
{
    const char *start = json->at;

    while (json->at < json->end && *json->at >= '0' && *json->at <= '9')
        json->at++;
    return (size_t)(json->at - start);
}

/** @return whether it is a number; is_whole: it has neither fraction nor exponent */
static bool read_number(struct kt_json *json, bool *ret_is_whole)
{
    *ret_is_whole = true;
    if (json->at < json->end && *json->at == '-')
        json->at++;
    if (json->at < json->end && *json->at == '0')
        json->at++;
    else if (read_digits(json) == 0)
        return break_off(json);
    if (json->at < json->end && *json->at == '.') {
        *ret_is_whole = false;
        json->at++;
        if (read_digits(json) == 0)
            return break_off(json);
    }
    if (json->at < json->end && (*json->at == 'e' || *json->at == 'E')) {
        *ret_is_whole = false;
        json->at++;
        if (json->at < json->end && (*json->at == '+' || *json->at == '-'))
            json->at++;
        if (read_digits(json) == 0)
            return break_off(json);
    }
    return true;
}

/* ---------------------------------------------------------------- objects and arrays */

static bool enter(struct kt_json *json, char open)
{
    if (peek(json) != open) {
        kt_json_skip(json);
        return false;
    }
    if (json->depth == KT_JSON_DEPTH_MAX)
        return break_off(json);
    json->at++;
    json->started &= ~(UINT64_C(1) << json->depth++);
    return true;
}

/** @return whether another element follows */
static inline bool next(struct kt_json *json, char close)
{
    uint64_t bit;

    if (json->is_broken || json->depth == 0)
        return false;
    bit = UINT64_C(1) << (json->depth - 1);
    if (peek(json) == close) {
        json->at++;
        json->depth--;
        return false;
    }
    if ((json->started & bit) && !expect(json, ','))
        return false;
    json->started |= bit;
    return true;
}

bool kt_json_enter_object(struct kt_json *json)
{
    return enter(json, '{');
}

bool kt_json_next_member(struct kt_json *json, struct kt_json_text *ret_name)
{
    return next(json, '}') && read_text(json, ret_name) && expect(json, ':');
}

bool kt_json_enter_array(struct kt_json *json)
{
    return enter(json, '[');
}

bool kt_json_next_element(struct kt_json *json)
{
    return next(json, ']');
}

/** Pass over one value that is neither an object nor an array. */
static void skip_scalar(struct kt_json *json)
{
    struct kt_json_text text;
    bool is_whole;

    switch (peek(json)) {
    case '"':
        read_text(json, &text);
        break;
    case 't':
        read_word(json, "true");
        break;
    case 'f':
        read_word(json, "false");
        break;
    case 'n':
        read_word(json, "null");
        break;
    default:
        read_number(json, &is_whole);
    }
}

void kt_json_skip(struct kt_json *json)
{
    bool is_array[KT_JSON_DEPTH_MAX];
    uint32_t outside = json->depth;

    do {
        struct kt_json_text name;
        char first = peek(json);

        if (first == '{' || first == '[') {
            if (enter(json, first))
                is_array[json->depth - 1] = first == '[';
        } else {
            skip_scalar(json);
        }
        /* On to the next value of the innermost, or out of what is at its end. */
        while (!json->is_broken && json->depth > outside &&
               !(is_array[json->depth - 1] ? kt_json_next_element(json)
                                           : kt_json_next_member(json, &name)))
            ;
    } while (!json->is_broken && json->depth > outside);
}

/* ---------------------------------------------------------------- taking */

bool kt_json_take_text(struct kt_json *json, struct kt_json_text *ret_text)
{
    if (peek(json) == '"')
        return read_text(json, ret_text);
    *ret_text = (struct kt_json_text){.start = NULL};
    kt_json_skip(json);
    return false;
}

bool kt_json_take_boolean(struct kt_json *json)
{
    bool is_true = peek(json) == 't';

    kt_json_skip(json);
    return is_true && !json->is_broken;
}

bool kt_json_take_integer(struct kt_json *json, int64_t *ret_integer)
{
    char first = peek(json);
    bool is_whole = false, is_negative = first == '-';
    const char *start = json->at + is_negative;

    if (!is_negative && (first < '0' || first > '9')) {
        kt_json_skip(json);
        return false;
    }
    if (!read_number(json, &is_whole) || !is_whole || json->at - start > DIGITS_MAX)
        return false;
    *ret_integer = 0;
    for (; start < json->at; start++)
        *ret_integer = *ret_integer * 10 + (*start - '0');
    if (is_negative)
        *ret_integer = -*ret_integer;
    return true;
}

bool kt_json_is_complete(struct kt_json *json)
{
    peek(json);
    return !json->is_broken && json->depth == 0 && json->at == json->end;
}

/* ---------------------------------------------------------------- strings */

/** Four hexadecimal digits. @return their value, or UINT32_MAX */
static uint32_t read_unit(const char *at, const char *end)
{
    uint32_t value = 0;

    if (end - at < 4)
        return UINT32_MAX;
    for (int index = 0; index < 4; index++) {
        char digit = at[index];
        int lower = digit | ' ';

        if (digit >= '0' && digit <= '9')
            value = value * 16 + (uint32_t)(digit - '0');
        else if (lower >= 'a' && lower <= 'f')
            value = value * 16 + (uint32_t)(lower - 'a') + 10;
        else
            return UINT32_MAX;
    }
    return value;
}

/** The character of an escape \uXXXX, whose u is at *at, or of a pair of them. */
static uint32_t read_character(const char **at, const char *end)
{
    uint32_t high = read_unit(*at + 1, end), low;

    *at += high == UINT32_MAX ? 1 : 5;
    if (high == 0 || high == UINT32_MAX || (high >= 0xdc00 && high <= 0xdfff))
        return 0xfffd;
    if (high < 0xd800 || high > 0xdbff)
        return high;
    low = end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u' ? read_unit(*at + 2, end)
                                                                : UINT32_MAX;
    if (low < 0xdc00 || low > 0xdfff)
        return 0xfffd;
    *at += 6;
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

static size_t write_utf8(uint32_t character, char bytes[4])
{
    if (character < 0x80) {
        bytes[0] = (char)character;
        return 1;
    }
    if (character < 0x800) {
        bytes[0] = (char)(0xc0 | character >> 6);
        bytes[1] = (char)(0x80 | (character & 0x3f));
        return 2;
    }
    if (character < 0x10000) {
        bytes[0] = (char)(0xe0 | character >> 12);
        bytes[1] = (char)(0x80 | (character >> 6 & 0x3f));
        bytes[2] = (char)(0x80 | (character & 0x3f));
        return 3;
    }
    bytes[0] = (char)(0xf0 | character >> 18);
    bytes[1] = (char)(0x80 | (character >> 12 & 0x3f));
    bytes[2] = (char)(0x80 | (character >> 6 & 0x3f));
    bytes[3] = (char)(0x80 | (character & 0x3f));
    return 4;
}

/** What an escape stands for; at points behind its backslash. @return bytes */
static size_t resolve(const char **at, const char *end, char bytes[4])
{
    static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
    const char *letter = strchr(letters, **at);

    if (**at == 'u')
        return write_utf8(read_character(at, end), bytes);
    bytes[0] = letter ? meanings[letter - letters] : **at;
    (*at)++;
    return 1;
}

bool kt_json_text_copy(const struct kt_json_text *text, char *buffer, size_t size)
{
    const char *at = text->start, *end = at ? at + text->size : NULL;
    size_t used = 0;

    if (at && !text->has_escapes) {
        used = text->size < size ? text->size : size - 1;
        memcpy(buffer, at, used);
        buffer[used] = '\0';
        return used == text->size;
    }
    while (at < end) {
        char bytes[4];
        size_t count = 1;

        if (*at == '\\') {
            at++;
            count = resolve(&at, end, bytes);
        } else {
            bytes[0] = *at++;
        }
        if (used + count >= size)
            break;
        memcpy(buffer + used, bytes, count);
        used += count;
    }
    buffer[used] = '\0';
    return at == end;
}
