/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses are put together from an origin that was read as kt_http_fetch reads it, and a path: so
 * nothing that an answer says can be read in two ways, and lead elsewhere than was checked.
 */
#include "dav_address.h"

#include <kontor/http.h>
#include <kontor/process.h>
#include <stdbool.h>
#include <string.h>

/** What follows scheme, host and port. */
static const char *path_of(const char *url)
{
    const char *host = strstr(url, "://");

    return host ? host + 3 + strcspn(host + 3, "/?#") : "";
}

static char *resolve(TALLOC_CTX *context, const char *base, const char *href, bool may_leave)
{
    bool is_path = href[0] == '/' && href[1] != '/';
    char *here = kt_http_origin(context, base);
    char *there = is_path ? here : kt_http_origin(context, href);
    const char *path = is_path ? href : path_of(href);

    if (!here || !there || strlen(href) >= KT_HTTP_URL_MAX / 2)
        return NULL;
    if (strcmp(here, there) != 0 && !(may_leave && strncmp(there, "https://", 8) == 0))
        return NULL;
    return kt_must(talloc_asprintf(context, "%s%s%s", there, *path == '/' ? "" : "/", path));
}

char *kt_dav_place(TALLOC_CTX *context, const char *base, const char *href)
{
    return resolve(context, base, href, true);
}

char *kt_dav_resolve(TALLOC_CTX *context, const char *base, const char *href)
{
    return resolve(context, base, href, false);
}
