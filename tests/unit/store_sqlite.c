/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: what was written to a store in SQLite would be lost, found changed, or keep its
 * worker from ending. */
#include "config.h"

#include "inside.h"

#include "base/log.h"
#include "store/store.h"

/** Processes that write at once. */
#define WRITERS 200
/** Processes that add at once: fewer than the scheduler runs before it looks at the clock. */
#define ADDERS 20

static char folder[64], path[128];
static struct kt_store_address address = {.kind = KT_STORE_SQLITE, .path = path, .shown = path};
static int writers_done, adders_done;

/** Run a test in a process of a fresh runtime with a store. */
static void run_with_store(void (*test)(void))
{
    struct inside inside = {.test = test};
    struct kt_runtime_counts counts;
    struct kt_error error;
    const struct kt_store_options options = {.address = &address, .timeout_ms = 5000};
    assert_int_equal(kt_runtime_start(NULL, NULL), 0);
    assert_int_equal(kt_store_start(&options, &error), 0);
    assert_int_equal(kt_spawn(NULL, inside_main, &inside, NULL), 0);
    kt_runtime_run();
    kt_store_close();
    kt_runtime_close();
    kt_runtime_counts(&counts);
    assert_true(inside.is_done);
    assert_int_equal(counts.processes, 0);
}

#define STORE_CASE(name)                                                                           \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        run_with_store(test_##name);                                                               \
    }

static int begin(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/kontor-store-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/store.db", folder);
    return 0;
}

