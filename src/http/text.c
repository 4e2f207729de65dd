/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The small grammar of HTTP. Works in place where it can: what is decoded is never longer than
 * what came.
 */
#include "http/text.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/** The byte that "%XX" stands for, or -1. */
static int escape_value(const char *at)
{
    int high = at[0] == '%' ? hex_digit(at[1]) : -1;
    int low = high >= 0 ? hex_digit(at[2]) : -1;
    return low >= 0 ? high << 4 | low : -1;
}

int kt_percent_decode(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        if (*from != '%') {
            *to++ = *from;
            continue;
        }
        int value = escape_value(from);
        if (value <= 0)
            return -EINVAL;
        *to++ = (char)value;
        from += 2;
    }
    *to = '\0';
    return (int)(to - text);
}

int kt_form_decode(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        int value = escape_value(from);
        if (value == 0)
            return -EINVAL;
        if (value > 0) {
            *to++ = (char)value;
            from += 2;
        } else {
            *to++ = *from == '+' ? ' ' : *from;
        }
    }
    *to = '\0';
    return (int)(to - text);
}

int kt_path_normalise(char *path)
{
    if (path[0] != '/')
        return -EINVAL;
    for (const char *at = path; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            return -EINVAL;
    const char *from = path;
    char *to = path; /* behind the last complete segment; the next one writes its '/' first */
    while (*from) {
        from++; /* the slash */
        size_t size = strcspn(from, "/");
        bool is_last = from[size] == '\0';
        bool is_dot = size == 1 && from[0] == '.';
        bool is_up = size == 2 && from[0] == '.' && from[1] == '.';
        if (is_up) {
            if (to == path)
                return -EINVAL;
            while (*--to != '/')
                ;
        }
        if (size > 0 && !is_dot && !is_up) {
            *to++ = '/';
            memmove(to, from, size);
            to += size;
        } else if (is_last) {
            *to++ = '/';
        }
        from += size;
    }
    *to = '\0';
    return 0;
}

bool kt_is_token(const char *text)
{
    if (!*text)
        return false;
    for (; *text; text++) {
        char c = *text;
        bool is_alphanumeric =
            (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_alphanumeric && !strchr("!#$%&'*+-.^_`|~", c))
            return false;
    }
    return true;
}

bool kt_is_field_value(const char *text)
{
    for (; *text; text++)
        if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f)
            return false;
    return true;
}

const char *kt_status_phrase(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } phrases[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {402, "Payment Required"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {423, "Locked"},
        {425, "Too Early"},
        {426, "Upgrade Required"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {451, "Unavailable For Legal Reasons"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < sizeof(phrases) / sizeof(*phrases); i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return "Unknown";
}

bool kt_is_media_type(const char *content_type, const char *type)
{
    if (!content_type)
        return false;
    size_t size = strlen(type);
    if (strncasecmp(content_type, type, size) != 0)
        return false;
    char next = content_type[size];
    return next == '\0' || next == ';' || next == ' ' || next == '\t';
}

/** Bytes of the well-formed UTF-8 sequence at a text, 0 if there is none (RFC 3629). */
static size_t utf8_size(const unsigned char *at)
{
    static const struct {
        unsigned char first_low, first_high, second_low, second_high;
        size_t size;
    } forms[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    if (at[0] < 0x80)
        return 1;
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        if (at[0] < forms[i].first_low || at[0] > forms[i].first_high)
            continue;
        if (at[1] < forms[i].second_low || at[1] > forms[i].second_high)
            return 0;
        for (size_t j = 2; j < forms[i].size; j++)
            if ((at[j] & 0xc0) != 0x80)
                return 0;
        return forms[i].size;
    }
    return 0;
}

size_t kt_json_escape(char *to, size_t room, const char *text)
{
    size_t written = 0;
    const unsigned char *at = (const unsigned char *)text;
    while (*at) {
        char escaped[8];
        size_t taken = utf8_size(at), size = taken;
        if (*at == '"' || *at == '\\')
            size = (size_t)snprintf(escaped, sizeof(escaped), "\\%c", *at);
        else if (*at < 0x20 || *at == 0x7f)
            size = (size_t)snprintf(escaped, sizeof(escaped), "\\u%04x", (unsigned int)*at);
        else if (taken == 0)
            size = (size_t)snprintf(escaped, sizeof(escaped), "?");
        else
            memcpy(escaped, at, taken);
        if (written + size >= room)
            break;
        memcpy(to + written, escaped, size);
        written += size;
        at += taken > 0 ? taken : 1;
    }
    to[written] = '\0';
    return written;
}
