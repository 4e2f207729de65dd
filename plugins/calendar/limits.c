/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each entry is one number, when it will be as good as new ("theoretical arrival time" of the
 * generic cell rate algorithm): a start moves it on by the rule's period, and may move it at most
 * `burst` periods ahead of now. Whose time has come is free for others.
 *
 * An entry is searched among a few neighbours of its place. The hash has a key, so that nobody can
 * choose names that meet there. Should they be taken all the same, that start is refused.
 */
#include "limits.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/** Within the longest burst, 900 s, `all_rule` allows 1,350 starts: a third of this. */
#define ENTRIES 4096u
#define NEIGHBOURS 64u
/** Bytes of a name that matter. */
#define NAME_BYTES 256u

struct rule {
    int64_t burst, period_ms;
};

/** A household, or an office behind one address; one every 20 seconds goes on. */
static const struct rule client_rule = {30, 20000};
/** Enough for a mail that was lost and one that was overlooked. */
static const struct rule address_rule = {3, 300000};
/** A site of thousands, on the morning on which all sessions have ended. */
static const struct rule all_rule = {900, 2000};

struct entry {
    uint64_t name;
    int64_t time_ms;
};

struct kt_limits {
    unsigned char key[crypto_shorthash_KEYBYTES];
    struct entry all, clients[ENTRIES], addresses[ENTRIES];
};

struct kt_limits *kt_limits_new(TALLOC_CTX *context)
{
    struct kt_limits *limits = sodium_init() < 0 ? NULL : talloc_zero(context, struct kt_limits);

    if (limits)
        randombytes_buf(limits->key, sizeof(limits->key));
    return limits;
}

static uint64_t hash(const struct kt_limits *limits, const void *bytes, size_t size)
{
    unsigned char digest[crypto_shorthash_BYTES];
    uint64_t name;

    crypto_shorthash(digest, bytes, size, limits->key);
    memcpy(&name, digest, sizeof(name));
    return name;
}

static uint64_t hash_client(const struct kt_limits *limits, const char *client)
{
    struct in6_addr address;

    if (inet_pton(AF_INET6, client, &address) != 1)
        return hash(limits, client, strnlen(client, NAME_BYTES));
    return hash(limits, &address,
                IN6_IS_ADDR_V4MAPPED(&address) ? sizeof(address) : sizeof(address) / 2);
}

/** The entry of this name, else a free one, which has become it; NULL: there is no room. */
static struct entry *find(struct entry *entries, uint64_t name, int64_t now_ms)
{
    struct entry *free_one = NULL;

    for (uint64_t step = 0; step < NEIGHBOURS; step++) {
        struct entry *entry = &entries[(name + step) % ENTRIES];

        if (entry->time_ms <= now_ms)
            free_one = free_one ? free_one : entry;
        else if (entry->name == name)
            return entry;
    }
    if (free_one)
        *free_one = (struct entry){.name = name};
    return free_one;
}

/** @return 0, or in how many milliseconds the rule allows one more */
static int64_t pause_of(const struct rule *rule, const struct entry *entry, int64_t now_ms)
{
    int64_t time_ms = entry->time_ms > now_ms ? entry->time_ms : now_ms;
    int64_t pause_ms = time_ms - now_ms - (rule->burst - 1) * rule->period_ms;

    return pause_ms > 0 ? pause_ms : 0;
}

static void count(const struct rule *rule, struct entry *entry, int64_t now_ms)
{
    entry->time_ms = (entry->time_ms > now_ms ? entry->time_ms : now_ms) + rule->period_ms;
}

int64_t kt_limits_begin(struct kt_limits *limits, const char *client, const char *address,
                        int64_t now_ms)
{
    const struct rule *rules[] = {&all_rule, &client_rule, &address_rule};
    struct entry *entries[3] = {&limits->all};
    size_t rule_count = address ? 3 : 2;

    entries[1] = find(limits->clients, hash_client(limits, client), now_ms);
    if (address)
        entries[2] =
            find(limits->addresses, hash(limits, address, strnlen(address, NAME_BYTES)), now_ms);
    for (size_t index = 0; index < rule_count; index++) {
        int64_t pause_ms = entries[index] ? pause_of(rules[index], entries[index], now_ms)
                                          : rules[index]->period_ms;

        if (pause_ms > 0)
            return pause_ms;
    }
    for (size_t index = 0; index < rule_count; index++)
        count(rules[index], entries[index], now_ms);
    return 0;
}
