/* SPDX-License-Identifier: BSD-2-Clause */
/* Each worker writes its own place, in a line of the cache of its own, and reads all. */
#include "fastcgi/balance.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>

#define CACHE_LINE 64
#define EMPTY UINT32_MAX

struct place {
    _Alignas(CACHE_LINE) _Atomic uint32_t connections;
};

struct kt_balance {
    uint32_t count;
    struct place places[];
};

static size_t size_of(uint32_t count)
{
    return sizeof(struct kt_balance) + count * sizeof(struct place);
}

struct kt_balance *kt_balance_new(uint32_t count)
{
    struct kt_balance *balance =
        mmap(NULL, size_of(count), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (balance == MAP_FAILED)
        return NULL;
    balance->count = count;
    for (uint32_t i = 0; i < count; i++)
        kt_balance_leave(balance, i);
    return balance;
}

void kt_balance_free(struct kt_balance *balance)
{
    if (balance)
        munmap(balance, size_of(balance->count));
}

void kt_balance_tell(struct kt_balance *balance, uint32_t place, uint32_t connections)
{
    atomic_store_explicit(&balance->places[place].connections, connections, memory_order_relaxed);
}

void kt_balance_leave(struct kt_balance *balance, uint32_t place)
{
    kt_balance_tell(balance, place, EMPTY);
}

static uint32_t connections_of(const struct kt_balance *balance, uint32_t place)
{
    return atomic_load_explicit(&balance->places[place].connections, memory_order_relaxed);
}

bool kt_balance_is_ahead(const struct kt_balance *balance, uint32_t place)
{
    uint32_t fewest = EMPTY;
    for (uint32_t i = 0; i < balance->count; i++) {
        uint32_t connections = connections_of(balance, i);
        if (connections < fewest)
            fewest = connections;
    }
    uint32_t own = connections_of(balance, place);
    return own != EMPTY && own - fewest >= KT_BALANCE_AHEAD;
}
