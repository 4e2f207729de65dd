/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses: libcurl's parser takes one apart, we look at the parts and put it together again in
 * one form: ASCII host, no user, no password, no fragment.
 */
#include "fetch/target.h"

#include <ctype.h>
#include <errno.h>
#include <kontor/http.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT_HTTP 80u
#define PORT_HTTPS 443u

static int end_target(struct kt_target *target)
{
    curl_url_cleanup(target->url);
    return 0;
}

/** A part as a talloc'ed string, NULL: there is none. */
static int take_part(struct kt_target *target, CURLUPart part, unsigned flags,
                     const char **ret_text)
{
    char *text = NULL;
    CURLUcode code = curl_url_get(target->url, part, &text, flags);
    *ret_text = code == CURLUE_OK ? talloc_strdup(target, text) : NULL;
    curl_free(text);
    return code == CURLUE_OUT_OF_MEMORY || (code == CURLUE_OK && !*ret_text) ? -ENOMEM : 0;
}

/** Whether a text has blanks or letters that must be escaped in an address. */
static bool needs_escapes(const char *text)
{
    while (*text > ' ' && *text <= '~')
        text++;
    return *text != '\0';
}

static int parse_text(struct kt_target *target, const char *text, struct kt_error *error)
{
    /* libcurl escapes byte by byte, which for most addresses would be most of their price. */
    unsigned flags = needs_escapes(text) ? CURLU_URLENCODE | CURLU_ALLOW_SPACE : 0;
    if (strnlen(text, KT_HTTP_URL_MAX) == KT_HTTP_URL_MAX)
        return kt_error_set(error, -EINVAL, "the address is longer than %d bytes",
                            KT_HTTP_URL_MAX - 1);
    CURLUcode code = curl_url_set(target->url, CURLUPART_URL, text, flags);
    switch (code) {
    case CURLUE_OK:
        return 0;
    case CURLUE_OUT_OF_MEMORY:
        return kt_error_set(error, -ENOMEM, "out of memory");
    case CURLUE_UNSUPPORTED_SCHEME:
        return kt_error_set(error, -EACCES, "only http:// and https:// addresses can be fetched");
    default:
        return kt_error_set(error, -EINVAL,
                            "the address is malformed (%s), expected is one such as "
                            "https://example.org/path",
                            curl_url_strerror(code));
    }
}

static int take_scheme(struct kt_target *target, struct kt_error *error)
{
    const char *scheme, *port;
    int result = take_part(target, CURLUPART_SCHEME, 0, &scheme);
    if (result == 0)
        result = take_part(target, CURLUPART_PORT, CURLU_DEFAULT_PORT, &port);
    if (result < 0)
        return kt_error_set(error, result, "out of memory");
    target->is_tls = scheme && strcmp(scheme, "https") == 0;
    if (!scheme || (!target->is_tls && strcmp(scheme, "http") != 0))
        return kt_error_set(error, -EACCES, "only http:// and https:// addresses can be fetched");
    target->port = port ? (unsigned)strtoul(port, NULL, 10) : 0;
    return target->port > 0 ? 0 : kt_error_set(error, -EINVAL, "the address has no valid port");
}

/** Users and passwords leave the address here, so that nothing can tell them to anybody. */
static int take_credentials(struct kt_target *target, bool is_redirect, bool is_trusted,
                            struct kt_error *error)
{
    int result = take_part(target, CURLUPART_USER, CURLU_URLDECODE, &target->user);
    if (result == 0)
        result = take_part(target, CURLUPART_PASSWORD, CURLU_URLDECODE, &target->password);
    if (result < 0)
        return kt_error_set(error, result, "out of memory");
    if ((target->user || target->password) && !is_trusted)
        return kt_error_set(error, -EACCES, "an address with a user name or a password is refused");
    if (is_redirect)
        target->user = target->password = NULL;
    curl_url_set(target->url, CURLUPART_USER, NULL, 0);
    curl_url_set(target->url, CURLUPART_PASSWORD, NULL, 0);
    curl_url_set(target->url, CURLUPART_FRAGMENT, NULL, 0);
    return 0;
}

