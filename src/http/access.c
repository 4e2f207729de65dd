/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may: by the user whom the web server has signed in, or by the address that it saw, unless
 * something says that this is a proxy's, or that a browser here was led astray.
 */
#include "http/request.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

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

/** Whether all of a list of addresses, separated by commas, are this machine's. */
static bool are_loopback(const char *list)
{
    char address[INET6_ADDRSTRLEN];
    for (const char *at = list;; at++) {
        at += strspn(at, " \t");
        size_t size = strcspn(at, ", \t");
        if (size >= sizeof address)
            return false;
        memcpy(address, at, size);
        address[size] = '\0';
        at += size + strspn(at + size, " \t");
        if (!is_loopback(address) || (*at != ',' && *at != '\0'))
            return false;
        if (*at == '\0')
            return true;
    }
}

/** What proxies add to a request that they pass on. */
static const struct {
    const char *header;
    bool is_address; /**< of whom they have it; this machine's, which Caddy adds, hides nobody */
} traces[] = {{"Forwarded", false}, {"Via", false}, {"X-Forwarded-For", true}, {"X-Real-IP", true}};

/** The header by which a proxy in front of the web server shows; NULL: there is none. Then
 * everybody seems to come from the proxy's address. */
static const char *trace_of_proxy(const struct kt_request *request)
{
    for (size_t i = 0; i < sizeof traces / sizeof *traces; i++) {
        const char *value = kt_request_header(request, traces[i].header);
        if (value && !(traces[i].is_address && are_loopback(value)))
            return traces[i].header;
    }
    return NULL;
}

static bool ends_with(const char *text, size_t size, const char *end)
{
    size_t length = strlen(end);
    return size >= length && strncasecmp(text + size - length, end, length) == 0;
}

/**
 * Whether a browser asked for this machine, by an address or as localhost (RFC 6761, section 6.3).
 * Any other name may be somebody's who lets it lead here, so that their page may ask in the name of
 * who looks at it.
 */
static bool is_meant(const struct kt_request *request)
{
    struct in_addr v4;
    const char *host = kt_request_header(request, "Host");
    if (!host || *host == '[')
        return true;
    size_t size = strcspn(host, ":");
    char address[INET_ADDRSTRLEN];
    if (size < sizeof address) {
        memcpy(address, host, size);
        address[size] = '\0';
        if (inet_pton(AF_INET, address, &v4) == 1 || strcasecmp(address, "localhost") == 0)
            return true;
    }
    return ends_with(host, size, ".localhost");
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
    } else if (!is_meant(request)) {
        kt_respond_problem(request, 403,
                           "This is only for requests to an address of this machine or to "
                           "localhost; the option %s of [%s] can name who may.",
                           option, plugin);
    } else {
        return true;
    }
    return false;
}
