/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * If this fails, lists of entries miss some or come in the wrong order, or a worker that looks a
 * key up while it changes sees half of it. Checked against a sorted array and against a writer at
 * work.
 */
#include "inside.h"

#include "registry/directory.h"
#include "registry/expiry.h"
#include "registry/order.h"

#include <pthread.h>
#include <unistd.h>

static uint32_t seed = 1;

static uint32_t random_below(uint32_t limit)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % limit;
}

/* ---------------------------------------------------------------- a model of the directory */

#define MODEL_MAX 300

struct model {
    char key[KT_REGISTRY_KEY_MAX + 1];
    size_t key_bytes;
    struct kt_cell *cell;
};

static struct model model[MODEL_MAX];
static uint32_t model_count;
static struct kt_directory directory;
static struct kt_order order;

static int compare_models(const void *a, const void *b)
{
    return strcmp(((const struct model *)a)->key, ((const struct model *)b)->key);
}

/** Few different bytes and lengths: keys that are prefixes of others, and bytes above 127. */
static size_t random_key(char *key)
{
    static const char bytes[] = {'a', 'b', '\x01', '\xff', '\x80', '/'};
    size_t length = 1 + random_below(random_below(4) == 0 ? KT_REGISTRY_KEY_MAX : 6);
    for (size_t i = 0; i < length; i++)
        key[i] = bytes[random_below(sizeof bytes)];
    key[length] = '\0';
    return length;
}

static void fill_values(struct kt_cell_values *values, const char *key, size_t key_bytes)
{
    static char value[KT_REGISTRY_VALUE_MAX];
    uint16_t value_bytes = (uint16_t)random_below(KT_REGISTRY_VALUE_MAX);
    memset(value, (int)(random_below(200) + 1), value_bytes);
    *values = (struct kt_cell_values){.key = key,
                                      .key_bytes = (uint16_t)key_bytes,
                                      .value = value,
                                      .value_bytes = value_bytes,
                                      .version = seed,
                                      .hash = kt_directory_hash(&directory, key, key_bytes)};
}

static const struct kt_cell *find(const char *key, size_t key_bytes)
{
    return kt_directory_find(&directory, kt_directory_hash(&directory, key, key_bytes), key,
                             key_bytes);
}

static void add_one(void)
{
    struct kt_cell_values values;
    struct model *one = &model[model_count];
    one->key_bytes = random_key(one->key);
    bool is_there = false;
    for (uint32_t i = 0; i < model_count; i++)
        is_there |= strcmp(model[i].key, one->key) == 0;
    assert_int_equal(find(one->key, one->key_bytes) != NULL, is_there);
    if (is_there)
        return;
    fill_values(&values, one->key, one->key_bytes);
    one->cell = kt_directory_add(&directory, &values);
    assert_non_null(one->cell);
    assert_int_equal(kt_order_add(&order, kt_directory_number(&directory, one->cell)), 0);
    model_count++;
}

static void change_one(struct model *one)
{
    struct kt_cell_values values;
    fill_values(&values, one->key, one->key_bytes);
    uint32_t from = kt_directory_number(&directory, one->cell);
    one->cell = kt_directory_change(&directory, one->cell, &values);
    assert_non_null(one->cell);
    if (kt_directory_number(&directory, one->cell) != from)
        kt_order_move(&order, from, kt_directory_number(&directory, one->cell));
    struct kt_registry_entry entry;
    assert_int_equal(kt_directory_read(&directory, one->key, one->key_bytes, &entry), 0);
    assert_int_equal(entry.value_bytes, values.value_bytes);
    assert_memory_equal(entry.value, values.value, values.value_bytes);
}

static void remove_one(uint32_t place)
{
    kt_order_remove(&order, kt_directory_number(&directory, model[place].cell));
    kt_directory_remove(&directory, model[place].cell);
    model[place] = model[--model_count];
}

struct expectation {
    uint32_t next;
    const char *prefix;
    size_t prefix_bytes;
};

static bool next_fits(struct expectation *expectation)
{
    while (expectation->next < model_count &&
           strncmp(model[expectation->next].key, expectation->prefix, expectation->prefix_bytes) !=
               0)
        expectation->next++;
    return expectation->next < model_count;
}

static bool visit(uint32_t number, void *argument)
{
    struct expectation *expectation = argument;
    const struct kt_cell *cell = kt_directory_cell(&directory, number);
    assert_true(next_fits(expectation));
    const struct model *expected = &model[expectation->next++];
    assert_int_equal(cell->key_bytes, expected->key_bytes);
    assert_memory_equal(cell->text, expected->key, expected->key_bytes);
    return true;
}

