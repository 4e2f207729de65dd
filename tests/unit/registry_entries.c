/* SPDX-License-Identifier: BSD-2-Clause */
/* If this fails, a key may have two owners or none, or what was to be kept is lost. */
#include "registry_house.h"

#include <fcntl.h>

static struct kt_registry_entry entry;

static int put(const char *key, const char *value)
{
    const struct kt_registration what = {.key = key, .value = value, .value_bytes = strlen(value)};
    return kt_registry_register(&what, &entry);
}

static void test_register_and_look_up(void)
{
    assert_int_equal(kt_registry_lookup("shop/a", &entry), -ENOENT);
    assert_int_equal(put("shop/a", "first"), 0);
    assert_string_equal(entry.value, "first");
    assert_int_equal(entry.owner, kt_self());
    memset(&entry, 0xff, sizeof entry);
    assert_int_equal(kt_registry_lookup("shop/a", &entry), 0);
    assert_string_equal(entry.key, "shop/a");
    assert_string_equal(entry.value, "first");
    assert_int_equal(entry.value_bytes, 5);
    assert_int_equal(entry.owner, kt_self());
    assert_false(entry.has_file);
    assert_true(entry.registered_ms > 1600000000000);
    assert_int_equal(put("shop/a", "second"), -EEXIST);
    assert_string_equal(entry.value, "first");
    uint64_t version = entry.version;
    const struct kt_registration longer = {
        .key = "shop/a", .value = (char[1024]){"a much longer value"}, .value_bytes = 1024};
    assert_int_equal(kt_registry_update(&longer), 0);
    assert_int_equal(kt_registry_lookup("shop/a", &entry), 0);
    assert_int_equal(entry.value_bytes, 1024);
    assert_true(entry.version > version);
    assert_int_equal(kt_registry_unregister("shop/a"), 0);
    assert_int_equal(kt_registry_unregister("shop/a"), -ENOENT);
    assert_int_equal(kt_registry_update(&longer), -ENOENT);
    assert_int_equal(kt_registry_lookup("shop/a", &entry), -ENOENT);
}
HOUSE_CASE(register_and_look_up)

static void test_refuse_nonsense(void)
{
    char key[300];
    memset(key, 'k', sizeof key);
    key[sizeof key - 1] = '\0';
    assert_int_equal(put("", ""), -EINVAL);
    assert_int_equal(put(key, ""), -EINVAL);
    key[KT_REGISTRY_KEY_MAX] = '\0';
    assert_int_equal(put(key, ""), 0);
    char value[KT_REGISTRY_VALUE_MAX + 2];
    memset(value, 'v', sizeof value);
    value[sizeof value - 1] = '\0';
    assert_int_equal(put("v", value), -EINVAL);
    value[KT_REGISTRY_VALUE_MAX] = '\0';
    assert_int_equal(put("v", value), 0);
    assert_int_equal(kt_registry_lookup("v", &entry), 0);
    assert_string_equal(entry.value, value);
    assert_int_equal(kt_registry_lookup("", &entry), -EINVAL);
}
HOUSE_CASE(refuse_nonsense)

static void hold(void *key)
{
    kt_must(put(key, "held") == 0 ? key : NULL);
    const struct kt_message *message;
    kt_receive(-1, &message);
}

static void test_another_may_not_touch(void)
{
    kt_pid owner;
    char key[] = "held";
    assert_int_equal(kt_spawn(NULL, hold, key, &owner), 0);
    AWAIT(kt_registry_lookup(key, &entry) == 0);
    const struct kt_registration other = {.key = key, .value = "x", .value_bytes = 1};
    assert_int_equal(kt_registry_update(&other), -EPERM);
    assert_int_equal(kt_registry_unregister(key), -EPERM);
    assert_int_equal(kt_registry_register(&other, &entry), -EEXIST);
    assert_int_equal(entry.owner, owner);
    kt_signal(owner, KT_EXIT_KILL, "test");
    assert_int_equal(kt_join(owner, -1), 0);
    /* at once, even before the registry has heard of it */
    assert_int_equal(kt_registry_lookup(key, &entry), -ENOENT);
    assert_int_equal(put(key, "mine"), 0);
}
HOUSE_CASE(another_may_not_touch)

