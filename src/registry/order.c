/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A reference is a cell's number, or with the top bit the number of a node. A node tells by which
 * bit of which byte the keys below it first differ; children have later bits than their parents. A
 * key is followed by a NUL, which no key contains, so that none is a prefix of another.
 */
#include "registry/order.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NODE 0x80000000u
#define CAPACITY_MIN 64u

struct kt_order_node {
    uint32_t child[2]; /**< bit clear, bit set; of a free node: child[0] is the next free one + 1 */
    uint16_t byte;
    uint8_t bit; /**< one bit set */
};

/** A key; its end reads as NUL. */
struct key {
    const char *text;
    size_t bytes;
};

static struct key key_of(const struct kt_order *order, uint32_t cell)
{
    const struct kt_cell *found = kt_directory_cell(order->directory, cell);
    return (struct key){found->text, found->key_bytes};
}

static uint8_t byte_at(struct key key, size_t at)
{
    return at < key.bytes ? (uint8_t)key.text[at] : 0;
}

static struct kt_order_node *node_of(const struct kt_order *order, uint32_t reference)
{
    return &order->nodes[reference & ~NODE];
}

static unsigned side_of(const struct kt_order_node *node, struct key key)
{
    return (byte_at(key, node->byte) & node->bit) != 0;
}

/* ---------------------------------------------------------------- nodes */

static int take_node(struct kt_order *order, uint32_t *ret_node)
{
    if (order->free == 0) {
        uint32_t capacity = order->capacity ? order->capacity * 2 : CAPACITY_MIN;
        struct kt_order_node *nodes = realloc(order->nodes, capacity * sizeof *nodes);
        if (!nodes)
            return -ENOMEM;
        for (uint32_t i = capacity; i-- > order->capacity;) {
            nodes[i].child[0] = order->free;
            order->free = i + 1;
        }
        order->nodes = nodes;
        order->capacity = capacity;
    }
    *ret_node = order->free - 1;
    order->free = order->nodes[*ret_node].child[0];
    return 0;
}

static void give_node(struct kt_order *order, uint32_t reference)
{
    node_of(order, reference)->child[0] = order->free;
    order->free = (reference & ~NODE) + 1;
}

void kt_order_close(struct kt_order *order)
{
    free(order->nodes);
    *order = (struct kt_order){.directory = order->directory};
}

/* ---------------------------------------------------------------- changes */

/** The only cell that can have this key. */
static uint32_t nearest(const struct kt_order *order, struct key key)
{
    uint32_t reference = order->root;
    while (reference & NODE) {
        const struct kt_order_node *node = node_of(order, reference);
        reference = node->child[side_of(node, key)];
    }
    return reference;
}

/** The highest bit that is set. */
static uint8_t highest_bit(unsigned difference)
{
    return (uint8_t)(1u << (31 - __builtin_clz(difference)));
}

int kt_order_add(struct kt_order *order, uint32_t cell)
{
    if (order->root == 0) {
        order->root = cell;
        order->count = 1;
        return 0;
    }
    struct key key = key_of(order, cell), other = key_of(order, nearest(order, key));
    size_t at = 0;
    while (byte_at(key, at) == byte_at(other, at)) {
        assert(at < key.bytes); /* the key is not there */
        at++;
    }
    uint8_t bit = highest_bit(byte_at(key, at) ^ byte_at(other, at));
    uint32_t number;
    int result = take_node(order, &number);
    if (result < 0)
        return result;
    /* to where its place is among the nodes of this key: by byte, then from the highest bit */
    uint32_t *place = &order->root;
    while (*place & NODE) {
        struct kt_order_node *node = node_of(order, *place);
        if (node->byte > at || (node->byte == at && node->bit < bit))
            break;
        place = &node->child[side_of(node, key)];
    }
    struct kt_order_node *node = &order->nodes[number];
    *node = (struct kt_order_node){.byte = (uint16_t)at, .bit = bit};
    unsigned side = side_of(node, key);
    node->child[side] = cell;
    node->child[!side] = *place;
    *place = number | NODE;
    order->count++;
    return 0;
}

