/* SPDX-License-Identifier: BSD-2-Clause */
/* Escapes byte by byte; the escaped form is at most three times as long. */
#include "form.h"

#include <kontor/process.h>
#include <string.h>

static bool is_unreserved(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || (byte && strchr("-._~", byte));
}

char *kt_form_escape(TALLOC_CTX *context, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    char *escaped = kt_must(talloc_array(context, char, (unsigned)strlen(text) * 3 + 1));
    char *to = escaped;

    for (; *text; text++) {
        if (is_unreserved(*text)) {
            *to++ = *text;
        } else {
            *to++ = '%';
            *to++ = digits[(unsigned char)*text >> 4];
            *to++ = digits[(unsigned char)*text & 15];
        }
    }
    *to = '\0';
    return escaped;
}

char *kt_form_add(char *form, const char *name, const char *value)
{
    size_t length = strlen(form);
    bool is_first = length == 0 || form[length - 1] == '?';
    char *escaped = kt_form_escape(form, value);
    char *longer =
        kt_must(talloc_asprintf_append(form, "%s%s=%s", is_first ? "" : "&", name, escaped));

    talloc_free(escaped);
    return longer;
}