/** However a process ends, its entries go. */
static void end_somehow(void *how)
{
    kt_must(put("ends/1", "") == 0 && put("ends/2", "") == 0 ? how : NULL);
    switch ((uintptr_t)how) {
    case 1:
        kt_exit(KT_EXIT_SHUTDOWN, NULL);
    case 2:
        kt_sleep(100000);
        break;
    default:
        break;
    }
}

static void test_ends_with_its_owner(void)
{
    for (uintptr_t how = 1; how <= 3; how++) {
        kt_pid pid;
        assert_int_equal(kt_spawn(NULL, end_somehow, (void *)how, &pid), 0);
        AWAIT(!kt_is_alive(pid) || kt_registry_lookup("ends/2", &entry) == 0);
        kt_signal(pid, KT_EXIT_KILL, "test");
        kt_join(pid, -1);
        struct kt_registry_page *page;
        do {
            assert_int_equal(kt_registry_select("ends/", NULL, 0, &page), 0);
        } while (page->count > 0);
    }
}
HOUSE_CASE(ends_with_its_owner)

static void keep(void *until)
{
    const struct kt_registration what = {
        .key = "kept", .value = "v", .value_bytes = 1, .keep_until_ms = *(int64_t *)until};
    kt_must(kt_registry_register(&what, NULL) == 0 ? until : NULL);
}

static void test_kept_without_owner(void)
{
    int64_t until = kt_unix_ms() + 100000;
    kt_pid pid;
    assert_int_equal(kt_spawn(NULL, keep, &until, &pid), 0);
    kt_join(pid, -1);
    AWAIT(kt_registry_lookup("kept", &entry) == 0 && entry.owner == KT_PID_NONE);
    assert_int_equal(put("kept", "other"), -EEXIST);
    assert_int_equal(entry.keep_until_ms, until);
    /* anybody may change it now, or let it go */
    struct kt_registration what = {
        .key = "kept", .value = "w", .value_bytes = 1, .keep_until_ms = kt_unix_ms() + 50};
    assert_int_equal(kt_registry_update(&what), 0);
    assert_int_equal(kt_registry_lookup("kept", &entry), 0);
    assert_string_equal(entry.value, "w");
    int64_t begin = kt_unix_ms();
    AWAIT(kt_registry_lookup("kept", &entry) == -ENOENT);
    assert_true(kt_unix_ms() - begin >= 40);
    /* again, and removed by another */
    assert_int_equal(kt_spawn(NULL, keep, &until, &pid), 0);
    kt_join(pid, -1);
    AWAIT(kt_registry_lookup("kept", &entry) == 0 && entry.owner == KT_PID_NONE);
    assert_int_equal(kt_registry_unregister("kept"), 0);
    assert_int_equal(kt_registry_lookup("kept", &entry), -ENOENT);
}
HOUSE_CASE(kept_without_owner)

/** Registers many to be kept for different times, in no order, and ends. */
static void keep_many(void *argument)
{
    int64_t now = kt_unix_ms();
    for (int i = 0; i < 200; i++) {
        char key[32];
        int number = i * 73 % 200;
        snprintf(key, sizeof key, "expire/%03d", number);
        const struct kt_registration what = {.key = key, .keep_until_ms = now + 1000 + number};
        kt_must(kt_registry_register(&what, NULL) == 0 ? argument : NULL);
    }
}

static void test_expire_in_order(void)
{
    kt_pid pid;
    uint64_t reference;
    char key[32];
    assert_int_equal(kt_spawn(NULL, keep_many, &pid, &pid), 0);
    kt_join(pid, -1);
    assert_int_equal(kt_registry_lookup("expire/199", &entry), 0);
    assert_int_equal(kt_registry_subscribe("expire/", &reference), 0);
    for (int i = 0; i < 200;) {
        const struct kt_message *message;
        assert_int_equal(kt_receive(10000, &message), 0);
        const struct kt_registry_change *change = message->data;
        if (change->event != KT_REGISTRY_GONE)
            continue;
        snprintf(key, sizeof key, "expire/%03d", i++);
        assert_string_equal(change->key, key);
    }
}
HOUSE_CASE(expire_in_order)

