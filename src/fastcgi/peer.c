/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of web servers that may connect. A mistake in it is told and nothing is served: half a
 * list would let nobody in, or be taken for none. Names are never looked up: that could take long.
 */
#include "fastcgi/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

/* ---------------------------------------------------------------- who a peer is */

/** The program that the peer's process runs; what isn't printable ASCII becomes a question mark. */
static void read_program(struct kt_peer *peer)
{
    char path[32];
    snprintf(path, sizeof(path), "/proc/%d/comm", (int)peer->pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t size = read(fd, peer->program, sizeof(peer->program) - 1);
    close(fd);
    peer->program[size > 0 ? size : 0] = '\0';
    peer->program[strcspn(peer->program, "\n")] = '\0';
    for (char *at = peer->program; *at; at++)
        if (*at < ' ' || *at > '~')
            *at = '?';
}

static void find_program(const struct kt_peer *known, size_t count, struct kt_peer *peer)
{
    for (size_t i = 0; i < count; i++) {
        if (known[i].pid != peer->pid)
            continue;
        memcpy(peer->program, known[i].program, sizeof(peer->program));
        return;
    }
    read_program(peer);
}

static void write_v4(const void *address, in_port_t port, struct kt_peer *peer)
{
    char text[INET_ADDRSTRLEN];
    if (inet_ntop(AF_INET, address, text, sizeof(text)))
        snprintf(peer->address, sizeof(peer->address), "%s:%u", text, (unsigned)ntohs(port));
}

static void write_v6(const struct sockaddr_in6 *v6, struct kt_peer *peer)
{
    char text[INET6_ADDRSTRLEN];
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
        write_v4(v6->sin6_addr.s6_addr + 12, v6->sin6_port, peer);
    else if (inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text)))
        snprintf(peer->address, sizeof(peer->address), "[%s]:%u", text,
                 (unsigned)ntohs(v6->sin6_port));
}

/** The process that connected to a local socket. */
static void identify_process(int fd, const struct kt_peer *known, size_t count,
                             struct kt_peer *peer)
{
    struct ucred process;
    socklen_t size = sizeof(process);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &process, &size) < 0 || process.pid <= 0)
        return; /* 0: of a namespace that we can't see */
    peer->pid = process.pid;
    peer->uid = process.uid;
    find_program(known, count, peer);
}

void kt_peer_identify(int fd, const struct kt_peer *known, size_t count, struct kt_peer *ret_peer)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);
    *ret_peer = (struct kt_peer){.pid = 0};
    if (getpeername(fd, (struct sockaddr *)&address, &size) < 0)
        return;
    if (address.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)&address;
        write_v4(&v4->sin_addr, v4->sin_port, ret_peer);
    } else if (address.ss_family == AF_INET6) {
        write_v6((const void *)&address, ret_peer);
    } else {
        identify_process(fd, known, count, ret_peer);
    }
}
