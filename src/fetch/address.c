/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The special addresses of IANA's registries, and networks in CIDR notation. An address is sixteen
 * bytes here, IPv4 as "v4-mapped" IPv6, so that there is one way to compare and ::ffff:127.0.0.1 is
 * what it means.
 */
#include "fetch/address.h"

#include "base/word.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BYTES 16u
/** Where the four bytes of an IPv4 address are among the sixteen, and what is before them. */
#define V4_AT 12u
#define V4_BITS 96u
/** The longest network with its NUL: an IPv6 address, a slash and three digits. */
#define NETWORK_TEXT_MAX (INET6_ADDRSTRLEN + 4)

struct number {
    uint8_t bytes[BYTES];
};

struct network {
    struct number number;
    unsigned bits; /**< of the sixteen bytes */
};

struct kt_networks {
    unsigned count;
    struct network *list;
};

/* ---------------------------------------------------------------- numbers */

static const uint8_t v4_mapped[V4_AT] = {[10] = 0xff, [11] = 0xff};

static struct number number_of(const union kt_address *address)
{
    struct number number;
    if (address->any.sa_family == AF_INET) {
        memcpy(number.bytes, v4_mapped, V4_AT);
        memcpy(number.bytes + V4_AT, &address->v4.sin_addr, BYTES - V4_AT);
    } else {
        memcpy(number.bytes, &address->v6.sin6_addr, BYTES);
    }
    return number;
}

static bool is_v4(const struct number *number)
{
    return memcmp(number->bytes, v4_mapped, V4_AT) == 0;
}

static bool has_prefix(const struct number *number, const uint8_t *prefix, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    return memcmp(number->bytes, prefix, whole) == 0 &&
           (rest == 0 || (number->bytes[whole] ^ prefix[whole]) >> (8 - rest) == 0);
}

bool kt_address_parse(const char *text, union kt_address *ret_address)
{
    memset(ret_address, 0, sizeof *ret_address);
    if (inet_pton(AF_INET, text, &ret_address->v4.sin_addr) == 1)
        ret_address->any.sa_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &ret_address->v6.sin6_addr) == 1)
        ret_address->any.sa_family = AF_INET6;
    return ret_address->any.sa_family != AF_UNSPEC;
}

bool kt_address_take(const struct sockaddr *any, size_t size, union kt_address *ret_address)
{
    memset(ret_address, 0, sizeof *ret_address);
    if (any->sa_family == AF_INET && size >= sizeof ret_address->v4)
        memcpy(&ret_address->v4, any, sizeof ret_address->v4);
    else if (any->sa_family == AF_INET6 && size >= sizeof ret_address->v6)
        memcpy(&ret_address->v6, any, sizeof ret_address->v6);
    return ret_address->any.sa_family != AF_UNSPEC;
}

/* ---------------------------------------------------------------- classes */

struct special {
    uint8_t prefix[BYTES];
    unsigned bits;
    const char *words;
};

/** IANA's IPv4 Special-Purpose Address Registry, what is not globally reachable, and multicast. */
static const struct special v4_specials[] = {
    {{0}, 8, "an unspecified address"},
    {{10}, 8, "a private address"},
    {{100, 64}, 10, "a provider's private address"},
    {{127}, 8, "a loopback address"},
    {{169, 254}, 16, "a link-local address"},
    {{172, 16}, 12, "a private address"},
    {{192, 0, 0}, 24, "a reserved address"},
    {{192, 0, 2}, 24, "an address for documentation"},
    {{192, 88, 99}, 24, "a reserved address"}, /* the relays of 6to4 */
    {{192, 168}, 16, "a private address"},
    {{198, 18}, 15, "an address for benchmarks"},
    {{198, 51, 100}, 24, "an address for documentation"},
    {{203, 0, 113}, 24, "an address for documentation"},
    {{224}, 4, "a multicast address"},
    {{240}, 4, "a reserved address"}, /* and the broadcast address */
};

/** As above for IPv6; what is neither listed here nor global unicast is reserved. */
static const struct special v6_specials[] = {
    {{0}, 128, "an unspecified address"},
    {{[15] = 1}, 128, "a loopback address"},
    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48, "a private address"}, /* NAT64 of one's own */
    {{0x20, 0x01, 0x00, 0x00}, 32, "an address for tunnels"},        /* Teredo */
    {{0x20, 0x01, 0x00}, 23, "a reserved address"},                  /* protocols' own */
    {{0x20, 0x01, 0x0d, 0xb8}, 32, "an address for documentation"},
    {{0x20, 0x02}, 16, "an address for tunnels"}, /* 6to4 */
    {{0x3f, 0xff, 0x00}, 20, "an address for documentation"},
    {{0xfc}, 7, "a private address"},
    {{0xfe, 0x80}, 10, "a link-local address"},
    {{0xfe, 0xc0}, 10, "a private address"}, /* site-local, of old */
    {{0xff}, 8, "a multicast address"},
};

