/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which peers may connect: the environment variable FCGI_WEB_SERVER_ADDRS (FastCGI 1.0, 3.2).
 */
#ifndef KT_PEER_H
#define KT_PEER_H

#include <kontor/error.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <talloc.h>

/** How many addresses the variable may hold. */
#define KT_PEERS_MAX 64u
/** Its name. */
#define KT_PEERS_VARIABLE "FCGI_WEB_SERVER_ADDRS"

/** The addresses that may connect; IPv4 ones as IPv6 writes them (::ffff:127.0.0.1). */
struct kt_peers {
    size_t count;
    struct in6_addr list[KT_PEERS_MAX];
};

/**
 * Read a list of addresses, separated by commas; blanks around them don't matter.
 * @param ret_peers  owned by the context; NULL when the text is NULL or empty: everybody may
 * connect
 * @return 0, -EINVAL with the words, -ENOMEM
 */
int kt_peers_parse(TALLOC_CTX *context, const char *text, struct kt_peers **ret_peers,
                   struct kt_error *error);

/** Whether a peer with this address may connect; one that doesn't come over TCP may not. */
bool kt_peers_contain(const struct kt_peers *peers, const struct sockaddr *address);

#endif