static void test_select_in_order(void)
{
    char key[32];
    struct kt_registry_page *page;
    enum { COUNT = 1000 };
    for (int i = 0; i < COUNT; i++) {
        snprintf(key, sizeof key, "list/%03d", (i * 377) % COUNT);
        assert_int_equal(put(key, key), 0);
    }
    assert_int_equal(put("lis", ""), 0);
    assert_int_equal(put("list", ""), 0);
    assert_int_equal(put("list0", ""), 0);
    int seen = 0;
    char after[KT_REGISTRY_KEY_MAX + 1];
    bool has_more = true;
    for (bool is_first = true; has_more; is_first = false) {
        assert_int_equal(kt_registry_select("list/", is_first ? NULL : after, 0, &page), 0);
        for (uint32_t i = 0; i < page->count; i++) {
            snprintf(key, sizeof key, "list/%03d", seen++);
            assert_string_equal(page->entries[i]->key, key);
            assert_string_equal(page->entries[i]->value, key);
        }
        has_more = page->has_more;
        strcpy(after, page->entries[page->count - 1]->key);
        talloc_free(page);
    }
    assert_int_equal(seen, COUNT);
    assert_int_equal(kt_registry_select("list/99", "list/995", 3, &page), 0);
    assert_int_equal(page->count, 3);
    assert_string_equal(page->entries[0]->key, "list/996");
    assert_true(page->has_more);
    assert_int_equal(kt_registry_select("", NULL, 2, &page), 0);
    assert_string_equal(page->entries[0]->key, "lis");
    assert_string_equal(page->entries[1]->key, "list");
    assert_int_equal(kt_registry_select("nobody", NULL, 0, &page), 0);
    assert_int_equal(page->count, 0);
}
HOUSE_CASE(select_in_order)

static struct kt_memory_file *make_file(const char *text, bool is_sealed)
{
    struct kt_memory_file *file;
    assert_int_equal(kt_memory_file_new(kt_self_memory(), "test", &file), 0);
    assert_int_equal(write(file->fd, text, strlen(text)), strlen(text));
    if (is_sealed)
        assert_int_equal(kt_memory_file_seal(file), 0);
    return file;
}

static void test_memory_files(void)
{
    struct kt_memory_file *file;
    char text[32] = "";
    struct kt_registration what = {.key = "file", .file = make_file("not sealed", false)};
    assert_int_equal(kt_registry_register(&what, &entry), -EPERM);
    what.file = make_file("the report", true);
    assert_int_equal(kt_registry_register(&what, &entry), 0);
    assert_true(entry.has_file);
    assert_int_equal(entry.file_bytes, 10);
    talloc_free((void *)(uintptr_t)what.file);
    assert_int_equal(kt_registry_file("nobody's", &file), -ENOENT);
    assert_int_equal(kt_registry_file("file", &file), 0);
    assert_int_equal(file->size_bytes, 10);
    what.file = make_file("a newer one", true);
    assert_int_equal(kt_registry_update(&what), 0);
    assert_int_equal(kt_registry_unregister("file"), 0);
    assert_int_equal(kt_registry_file("file", &(struct kt_memory_file *){NULL}), -ENOENT);
    assert_int_equal(pread(file->fd, text, sizeof text, 0), 10); /* still there for who has it */
    assert_string_equal(text, "the report");
    assert_int_equal(write(file->fd, "x", 1), -1);
    /* without a file an update leaves it */
    what.file = make_file("stays", true);
    assert_int_equal(kt_registry_register(&what, &entry), 0);
    what.file = NULL;
    assert_int_equal(kt_registry_update(&what), 0);
    assert_int_equal(kt_registry_file("file", &file), 0);
    assert_int_equal(file->size_bytes, 5);
}
HOUSE_CASE(memory_files)

static void test_full_of_files(void)
{
    char key[32];
    struct kt_registration what = {.key = key, .file = make_file("small", true)};
    for (unsigned i = 0; i < KT_FILES_MAX; i++) {
        snprintf(key, sizeof key, "file/%u", i);
        assert_int_equal(kt_registry_register(&what, &entry), 0);
    }
    strcpy(key, "file/one-too-many");
    assert_int_equal(kt_registry_register(&what, &entry), -EMFILE);
    assert_int_equal(kt_registry_lookup(key, &entry), -ENOENT);
    assert_int_equal(kt_registry_unregister("file/17"), 0);
    assert_int_equal(kt_registry_register(&what, &entry), 0);
    assert_int_equal(kt_registry_unregister("file/18"), 0);
    struct kt_memory_file *large;
    assert_int_equal(kt_memory_file_new(kt_self_memory(), "large", &large), 0);
    assert_int_equal(ftruncate(large->fd, 65 << 20), 0);
    assert_int_equal(kt_memory_file_seal(large), 0);
    what.file = large;
    strcpy(key, "file/too-large");
    assert_int_equal(kt_registry_register(&what, &entry), -ENOSPC);
}
HOUSE_CASE(full_of_files)

