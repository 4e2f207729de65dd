/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether it is HTTPS says public_url first: a proxy in front may have taken the TLS off, and the
 * web server know nothing of it.
 */
#include "cookie.h"

#include <kontor/kontor.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "__Host-"

bool kt_cookie_is_https(const char *public_url, const char *https)
{
    if (public_url)
        return strncasecmp(public_url, "https://", strlen("https://")) == 0;
    return https && strcasecmp(https, "on") == 0;
}

static bool is_https(const struct kt_request *request, const char *public_url)
{
    return kt_cookie_is_https(public_url, kt_request_param(request, "HTTPS"));
}

/** Whether a host, with or without a port, is this machine. */
static bool is_localhost(const char *host)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};

    for (size_t index = 0; host && index < sizeof(names) / sizeof(*names); index++) {
        size_t length = strlen(names[index]);

        if (strncasecmp(host, names[index], length) == 0 &&
            (host[length] == '\0' || host[length] == ':'))
            return true;
    }
    return false;
}

bool kt_cookie_is_safe(const struct kt_request *request, const char *public_url)
{
    return is_https(request, public_url) || is_localhost(kt_request_header(request, "Host"));
}

static char *make_name(bool is_https, const struct kt_cookie *cookie)
{
    return kt_must(talloc_asprintf(kt_self_memory(), "%s%s", is_https ? PREFIX : "", cookie->name));
}

char *kt_cookie_find(const char *cookies, bool is_https, const struct kt_cookie *cookie)
{
    const char *at = cookies, *name = make_name(is_https, cookie);
    size_t length = strlen(name);

    while (at && *at) {
        at += strspn(at, " \t;");
        if (strncmp(at, name, length) == 0 && at[length] == '=') {
            at += length + 1;
            return kt_must(talloc_strndup(kt_self_memory(), at, strcspn(at, "; \t")));
        }
        at = strchr(at, ';');
    }
    return NULL;
}

char *kt_cookie_read(const struct kt_request *request, const char *public_url,
                     const struct kt_cookie *cookie)
{
    return kt_cookie_find(kt_request_header(request, "Cookie"), is_https(request, public_url),
                          cookie);
}

static int set(struct kt_request *request, const char *public_url, const struct kt_cookie *cookie,
               const char *value, int64_t seconds)
{
    bool is_secure = is_https(request, public_url);
    char *line = talloc_asprintf(
        kt_self_memory(), "%s=%s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Lax%s",
        make_name(is_secure, cookie), value, (long long)seconds, is_secure ? "; Secure" : "");

    return kt_response_header(request, "Set-Cookie", kt_must(line));
}

int kt_cookie_write(struct kt_request *request, const char *public_url,
                    const struct kt_cookie *cookie, const char *value)
{
    return set(request, public_url, cookie, value, cookie->seconds);
}

int kt_cookie_clear(struct kt_request *request, const char *public_url,
                    const struct kt_cookie *cookie)
{
    return set(request, public_url, cookie, "", 0);
}
