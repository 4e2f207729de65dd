/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may: by the user whom the web server has signed in, or by the address that it saw, unless
 * something says that this is a proxy's.
 */
#include "http/request.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static bool is_loopback(const char *text)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (!text)
        return false;
    if (inet_pton(AF_INET, text, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, text, &v6) != 1)
        return false;
    return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

/** What proxies add to a request that they pass on. */
static const char *const traces[] = {"Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"};

/** The header by which a proxy in front of the web server shows; NULL: there is none. Then
 * everybody seems to come from the proxy's address. */
static const char *trace_of_proxy(const struct kt_request *request)
{
    for (size_t i = 0; i < sizeof traces / sizeof *traces; i++)
        if (kt_request_header(request, traces[i]))
            return traces[i];
    return NULL;
}

bool kt_request_is_of(const struct kt_request *request, const char *users)
{
    const char *user = kt_request_user(request);
    size_t size = user ? strlen(user) : 0;
    for (const char *at = users + strspn(users, " \t"); size > 0 && *at; at += strspn(at, " \t")) {
        size_t length = strcspn(at, " \t");
        if (length == size && memcmp(at, user, size) == 0)
            return true;
        at += length;
    }
    return false;
}

bool kt_request_admit(struct kt_request *request, const char *option, const char *users)
{
    const char *plugin = kt_plugin_name(request->route->plugin), *trace = trace_of_proxy(request);
    if (*users) {
        if (kt_request_is_of(request, users))
            return true;
        kt_respond_problem(request, 403, "This is for those whom the option %s of [%s] names.",
                           option, plugin);
    } else if (!is_loopback(kt_request_param(request, "REMOTE_ADDR"))) {
        kt_respond_problem(request, 403,
                           "This is only for requests from this machine; the option %s of [%s] can "
                           "name who may.",
                           option, plugin);
    } else if (trace) {
        kt_respond_problem(request, 403,
                           "A proxy has passed this request on (%s), so nobody knows whether it "
                           "comes from this machine; the option %s of [%s] can name who may.",
                           trace, option, plugin);
    } else {
        return true;
    }
    return false;
}
