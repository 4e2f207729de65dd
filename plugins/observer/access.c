/* SPDX-License-Identifier: BSD-2-Clause */
/* By the user whom the web server has signed in, or by the address that it saw. */
#include "access.h"

#include "observer.h"

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

/** @param list  of users, which the option of this name has; empty: only this machine */
static bool may(struct kt_request *request, const char *option, const char *list)
{
    const char *user = kt_request_user(request);
    if (*list ? user && *user && is_in_list(list, user)
              : is_loopback(kt_request_param(request, "REMOTE_ADDR")))
        return true;
    if (*list)
        kt_respond_problem(request, 403,
                           "This is for those whom the option %s of [observer] names.", option);
    else
        kt_respond_problem(request, 403,
                           "This is only for requests from this machine; the option %s of "
                           "[observer] can name operators.",
                           option);
    return false;
}

bool access_may_look(struct kt_request *request)
{
    const struct observer *observer = kt_request_context(request);
    return may(request, "users", observer->users);
}

bool access_may_kill(struct kt_request *request)
{
    const struct observer *observer = kt_request_context(request);
    if (!kt_request_is_same_site(request)) {
        kt_respond_problem(request, 403, "This request came from a page of another site.");
        return false;
    }
    return *observer->killers ? may(request, "killers", observer->killers)
                              : may(request, "users", observer->users);
}
