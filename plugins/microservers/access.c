/* SPDX-License-Identifier: BSD-2-Clause */
/* By the user whom the web server has signed in, or by the address that it saw. */
#include "access.h"

#include "microservers.h"

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

/** Whether a word is in a list separated by blanks. */
static bool is_in_list(const char *list, const char *word)
{
    size_t size = strlen(word);
    for (const char *at = list + strspn(list, " \t"); *at; at += strspn(at, " \t")) {
        size_t length = strcspn(at, " \t");
        if (length == size && memcmp(at, word, size) == 0)
            return true;
        at += length;
    }
    return false;
}

/** What proxies add to a request that they pass on. */
static const char *const traces[] = {"HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP",
                                     "HTTP_VIA"};

/** The header by which a proxy in front of the web server shows; NULL: there is none. Then
 * everybody seems to come from the proxy's address. */
static const char *trace_of_proxy(struct kt_request *request)
{
    for (size_t i = 0; i < sizeof traces / sizeof *traces; i++)
        if (kt_request_param(request, traces[i]))
            return traces[i] + strlen("HTTP_");
    return NULL;
}

static bool is_named(struct kt_request *request, const char *list)
{
    const char *user = kt_request_user(request);
    return user && *user && is_in_list(list, user);
}

static bool is_loopback_only(struct kt_request *request)
{
    const char *trace = trace_of_proxy(request);
    if (is_loopback(kt_request_param(request, "REMOTE_ADDR")) && !trace)
        return true;
    if (trace)
        kt_respond_problem(request, 403,
                           "A proxy has passed this request on (%s), so nobody knows whether it "
                           "comes from this machine; the option users of [microservers] can name "
                           "who may.",
                           trace);
    else
        kt_respond_problem(request, 403,
                           "This is only for requests from this machine; the option users of "
                           "[microservers] can name who may.");
    return false;
}

/** @param list  of users, which the option of this name has */
static bool is_on_list(struct kt_request *request, const char *option, const char *list)
{
    if (is_named(request, list))
        return true;
    kt_respond_problem(request, 403,
                       "This is for those whom the option %s of [microservers] names.", option);
    return false;
}

bool access_may_look(struct kt_request *request)
{
    const struct microservers *house = kt_request_context(request);
    return *house->users ? is_on_list(request, "users", house->users) : is_loopback_only(request);
}

bool access_may_operate(struct kt_request *request)
{
    const struct microservers *house = kt_request_context(request);
    if (!kt_request_is_same_site(request)) {
        kt_respond_problem(request, 403, "This request came from a page of another site.");
        return false;
    }
    return *house->operators ? is_on_list(request, "operators", house->operators)
                             : access_may_look(request);
}
