/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which peers may connect: the environment variable FCGI_WEB_SERVER_ADDRS (FastCGI 1.0, 3.2); and
 * who a connected one is, for people.
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

/** The longest name of a peer, with its NUL: an address in brackets and a port. */
#define KT_PEER_NAME_MAX 56u
/** A program's name as the kernel keeps it, with its NUL. */
#define KT_PEER_PROGRAM_MAX 16u

/** Who is on the other side. */
struct kt_peer {
    char address[KT_PEER_NAME_MAX];    /**< over TCP, as "192.0.2.1:4711"; "": a local socket */
    char program[KT_PEER_PROGRAM_MAX]; /**< of the process below, in ASCII; "": not known */
    pid_t pid;                         /**< the process that connected; 0: not known */
    uid_t uid;                         /**< whose it was; of no meaning without a pid */
};

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

/**
 * Say who is connected to a socket, as far as the kernel tells. A few system calls.
 * @param known  peers that were identified just now, `count` of them: most connections are of few
 *               processes, whose programs needn't be looked up again
 */
void kt_peer_identify(int fd, const struct kt_peer *known, size_t count, struct kt_peer *ret_peer);

#endif
