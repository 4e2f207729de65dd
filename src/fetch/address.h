/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which addresses of the Internet belong to the public, and lists of networks. Knows numbers only:
 * no names, no connections.
 */
#ifndef KT_ADDRESS_H
#define KT_ADDRESS_H

#include <kontor/error.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

/** An IPv4 or IPv6 address as connect(2) takes it; the port may be 0. */
union kt_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/** A list of networks. */
struct kt_networks;

/** More networks in one list than this are refused. */
#define KT_NETWORKS_MAX 1024u

/** Read an address as people write it. @return whether it is one; brackets are not part of it */
KT_PUBLIC bool kt_address_parse(const char *text, union kt_address *ret_address);

/** Take an address from a socket call. @return false when it is neither IPv4 nor IPv6 */
bool kt_address_take(const struct sockaddr *any, size_t size, union kt_address *ret_address);

/**
 * What is special about an address.
 * @return words for people that follow "it is", such as "a private address", or NULL when anybody
 *         on the Internet can have it
 */
KT_PUBLIC const char *kt_address_class(const union kt_address *address);

/** Whether an address means this machine itself. */
KT_PUBLIC bool kt_address_is_loopback(const union kt_address *address);

/**
 * Read a list of networks in CIDR notation, separated by blanks; a single address is a network.
 * @param ret_networks  owned by the context; set to an empty list with an error
 * @return 0, -ENOMEM, or -EINVAL with an error that says which word is wrong and why
 */
KT_PUBLIC int kt_networks_parse(TALLOC_CTX *context, const char *text,
                                struct kt_networks **ret_networks, struct kt_error *error);

/** Whether an address lies in one of the networks; NULL is an empty list. */
KT_PUBLIC bool kt_networks_contain(const struct kt_networks *networks,
                                   const union kt_address *address);

#endif
