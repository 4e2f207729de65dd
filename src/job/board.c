/* SPDX-License-Identifier: BSD-2-Clause */
/* Cards in chains by the hash of their key. */
#include "job/board.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** FNV-1a, 64 bits; chains make up for what an adversary would find. */
#define FNV_BASIS UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static uint64_t hash_of(const char *key)
{
    uint64_t hash = FNV_BASIS;
    for (; *key; key++)
        hash = (hash ^ (unsigned char)*key) * FNV_PRIME;
    return hash ? hash : 1; /* 0 is no key of a map */
}

static int close_board(struct kt_board *board)
{
    kt_map_clear(&board->cards);
    return 0;
}

struct kt_board *kt_board_new(TALLOC_CTX *context)
{
    struct kt_board *board = talloc_zero(context, struct kt_board);
    if (board)
        talloc_set_destructor(board, close_board);
    return board;
}

static struct kt_card *find(const struct kt_board *board, uint64_t hash, const char *key)
{
    struct kt_card *card = kt_map_get(&board->cards, hash);
    while (card && strcmp(card->key, key) != 0)
        card = card->next;
    return card;
}

struct kt_card *kt_board_find(const struct kt_board *board, const char *key)
{
    return find(board, hash_of(key), key);
}

struct kt_card *kt_board_get(struct kt_board *board, const char *key)
{
    uint64_t hash = hash_of(key);
    struct kt_card *card = find(board, hash, key);
    if (card)
        return card;
    card = talloc_zero_size(board, sizeof *card + strlen(key) + 1);
    if (!card)
        return NULL;
    talloc_set_name_const(card, "struct kt_card");
    memcpy(card->key, key, strlen(key) + 1);
    card->hash = hash;
    card->number = ++board->last_number;
    card->next = kt_map_get(&board->cards, hash);
    if (kt_map_put(&board->cards, hash, card) < 0) {
        talloc_free(card);
        return NULL;
    }
    board->count++;
    return card;
}

static void take_off(struct kt_board *board, struct kt_card *card)
{
    struct kt_card *first = kt_map_get(&board->cards, card->hash);
    if (first != card) {
        while (first->next != card)
            first = first->next;
        first->next = card->next;
    } else if (card->next) {
        kt_map_put(&board->cards, card->hash, card->next); /* replaces */
    } else {
        kt_map_take(&board->cards, card->hash);
    }
    board->count--;
    talloc_free(card);
}

void kt_board_tidy(struct kt_board *board, struct kt_card *card, int64_t now_ms)
{
    if (!card->has_entry && !card->waiters && card->reserved_until_ms <= now_ms)
        take_off(board, card);
}

void kt_board_each(struct kt_board *board, void (*visit)(struct kt_card *card, void *argument),
                   void *argument)
{
    /* a copy first: taking one off moves others in the map */
    size_t count = 0;
    struct kt_card **cards = talloc_array(board, struct kt_card *, board->count);
    if (!cards)
        return;
    for (size_t i = 0; i < board->cards.capacity; i++) {
        const struct kt_map_slot *slot = &board->cards.slots[i];
        for (struct kt_card *card = slot->key ? slot->value : NULL; card; card = card->next)
            cards[count++] = card;
    }
    for (size_t i = 0; i < count; i++)
        visit(cards[i], argument);
    talloc_free(cards);
}

int kt_card_wait(struct kt_card *card, const struct kt_from *from, int64_t deadline_ms)
{
    struct kt_waiter *waiter = talloc(card, struct kt_waiter);
    if (!waiter)
        return -ENOMEM;
    *waiter = (struct kt_waiter){card->waiters, *from, deadline_ms};
    card->waiters = waiter;
    return 0;
}

void kt_card_tell(struct kt_card *card)
{
    while (card->waiters) {
        struct kt_waiter *waiter = card->waiters;
        card->waiters = waiter->next;
        kt_reply(&waiter->from, 0, NULL, 0);
        talloc_free(waiter);
    }
}

void kt_card_forget_late(struct kt_card *card, int64_t now_ms)
{
    for (struct kt_waiter **place = &card->waiters; *place;) {
        struct kt_waiter *waiter = *place;
        if (waiter->deadline_ms > now_ms) {
            place = &waiter->next;
            continue;
        }
        *place = waiter->next;
        talloc_free(waiter);
    }
}