/** The host in ASCII. libcurl takes international names to be in the charset of the locale, which
 * for us is always UTF-8, whatever the environment says. NULL: it is malformed. */
static const char *ascii_host(struct kt_target *target)
{
    const char *host = NULL, *letter;
    if (take_part(target, CURLUPART_HOST, 0, &host) < 0 || !host)
        return NULL;
    for (letter = host; *letter && isascii((unsigned char)*letter);)
        letter++;
    if (!*letter)
        return host;
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    locale_t before = utf8 ? uselocale(utf8) : (locale_t)0;
    /* A malformed name is "out of memory" to libcurl. */
    take_part(target, CURLUPART_HOST, CURLU_PUNYCODE, &host);
    if (utf8) {
        uselocale(before);
        freelocale(utf8);
    }
    return host;
}

/** The host in one form: ASCII, lower case, without a dot at its end. */
static int take_host(struct kt_target *target, struct kt_error *error)
{
    const char *host = ascii_host(target);
    size_t length = host ? strlen(host) : 0;
    if (length > 0 && host[length - 1] == '.')
        length--;
    if (length == 0 || length >= sizeof target->host)
        return kt_error_set(error, -EINVAL, "the address has no valid host name");
    for (size_t i = 0; i < length; i++)
        target->host[i] = (char)tolower((unsigned char)host[i]);
    if (curl_url_set(target->url, CURLUPART_HOST, target->host, 0) != CURLUE_OK)
        return kt_error_set(error, -EINVAL, "the address has no valid host name");
    snprintf(target->origin, sizeof target->origin, "http%s://%s", target->is_tls ? "s" : "",
             target->host);
    if (target->port != (target->is_tls ? PORT_HTTPS : PORT_HTTP))
        snprintf(target->origin + strlen(target->origin), 7, ":%u", target->port);
    if (target->host[0] == '[') {
        memmove(target->host, target->host + 1, length);
        target->host[length - 2] = '\0';
    }
    target->is_literal = kt_address_parse(target->host, &target->address);
    return 0;
}

int kt_target_parse(TALLOC_CTX *context, const char *text, const struct kt_target *base,
                    bool is_trusted, struct kt_target **ret_target, struct kt_error *error)
{
    struct kt_target *target = talloc_zero(context, struct kt_target);
    if (!target)
        return kt_error_set(error, -ENOMEM, "out of memory");
    target->url = base ? curl_url_dup(base->url) : curl_url();
    talloc_set_destructor(target, end_target);
    int result = target->url ? 0 : kt_error_set(error, -ENOMEM, "out of memory");
    if (result == 0)
        result = parse_text(target, text, error);
    if (result == 0)
        result = take_scheme(target, error);
    if (result == 0)
        result = take_credentials(target, base != NULL, is_trusted, error);
    if (result == 0)
        result = take_host(target, error);
    if (result < 0) {
        talloc_free(target);
        return result;
    }
    *ret_target = target;
    return 0;
}

char *kt_http_origin(TALLOC_CTX *context, const char *address)
{
    struct kt_target *target;
    char *origin;
    if (kt_target_parse(context, address, NULL, false, &target, NULL) < 0)
        return NULL;
    origin = talloc_strdup(context, target->origin);
    talloc_free(target);
    return origin;
}

/* As libcurl writes it, at a tenth of the price; there is neither user, zone nor fragment. */
const char *kt_target_text(TALLOC_CTX *context, const struct kt_target *target)
{
    static const struct {
        CURLUPart part;
        const char *before;
    } parts[] = {{CURLUPART_HOST, "://"},
                 {CURLUPART_PORT, ":"},
                 {CURLUPART_PATH, ""},
                 {CURLUPART_QUERY, "?"}};
    char *text = talloc_strdup(context, target->is_tls ? "https" : "http");
    for (size_t i = 0; text && i < sizeof parts / sizeof *parts; i++) {
        char *part = NULL;
        CURLUcode code = curl_url_get(target->url, parts[i].part, &part, 0);
        if (code == CURLUE_OUT_OF_MEMORY)
            return NULL;
        if (code == CURLUE_OK && *part)
            text = talloc_asprintf_append_buffer(text, "%s%s", parts[i].before, part);
        curl_free(part);
    }
    return text;
}