static int end(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static void test_documents(void)
{
    struct kt_store_document *document;
    uint64_t first, second, third;
    assert_int_equal(kt_store_get("unit", "a", &document), -ENOENT);
    assert_int_equal(kt_store_put("unit", "a", "one", 3, KT_STORE_NEW, &first), 0);
    assert_int_equal(kt_store_put("unit", "a", "two", 3, KT_STORE_NEW, NULL), -ESTALE);
    assert_int_equal(kt_store_put("unit", "a", "two", 3, first + 1, NULL), -ESTALE);
    assert_int_equal(kt_store_put("unit", "a", "two", 3, first, &second), 0);
    assert_int_equal(kt_store_get("unit", "a", &document), 0);
    assert_string_equal(document->value, "two");
    assert_string_equal(document->key, "a");
    assert_int_equal(document->value_bytes, 3);
    assert_true(document->revision == second && second > first);
    assert_int_equal(kt_store_delete("unit", "a", first), -ESTALE);
    assert_int_equal(kt_store_delete("unit", "a", second), 0);
    assert_int_equal(kt_store_delete("unit", "a", KT_STORE_ANY), -ENOENT);
    assert_int_equal(kt_store_put("unit", "a", NULL, 0, KT_STORE_NEW, &third), 0);
    assert_true(third > second);
    assert_int_equal(kt_store_get("unit", "a", &document), 0);
    assert_int_equal(document->value_bytes, 0);
}
STORE_CASE(documents)

static void write_own(void *argument)
{
    char key[32];
    snprintf(key, sizeof key, "writer-%03d", (int)(intptr_t)argument);
    for (int i = 0; i < 5; i++)
        assert_int_equal(kt_store_put("many", key, key, strlen(key), KT_STORE_ANY, NULL), 0);
    assert_int_equal(kt_store_add("many", "sum", 1, NULL), 0);
    writers_done++;
}

static void test_many_writers(void)
{
    struct kt_store_page *page;
    int64_t sum;
    for (intptr_t i = 0; i < WRITERS; i++)
        assert_int_equal(kt_spawn(NULL, write_own, (void *)i, NULL), 0);
    AWAIT(writers_done == WRITERS);
    assert_int_equal(kt_store_add("many", "sum", 0, &sum), 0);
    assert_int_equal(sum, WRITERS);
    assert_int_equal(kt_store_scan("many", "writer-", NULL, 150, &page), 0);
    assert_int_equal(page->count, 150);
    assert_true(page->has_more);
    assert_int_equal(kt_store_scan("many", "writer-", page->documents[149]->key, 150, &page), 0);
    assert_int_equal(page->count, WRITERS - 150);
    assert_false(page->has_more);
}
STORE_CASE(many_writers)

/** @return how many transactions are in the log, which has been closed in good order before: so
 * often the disk was synced since */
static int count_commits(void)
{
    enum { HEAD = 32, FRAME = 24 + 4096, SIZE_AT = 4 };
    static const unsigned char nothing[4];
    unsigned char size[4];
    char log[sizeof path + 8];
    int count = 0;
    snprintf(log, sizeof log, "%s-wal", path);
    FILE *file = fopen(log, "rb");
    assert_non_null(file);
    for (long at = HEAD; fseek(file, at + SIZE_AT, SEEK_SET) == 0 &&
                         fread(size, 1, sizeof size, file) == sizeof size;
         at += FRAME)
        count += memcmp(size, nothing, sizeof size) != 0; /* a size only where one ends */
    fclose(file);
    return count;
}

/** Add after a while that needs the processor, so that a writer has the time to take one alone. */
static void add_one(void *argument)
{
    uint64_t until_ns = uv_hrtime() + 200000;
    (void)argument;
    while (uv_hrtime() < until_ns)
        ;
    assert_int_equal(kt_store_add("unit", "counter", 1, NULL), 0);
    adders_done++;
}

/** What processes ask in one turn of the loop shares a sync of the disk: not one for the first and
 * another for those that came while that was under way. */
static void test_one_sync(void)
{
    assert_int_equal(kt_store_add("unit", "counter", 1, NULL), 0);
    int before = count_commits();
    for (int i = 0; i < ADDERS; i++)
        assert_int_equal(kt_spawn(NULL, add_one, NULL, NULL), 0);
    AWAIT(adders_done == ADDERS);
    assert_int_equal(count_commits() - before, 1);
}
STORE_CASE(one_sync)

/** Read what test_many_writers has left: it was closed in good order in between. */
static void test_what_lasts(void)
{
    struct kt_store_document *document;
    struct kt_store_lease lease, other;
    assert_int_equal(kt_store_get("many", "writer-007", &document), 0);
    assert_string_equal(document->value, "writer-007");
    assert_int_equal(kt_store_claim("many", "l", 60000, &lease), 0);
    assert_int_equal(kt_store_claim("many", "l", 60000, &other), -EEXIST);
    assert_int_equal(kt_store_release(&lease), 0);
    assert_int_equal(kt_store_claim("many", "l", 100, &other), 0);
    assert_true(other.fence > lease.fence);
    assert_int_equal(kt_store_renew(&lease, 1000), -ESTALE);
    kt_sleep(150);
    assert_int_equal(kt_store_renew(&other, 1000), -ESTALE);
}
STORE_CASE(what_lasts)

static void wait_for_ever(void *argument)
{
    (void)argument;
    for (;;)
        kt_store_put("unit", "b", "x", 1, KT_STORE_ANY, NULL);
}

/** Processes that are killed while they wait, and a store that is closed under others. */
static void test_ends_under_way(void)
{
    kt_pid pids[50];
    for (int i = 0; i < 50; i++)
        assert_int_equal(kt_spawn(NULL, wait_for_ever, NULL, &pids[i]), 0);
    kt_yield();
    for (int i = 0; i < 25; i++) {
        kt_signal(pids[i], KT_EXIT_KILL, "test");
        assert_int_equal(kt_join(pids[i], 5000), 0);
    }
}
STORE_CASE(ends_under_way)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents),  cmocka_unit_test(many_writers),   cmocka_unit_test(one_sync),
        cmocka_unit_test(what_lasts), cmocka_unit_test(ends_under_way),
    };
    kt_log_open(KT_LOG_TARGET_STDERR, KT_LOG_ERROR);
    return cmocka_run_group_tests(tests, begin, end);
}