void kt_order_move(struct kt_order *order, uint32_t from, uint32_t to)
{
    struct key key = key_of(order, from);
    uint32_t *place = &order->root;
    while (*place & NODE) {
        struct kt_order_node *node = node_of(order, *place);
        place = &node->child[side_of(node, key)];
    }
    assert(*place == from);
    *place = to;
}

void kt_order_remove(struct kt_order *order, uint32_t cell)
{
    struct key key = key_of(order, cell);
    uint32_t *place = &order->root, *above = NULL;
    unsigned side = 0;
    while (*place & NODE) {
        struct kt_order_node *node = node_of(order, *place);
        above = place;
        side = side_of(node, key);
        place = &node->child[side];
    }
    assert(*place == cell);
    order->count--;
    if (!above) {
        order->root = 0;
        return;
    }
    uint32_t node = *above;
    *above = node_of(order, node)->child[!side];
    give_node(order, node);
}

/* ---------------------------------------------------------------- selecting */

struct selection {
    const struct kt_order *order;
    struct key prefix, after;
    bool has_after;
    bool (*visit)(uint32_t cell, void *argument);
    void *argument;
};

static int compare(struct key a, struct key b)
{
    size_t common = a.bytes < b.bytes ? a.bytes : b.bytes;
    int result = memcmp(a.text, b.text, common);
    return result != 0 ? result : a.bytes < b.bytes ? -1 : a.bytes > b.bytes;
}

static bool begins_with(struct key key, struct key prefix)
{
    return key.bytes >= prefix.bytes && memcmp(key.text, prefix.text, prefix.bytes) == 0;
}

/** Some cell below. */
static uint32_t any_below(const struct kt_order *order, uint32_t reference)
{
    while (reference & NODE)
        reference = node_of(order, reference)->child[0];
    return reference;
}

/**
 * Visit what is below in order. All keys below a node share what is before its bit; where that
 * differs from `after`, the whole subtree lies on one side of it. Depth is bounded by the bits of
 * a key.
 * @return false: the visit is over
 */
static bool visit_below(const struct selection *selection, uint32_t reference, bool is_behind)
{
    const struct kt_order *order = selection->order;
    if ((reference & NODE) == 0)
        return (!is_behind && compare(key_of(order, reference), selection->after) <= 0) ||
               selection->visit(reference, selection->argument);
    const struct kt_order_node *node = node_of(order, reference);
    unsigned first = 0;
    if (!is_behind) {
        struct key sample = key_of(order, any_below(order, reference));
        size_t at = 0;
        while (at < node->byte && byte_at(sample, at) == byte_at(selection->after, at))
            at++;
        unsigned known = at < node->byte ? 0xffu : 0xffu & ~(2u * node->bit - 1u);
        int difference =
            (int)(byte_at(sample, at) & known) - (int)(byte_at(selection->after, at) & known);
        if (difference < 0)
            return true;
        is_behind = difference > 0;
        if (!is_behind)
            first = side_of(node, selection->after);
    }
    if (first == 0 && !visit_below(selection, node->child[0], is_behind))
        return false;
    return visit_below(selection, node->child[1], is_behind || first == 0);
}

void kt_order_select(const struct kt_order *order, const char *prefix, size_t prefix_bytes,
                     const char *after, size_t after_bytes,
                     bool (*visit)(uint32_t cell, void *argument), void *argument)
{
    const struct selection selection = {
        order, {prefix, prefix_bytes}, {after, after_bytes}, after, visit, argument};
    if (order->root == 0)
        return;
    /* down to the subtree whose keys agree in at least as many bytes as the prefix has */
    uint32_t reference = order->root;
    while (reference & NODE) {
        const struct kt_order_node *node = node_of(order, reference);
        if (node->byte >= prefix_bytes)
            break;
        reference = node->child[side_of(node, selection.prefix)];
    }
    if (begins_with(key_of(order, any_below(order, reference)), selection.prefix))
        visit_below(&selection, reference, !selection.has_after);
}