static void check_selections(void)
{
    char prefix[KT_REGISTRY_KEY_MAX + 1], after[KT_REGISTRY_KEY_MAX + 1];
    qsort(model, model_count, sizeof *model, compare_models);
    for (int i = 0; i < 20; i++) {
        struct expectation expectation = {0, prefix, 0};
        expectation.prefix_bytes = random_below(3) == 0 ? 0 : random_key(prefix);
        size_t after_bytes = random_below(2) ? random_key(after) : 0;
        if (after_bytes)
            while (expectation.next < model_count &&
                   strcmp(model[expectation.next].key, after) <= 0)
                expectation.next++;
        kt_order_select(&order, prefix, expectation.prefix_bytes, after_bytes ? after : NULL,
                        after_bytes, visit, &expectation);
        assert_false(next_fits(&expectation));
    }
}

static void like_a_sorted_array(void **state)
{
    (void)state;
    int fd = kt_directory_make(KT_DIRECTORY_BYTES_MIN);
    assert_int_equal(kt_directory_map_writer(fd, &directory), 0);
    close(fd);
    order.directory = &directory;
    for (int round = 0; round < 3000; round++) {
        uint32_t grows = round / 500 % 2 ? 3 : 6;
        if (model_count < MODEL_MAX && random_below(10) < grows)
            add_one();
        else if (model_count > 0 && random_below(3) == 0)
            change_one(&model[random_below(model_count)]);
        else if (model_count > 0)
            remove_one(random_below(model_count));
        if (round % 50 == 0)
            check_selections();
    }
    while (model_count > 0)
        remove_one(0);
    assert_int_equal(order.root, 0);
    assert_int_equal(directory.entries, 0);
    kt_order_close(&order);
    kt_directory_unmap(&directory);
}

/* ---------------------------------------------------------------- reading while it changes */

#define TURNS 200000

static _Atomic bool is_over;
static int shared_fd;

/** A value is one byte again and again, and its length fits the byte. */
static void *read_on(void *argument)
{
    struct kt_directory mine;
    uint64_t *found = argument;
    assert_int_equal(kt_directory_map_reader(shared_fd, &mine), 0);
    for (uint32_t i = 0; !is_over; i++) {
        struct kt_registry_entry entry;
        char key[16];
        snprintf(key, sizeof key, "k%u", i % 8);
        int result = kt_directory_read(&mine, key, strlen(key), &entry);
        if (result == -ENOENT)
            continue;
        assert_int_equal(result, 0);
        assert_string_equal(entry.key, key);
        assert_int_equal(entry.value_bytes, (unsigned char)entry.value[0] * 4u);
        for (uint32_t j = 1; j < entry.value_bytes; j++)
            assert_int_equal(entry.value[j], entry.value[0]);
        ++*found;
    }
    kt_directory_unmap(&mine);
    return NULL;
}

static void readers_never_see_half(void **state)
{
    pthread_t readers[2];
    uint64_t found[2] = {0};
    struct kt_cell *cells[8] = {NULL};
    (void)state;
    shared_fd = kt_directory_make(KT_DIRECTORY_BYTES_MIN);
    assert_int_equal(kt_directory_map_writer(shared_fd, &directory), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_on, &found[i]), 0);
    for (int turn = 0; turn < TURNS; turn++) {
        char key[16], value[KT_REGISTRY_VALUE_MAX];
        uint32_t place = random_below(8), byte = 1 + random_below(250);
        snprintf(key, sizeof key, "k%u", place);
        memset(value, (int)byte, sizeof value);
        const struct kt_cell_values values = {.key = key,
                                              .key_bytes = (uint16_t)strlen(key),
                                              .value = value,
                                              .value_bytes = (uint16_t)(byte * 4),
                                              .hash =
                                                  kt_directory_hash(&directory, key, strlen(key))};
        if (!cells[place]) {
            cells[place] = kt_directory_add(&directory, &values);
        } else if (random_below(2)) {
            cells[place] = kt_directory_change(&directory, cells[place], &values);
        } else {
            kt_directory_remove(&directory, cells[place]);
            cells[place] = NULL;
        }
    }
    is_over = true;
    for (int i = 0; i < 2; i++)
        pthread_join(readers[i], NULL);
    assert_true(found[0] + found[1] > 0);
    kt_directory_unmap(&directory);
    close(shared_fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(like_a_sorted_array),
        cmocka_unit_test(readers_never_see_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
