/* SPDX-License-Identifier: BSD-2-Clause */
/* Writers append to talloc strings; a null one stays null, so that only the end has to look. */
#include "mime.h"
#include "calendar/civil.h"

#include <ctype.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

/** A line of quoted-printable, without its CRLF and the "=" at its end. */
#define LINE_MAX_BYTES 75u
/** Bytes of text in one encoded word: 60 letters of base64, so 72 with what is around. */
#define WORD_BYTES 45u

static bool is_plain(const char *text)
{
    for (; *text; text++) {
        if (*text < ' ' || *text > '~')
            return false;
    }
    return true;
}

bool kt_mail_address_is_good(const char *address)
{
    static const char local_bytes[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
        ".!#$%&'*+/=?^_`{|}~-";
    static const char domain_bytes[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    size_t local = strspn(address, local_bytes), domain;

    if (local == 0 || local > 64 || address[local] != '@')
        return false;
    domain = strspn(address + local + 1, domain_bytes);
    if (domain == 0 || address[local + 1 + domain] != 0 || local + 1 + domain > KT_MAIL_ADDRESS_MAX)
        return false;
    if (*address == '.' || address[local - 1] == '.' || strstr(address, ".."))
        return false;
    return !strchr(".-", address[local + 1]) && !strchr(".-", address[local + domain]);
}

int kt_mailbox_parse(TALLOC_CTX *context, const char *text, struct kt_mailbox *ret_mailbox)
{
    const char *open = strrchr(text, '<'), *close = open ? strchr(open, '>') : NULL;
    size_t length = open ? (size_t)(open - text) : 0;

    if (open && (!close || close[1]))
        return -EINVAL;
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        length--;
    if (length >= 2 && text[0] == '"' && text[length - 1] == '"') {
        text++;
        length -= 2;
    }
    ret_mailbox->name = talloc_strndup(context, text, length);
    ret_mailbox->address = open ? talloc_strndup(context, open + 1, (size_t)(close - open - 1))
                                : talloc_strdup(context, text);
    if (!ret_mailbox->name || !ret_mailbox->address)
        return -ENOMEM;
    return kt_mail_address_is_good(ret_mailbox->address) ? 0 : -EINVAL;
}

/** How many bytes of a text fit into one encoded word without cutting a character. */
static size_t word_length(const char *text)
{
    size_t length = strnlen(text, WORD_BYTES + 1);

    if (length <= WORD_BYTES)
        return length;
    length = WORD_BYTES;
    while (length > 1 && ((unsigned char)text[length] & 0xc0) == 0x80)
        length--;
    return length;
}

char *kt_mail_header_text(TALLOC_CTX *context, const char *text)
{
    char *clean = talloc_strdup(context, text), *result;
    char base64[sodium_base64_ENCODED_LEN(WORD_BYTES, sodium_base64_VARIANT_ORIGINAL)];

    for (char *at = clean; at && *at; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = ' ';
    }
    if (!clean || (is_plain(clean) && strlen(clean) <= LINE_MAX_BYTES && !strstr(clean, "=?")))
        return clean;
    result = talloc_strdup(context, "");
    for (const char *at = clean; *at;) {
        size_t length = word_length(at);

        sodium_bin2base64(base64, sizeof(base64), (const unsigned char *)at, length,
                          sodium_base64_VARIANT_ORIGINAL);
        result = talloc_asprintf_append_buffer(
            result, "%s=?UTF-8?B?%s?=", at == clean ? "" : "\r\n ", base64);
        at += length;
    }
    talloc_free(clean);
    return result;
}

char *kt_mailbox_text(TALLOC_CTX *context, const struct kt_mailbox *mailbox)
{
    char *name, *result;

    if (!*mailbox->name)
        return talloc_strdup(context, mailbox->address);
    name = kt_mail_header_text(context, mailbox->name);
    if (name && strcmp(name, mailbox->name) == 0) {
        for (char *at = name; *at; at++) {
            if (*at == '"' || *at == '\\')
                *at = '\'';
        }
        result = talloc_asprintf(context, "\"%s\" <%s>", name, mailbox->address);
    } else {
        result = name ? talloc_asprintf(context, "%s <%s>", name, mailbox->address) : NULL;
    }
    talloc_free(name);
    return result;
}

/** Whether a byte must be written as =XX at this place. */
static bool needs_code(const char *at)
{
    if (*at > ' ' && *at <= '~')
        return *at == '=';
    return (*at != ' ' && *at != '\t') || at[1] == '\n' || at[1] == 0;
}

static char *put_code(char *to, unsigned char byte)
{
    static const char digits[] = "0123456789ABCDEF";

    *to++ = '=';
    *to++ = digits[byte >> 4];
    *to++ = digits[byte & 15];
    return to;
}

/** How many bytes stand for themselves, at most so many. */
static size_t plain_length(const char *text, size_t most)
{
    size_t length = 0;

    while (length < most && !needs_code(text + length))
        length++;
    return length;
}

char *kt_mail_quoted_printable(TALLOC_CTX *context, const char *text)
{
    /* All bytes as "=XX", with "=\r\n" after each 25 of them, and "\r\n" at the end. */
    char *result = talloc_array(context, char, (unsigned)(4 * strlen(text) + 6)), *to = result;
    size_t column = 0;

    if (!result)
        return NULL;
    while (*text) {
        size_t length = plain_length(text, LINE_MAX_BYTES - column);

        memcpy(to, text, length);
        to += length;
        text += length;
        column += length;
        if (*text == '\n') {
            to = stpcpy(to, "\r\n");
            column = 0;
            text++;
        } else if (*text == '\r') {
            text++;
        } else if (*text && column + (needs_code(text) ? 3 : 1) > LINE_MAX_BYTES) {
            to = stpcpy(to, "=\r\n");
            column = 0;
        } else if (*text) {
            to = put_code(to, (unsigned char)*text++);
            column += 3;
        }
    }
    stpcpy(to, column > 0 ? "\r\n" : "");
    return result;
}

void kt_mail_date(int64_t unix_seconds, char text[KT_MAIL_DATE_SIZE])
{
    static const char days[][4] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int32_t day = kt_local_day(unix_seconds);
    struct kt_date date = kt_date_from_day(day);
    int second = (int)(unix_seconds - (int64_t)day * KT_DAY_SECONDS);

    snprintf(text, KT_MAIL_DATE_SIZE, "%s, %u %s %d %02d:%02d:%02d +0000",
             days[kt_day_weekday(day)], (unsigned)date.day, months[date.month - 1], (int)date.year,
             second / 3600, second / 60 % 60, second % 60);
}
