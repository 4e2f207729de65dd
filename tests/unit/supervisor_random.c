/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * If this failed: after some unlucky sequence of crashes a part of the system would stay down.
 * Random trees, thousands of random crashes; after each the invariants must hold: what must run
 * runs exactly once, groups were restarted in the order of their start, nothing leaks.
 */
#include "inside.h"

#include <stdio.h>

enum { TREES = 40, CRASHES = 150, DEPTH_MAX = 3, CHILDREN_MAX = 4, NODES_MAX = 256 };

/** A supervisor or a leaf of the random tree. */
struct node {
    struct kt_supervisor spec; /**< of a supervisor */
    struct kt_child children[CHILDREN_MAX + 1];
    struct node *child_nodes[CHILDREN_MAX];
    int child_count;
    bool is_leaf;
    enum kt_restart restart;
    kt_pid pid;       /**< of a leaf: who runs */
    int running;      /**< of a leaf: how many do */
    uint64_t started; /**< of a leaf: when, in starts of all */
    char id[16];
};

static struct node nodes[NODES_MAX];
static int node_count;
static struct node *leaves[NODES_MAX];
static int leaf_count;
static uint64_t starts, starts_seen;
static uint64_t random_state;

static uint32_t random_below(uint32_t limit)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % limit;
}

/* ---------------------------------------------------------------- leaves */

struct leaf {
    struct node *node;
};

static int leaf_ends(struct leaf *leaf)
{
    leaf->node->running--;
    leaf->node->pid = KT_PID_NONE;
    return 0;
}

static int leaf_init(void *argument, void **ret_state)
{
    if (random_below(50) == 0)
        return -EAGAIN; /* starting may fail as well */
    struct leaf *leaf = talloc_zero(kt_self_memory(), struct leaf);
    leaf->node = argument;
    leaf->node->running++;
    leaf->node->pid = kt_self();
    leaf->node->started = ++starts;
    talloc_set_destructor(leaf, leaf_ends);
    *ret_state = leaf;
    if (random_below(4) == 0)
        kt_yield();
    return 0;
}

static void leaf_message(void *state, const struct kt_message *message)
{
    (void)state;
    if (message->type == 1)
        kt_exit(KT_EXIT_NORMAL, NULL);
    kt_fail("random crash");
}

static const struct kt_server leaf_server = {
    .label = "leaf", .init = leaf_init, .handle_message = leaf_message};

/* ---------------------------------------------------------------- trees */

static struct node *grow(int depth)
{
    assert_true(node_count < NODES_MAX);
    struct node *node = &nodes[node_count++];
    memset(node, 0, sizeof *node);
    snprintf(node->id, sizeof node->id, "n%d", node_count);
    if (depth == DEPTH_MAX || (depth > 0 && random_below(3) == 0)) {
        node->is_leaf = true;
        leaves[leaf_count++] = node;
        node->restart = random_below(4) == 0 ? KT_TRANSIENT : KT_PERMANENT;
        return node;
    }
    node->child_count = 1 + (int)random_below(CHILDREN_MAX);
    for (int i = 0; i < node->child_count; i++) {
        struct node *child = node->child_nodes[i] = grow(depth + 1);
        node->children[i] = (struct kt_child){
            .id = child->id,
            .restart = child->restart,
            .server = child->is_leaf ? &leaf_server : NULL,
            .argument = child->is_leaf ? child : NULL,
            .supervisor = child->is_leaf ? NULL : &child->spec,
        };
    }
    node->spec = (struct kt_supervisor){
        .label = node->id,
        .strategy = (enum kt_strategy)random_below(KT_DYNAMIC),
        .intensity = 100000,
        .period_ms = 1000,
        .children = node->children,
    };
    return node;
}

static bool all_run(void)
{
    for (int i = 0; i < node_count; i++)
        if (nodes[i].is_leaf && nodes[i].restart == KT_PERMANENT && nodes[i].running != 1)
            return false;
    return true;
}

/** When the last of a subtree's permanent leaves was started; of the first one if not `last`. */
static uint64_t started(const struct node *node, bool last)
{
    if (node->is_leaf)
        return node->restart == KT_PERMANENT ? node->started : 0;
    uint64_t result = 0;
    for (int i = 0; i < node->child_count; i++) {
        uint64_t value = started(node->child_nodes[i], last);
        if (value && (!result || (last ? value > result : value < result)))
            result = value;
    }
    return result;
}

/** Leaves of a one_for_all or rest_for_one group must have started in the order of the group. */
static void check_order(const struct node *node)
{
    if (node->is_leaf || node->spec.strategy == KT_ONE_FOR_ONE)
        return;
    uint64_t before = 0;
    for (int i = 0; i < node->child_count; i++) {
        const struct node *child = node->child_nodes[i];
        if (!child->is_leaf)
            continue; /* its leaves restart on their own */
        uint64_t at = started(child, false);
        assert_true(at == 0 || at > before);
        before = at ? at : before;
    }
}

static void crash_one(void)
{
    struct node *node = leaves[random_below((uint32_t)leaf_count)];
    if (!node->pid)
        return; /* a transient one that ended normally */
    switch (random_below(3)) {
    case 0:
        kt_signal(node->pid, KT_EXIT_KILL, "random kill");
        break;
    case 1:
        kt_send(node->pid, 1, NULL, 0);
        break;
    default:
        kt_send(node->pid, 2, NULL, 0);
    }
}

static void one_tree(void)
{
    node_count = leaf_count = 0;
    struct node *root = grow(0);
    uint64_t starts_before = starts;
    kt_pid pid;
    int status;
    while ((status = kt_supervisor_start(&root->spec, NULL, &pid)) == -EAGAIN)
        ; /* a leaf did not want to start: nothing may be left of the try */
    assert_int_equal(status, 0);
    for (int i = 0; i < CRASHES; i++) {
        for (uint32_t burst = random_below(4); burst > 0; burst--)
            crash_one();
        crash_one();
        do
            kt_yield(); /* the crash happens now */
        while (!all_run());
        for (int j = 0; j < node_count; j++) {
            assert_true(!nodes[j].is_leaf || nodes[j].running <= 1);
            check_order(&nodes[j]);
        }
    }
    assert_int_equal(kt_supervisor_stop(pid, -1), 0);
    for (int i = 0; i < node_count; i++)
        assert_true(!nodes[i].is_leaf || nodes[i].running == 0);
    struct kt_runtime_counts counts;
    kt_runtime_counts(&counts);
    assert_int_equal(counts.processes, 1);
    starts_seen += starts - starts_before;
}

static void test_random_crashes(void)
{
    const char *seed = getenv("KONTOR_TEST_SEED");
    for (int i = 0; i < TREES; i++) {
        random_state = (seed ? (uint64_t)strtoull(seed, NULL, 10) : 1u) * 1000003u + (uint64_t)i;
        one_tree();
    }
    assert_true(starts_seen > TREES * CRASHES); /* there were thousands of restarts */
}

CASE(random_crashes)

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_crashes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