/** All that IANA gives to hosts of the Internet: 2000::/3. */
static const uint8_t global_unicast[] = {0x20};
#define GLOBAL_UNICAST_BITS 3
/** 64:ff9b::/96: a translator turns the last four bytes into an IPv4 address (RFC 6052). */
static const uint8_t nat64[V4_AT] = {0x00, 0x64, 0xff, 0x9b};

static const char *v4_class(const uint8_t *bytes)
{
    struct number number = {0};
    memcpy(number.bytes, bytes, BYTES - V4_AT);
    for (size_t i = 0; i < sizeof v4_specials / sizeof *v4_specials; i++)
        if (has_prefix(&number, v4_specials[i].prefix, v4_specials[i].bits))
            return v4_specials[i].words;
    return NULL;
}

const char *kt_address_class(const union kt_address *address)
{
    struct number number = number_of(address);
    if (is_v4(&number) || has_prefix(&number, nat64, V4_BITS))
        return v4_class(number.bytes + V4_AT);
    for (size_t i = 0; i < sizeof v6_specials / sizeof *v6_specials; i++)
        if (has_prefix(&number, v6_specials[i].prefix, v6_specials[i].bits))
            return v6_specials[i].words;
    return has_prefix(&number, global_unicast, GLOBAL_UNICAST_BITS) ? NULL : "a reserved address";
}

bool kt_address_is_loopback(const union kt_address *address)
{
    static const uint8_t v6_loopback[BYTES] = {[15] = 1};
    struct number number = number_of(address);
    return is_v4(&number) ? number.bytes[V4_AT] == 127
                          : memcmp(number.bytes, v6_loopback, BYTES) == 0;
}

/* ---------------------------------------------------------------- networks */

/** A decimal number without sign or blanks up to a maximum, or -1. */
static int parse_bits(const char *text, int maximum)
{
    int bits = 0;
    size_t length = strspn(text, "0123456789");
    if (length == 0 || length > 3 || text[length] != '\0')
        return -1;
    while (*text)
        bits = bits * 10 + (*text++ - '0');
    return bits <= maximum ? bits : -1;
}

static bool has_bits_beyond(const struct network *network)
{
    for (unsigned bit = network->bits; bit < 8 * BYTES; bit++)
        if (network->number.bytes[bit / 8] & 0x80 >> bit % 8)
            return true;
    return false;
}

static int parse_network(const char *word, size_t length, struct network *ret_network,
                         struct kt_error *error)
{
    char text[NETWORK_TEXT_MAX];
    union kt_address address;
    snprintf(text, sizeof text, "%.*s", (int)length, word);
    char *slash = strchr(text, '/');
    if (slash)
        *slash = '\0';
    if (length >= sizeof text || !kt_address_parse(text, &address))
        return kt_error_set(error, -EINVAL,
                            "'%.*s' is no network, expected is one such as 10.1.0.0/16, "
                            "192.0.2.7 or fd00:1::/32",
                            (int)length, word);
    bool is_short = address.any.sa_family == AF_INET;
    int maximum = is_short ? 32 : 128;
    int bits = slash ? parse_bits(slash + 1, maximum) : maximum;
    if (bits < 0)
        return kt_error_set(error, -EINVAL, "'%.*s' must have 0 to %d after the slash", (int)length,
                            word, maximum);
    *ret_network = (struct network){number_of(&address), (unsigned)bits + (is_short ? V4_BITS : 0)};
    if (has_bits_beyond(ret_network))
        return kt_error_set(error, -EINVAL,
                            "'%.*s' is an address in a network, not the network: bits beyond the "
                            "first %d are set",
                            (int)length, word, bits);
    return 0;
}

int kt_networks_parse(TALLOC_CTX *context, const char *text, struct kt_networks **ret_networks,
                      struct kt_error *error)
{
    struct kt_networks *networks = *ret_networks = talloc_zero(context, struct kt_networks);
    if (!networks)
        return kt_error_set(error, -ENOMEM, "out of memory");
    const char *word;
    size_t length;
    unsigned count = 0;
    for (const char *cursor = text; kt_word_next(&cursor, &word) > 0;)
        count++;
    if (count > KT_NETWORKS_MAX)
        return kt_error_set(error, -EINVAL, "these are %u networks, at most %u are possible", count,
                            KT_NETWORKS_MAX);
    networks->list = talloc_array(networks, struct network, count);
    if (!networks->list)
        return kt_error_set(error, -ENOMEM, "out of memory");
    while ((length = kt_word_next(&text, &word)) > 0) {
        int result = parse_network(word, length, &networks->list[networks->count], error);
        if (result < 0) {
            networks->count = 0;
            return result;
        }
        networks->count++;
    }
    return 0;
}

bool kt_networks_contain(const struct kt_networks *networks, const union kt_address *address)
{
    struct number number = number_of(address);
    for (unsigned i = 0; networks && i < networks->count; i++)
        if (has_prefix(&number, networks->list[i].number.bytes, networks->list[i].bits))
            return true;
    return false;
}
