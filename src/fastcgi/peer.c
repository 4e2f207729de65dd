/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of web servers that may connect. A mistake in it is told and nothing is served: half a
 * list would let nobody in, or be taken for none.
 */
#include "fastcgi/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

/** IPv4 in IPv6's form. */
static struct in6_addr map_v4(const struct in_addr *v4)
{
    struct in6_addr v6 = {.s6_addr = {[10] = 0xff, [11] = 0xff}};
    memcpy(v6.s6_addr + 12, v4, sizeof(*v4));
    return v6;
}

/** Read one address. @return whether it is one */
static bool parse_address(const char *text, size_t size, struct in6_addr *ret_address)
{
    char copy[INET6_ADDRSTRLEN];
    struct in_addr v4;
    if (size >= sizeof(copy))
        return false;
    memcpy(copy, text, size);
    copy[size] = '\0';
    if (inet_pton(AF_INET6, copy, ret_address) == 1)
        return true;
    if (inet_pton(AF_INET, copy, &v4) != 1)
        return false;
    *ret_address = map_v4(&v4);
    return true;
}

int kt_peers_parse(TALLOC_CTX *context, const char *text, struct kt_peers **ret_peers,
                   struct kt_error *error)
{
    *ret_peers = NULL;
    if (!text || !*text)
        return 0;
    struct kt_peers *peers = talloc_zero(context, struct kt_peers);
    if (!peers)
        return kt_error_set(error, -ENOMEM, "out of memory");
    for (const char *at = text, *comma; at; at = comma ? comma + 1 : NULL) {
        comma = strchr(at, ',');
        at += strspn(at, " \t");
        size_t size = strcspn(at, ", \t"), blanks = strspn(at + size, " \t");
        bool is_alone = at[size + blanks] == ',' || at[size + blanks] == '\0';
        if (!is_alone || peers->count == KT_PEERS_MAX ||
            !parse_address(at, size, &peers->list[peers->count])) {
            talloc_free(peers);
            return kt_error_set(error, -EINVAL,
                                KT_PEERS_VARIABLE " is '%s', expected are at most %u IP addresses "
                                                  "separated by commas",
                                text, KT_PEERS_MAX);
        }
        peers->count++;
    }
    *ret_peers = peers;
    return 0;
}

bool kt_peers_contain(const struct kt_peers *peers, const struct sockaddr *address)
{
    struct in6_addr peer;
    if (address->sa_family == AF_INET)
        peer = map_v4(&((const struct sockaddr_in *)(const void *)address)->sin_addr);
    else if (address->sa_family == AF_INET6)
        peer = ((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    else
        return false;
    for (size_t i = 0; i < peers->count; i++)
        if (memcmp(&peers->list[i], &peer, sizeof(peer)) == 0)
            return true;
    return false;
}