/** A full registry says so, and everything in it goes on. */
static void test_fill(void)
{
    char key[32];
    int result = 0;
    unsigned count = 0;
    for (; result == 0; count += result == 0) {
        snprintf(key, sizeof key, "full/%u", count);
        result = put(key, key);
    }
    assert_int_equal(result, -ENOSPC);
    assert_in_range(count, 1000, 20000);
    for (unsigned i = 0; i < count; i++) {
        snprintf(key, sizeof key, "full/%u", i);
        assert_int_equal(kt_registry_lookup(key, &entry), 0);
        assert_string_equal(entry.value, key);
    }
    assert_int_equal(kt_registry_unregister("full/7"), 0);
    assert_int_equal(put("again", ""), 0);
}

static void full(void **state)
{
    (void)state;
    house_open_sized(KT_DIRECTORY_BYTES_MIN, 1 << 20);
    house_run(1, test_fill);
    house_close();
}

static void expect_change(enum kt_registry_event event, const char *key)
{
    const struct kt_message *message;
    assert_int_equal(kt_receive(10000, &message), 0);
    assert_int_equal(message->type, KT_MESSAGE_REGISTRY);
    const struct kt_registry_change *change = message->data;
    assert_int_equal(change->event, event);
    assert_string_equal(change->key, key);
}

static void test_changes(void)
{
    uint64_t all, some;
    const struct kt_message *message;
    assert_int_equal(put("news/before", ""), 0);
    assert_int_equal(kt_registry_subscribe("news/", &some), 0);
    assert_int_equal(put("other", ""), 0);
    assert_int_equal(put("news/a", ""), 0);
    expect_change(KT_REGISTRY_REGISTERED, "news/a");
    const struct kt_registration what = {.key = "news/a", .value = "x", .value_bytes = 1};
    assert_int_equal(kt_registry_update(&what), 0);
    expect_change(KT_REGISTRY_UPDATED, "news/a");
    assert_int_equal(kt_registry_unregister("news/a"), 0);
    expect_change(KT_REGISTRY_GONE, "news/a");
    assert_int_equal(kt_registry_subscribe("", &all), 0);
    assert_int_equal(kt_registry_unregister("other"), 0);
    expect_change(KT_REGISTRY_GONE, "other");
    kt_registry_unsubscribe(all);
    assert_int_equal(put("other", ""), 0);
    kt_registry_unsubscribe(some);
    assert_int_equal(put("news/b", ""), 0);
    assert_int_equal(kt_receive(20, &message), -ETIMEDOUT);
}
HOUSE_CASE(changes)

static void slow_subscriber(void *argument)
{
    uint64_t reference;
    unsigned *seen = argument;
    kt_must(kt_registry_subscribe("many/", &reference) == 0 ? argument : NULL);
    seen[1] = 1;
    AWAIT(seen[1] == 2);
    const struct kt_message *message;
    while (kt_receive(1000, &message) == 0) {
        const struct kt_registry_change *change = message->data;
        seen[2] += change->event == KT_REGISTRY_LOST;
        seen[0]++;
    }
}

/** A subscriber that is too slow is told that it has missed something. */
static void test_lost_changes(void)
{
    unsigned seen[3] = {0};
    char key[32];
    kt_pid pid;
    assert_int_equal(kt_spawn(&(struct kt_spawn){.mailbox_limit = 10}, slow_subscriber, seen, &pid),
                     0);
    AWAIT(seen[1]);
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "many/%d", i);
        assert_int_equal(put(key, ""), 0);
    }
    seen[1] = 2;
    kt_join(pid, -1);
    assert_int_equal(seen[0], 11);
    assert_int_equal(seen[2], 1);
}
HOUSE_CASE(lost_changes)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(register_and_look_up),
        cmocka_unit_test(refuse_nonsense),
        cmocka_unit_test(another_may_not_touch),
        cmocka_unit_test(ends_with_its_owner),
        cmocka_unit_test(kept_without_owner),
        cmocka_unit_test(expire_in_order),
        cmocka_unit_test(select_in_order),
        cmocka_unit_test(memory_files),
        cmocka_unit_test(full_of_files),
        cmocka_unit_test(full),
        cmocka_unit_test(changes),
        cmocka_unit_test(lost_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
