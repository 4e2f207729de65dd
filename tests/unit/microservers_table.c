/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: a row would be decremented more or fewer times than it was told, when two servers
 * or two monitors believe that it is theirs. */
#include "config.h"

#include "inside.h"

#include <unistd.h>

#include "kontor/store.h"
#include "microservers/record.h"
#include "microservers/table.h"
#include "store/store.h"

#define ROWS 300u
#define VALUE 3u
#define RIVALS 10u

static char path[64];
static uint32_t subtracted, refused, running;

static void test_with_store(void (*test)(void))
{
    const struct kt_store_address address = {.kind = KT_STORE_SQLITE, .path = path, .shown = path};
    const struct kt_store_options options = {.address = &address, .timeout_ms = 20000};
    struct inside inside = {.test = test};
    struct kt_error error;
    char folder[] = "/tmp/kontor-test-XXXXXX", command[80];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/store.db", folder);
    assert_int_equal(kt_runtime_start(NULL, NULL), 0);
    assert_int_equal(kt_store_start(&options, &error), 0);
    assert_int_equal(kt_spawn(NULL, inside_main, &inside, NULL), 0);
    kt_runtime_run();
    kt_store_close();
    kt_runtime_close();
    assert_true(inside.is_done);
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

/** Do a survey. @return the values, or NULL when it failed */
static const uint32_t *survey(uint32_t value, bool is_empty)
{
    const struct table_survey what = {
        .asker = kt_self(), .rows = ROWS, .value = value, .is_empty = is_empty};
    const struct kt_message *message;
    kt_pid pid;
    kt_trap_exit(true);
    assert_int_equal(table_start_survey(&what, &pid), 0);
    const uint32_t *values = NULL;
    do {
        assert_int_equal(kt_receive(-1, &message), 0);
        if (message->type == TABLE_SURVEYED)
            values = message->data;
    } while (message->type != KT_MESSAGE_EXIT);
    return values;
}

static void assert_all(const uint32_t *values, uint32_t value)
{
    assert_non_null(values);
    for (uint32_t i = 0; i < ROWS; i++)
        assert_int_equal(values[i], value);
}

static void rival(void *argument)
{
    uint32_t left;
    (void)argument;
    for (uint32_t row = 0; row < ROWS; row++) {
        int result = table_subtract(row, &left);
        assert_true(result == 0 || result == -ERANGE);
        if (result == 0) {
            assert_in_range(left, 0, VALUE - 1);
            subtracted++;
        } else {
            refused++;
        }
    }
    running--;
}

static void test_rivals(void)
{
    assert_all(survey(0, false), TABLE_MISSING);
    assert_all(survey(VALUE, false), VALUE);
    assert_all(survey(VALUE, false), VALUE); /* filling a table that is full changes nothing */
    subtracted = refused = 0;
    running = RIVALS;
    for (uint32_t i = 0; i < RIVALS; i++)
        assert_int_equal(kt_spawn(NULL, rival, NULL, NULL), 0);
    AWAIT(running == 0);
    assert_int_equal(subtracted, ROWS * VALUE);
    assert_int_equal(refused, ROWS * (RIVALS - VALUE));
    assert_all(survey(0, false), 0);
    assert_all(survey(VALUE, true), VALUE);
}

static void test_surprises(void)
{
    uint32_t left;
    assert_all(survey(VALUE, false), VALUE);
    assert_int_equal(table_subtract(7, &left), 0);
    assert_int_equal(left, VALUE - 1);
    /* believed to be empty, but they aren't: they don't get more than their value */
    assert_all(survey(VALUE, true), VALUE);
    assert_all(survey(1, false), 1);
    /* a number that is none of ours is not overwritten */
    assert_int_equal(kt_store_add(TABLE_NAME_SPACE, "row/0000005", INT64_MAX, NULL), 0);
    assert_int_equal(kt_store_add(TABLE_NAME_SPACE, "row/0000005", 7, NULL), 0);
    assert_null(survey(VALUE, false));
}

static void rows_are_subtracted_from_as_often_as_their_value(void **state)
{
    (void)state;
    test_with_store(test_rivals);
}

static void filling_corrects_what_it_did_not_expect(void **state)
{
    (void)state;
    test_with_store(test_surprises);
}

static void test_writers(void)
{
    struct record mine, other;
    assert_int_equal(record_load(&mine), 0);
    assert_int_equal(mine.pass, 0);
    assert_false(mine.is_running);
    other = mine;
    mine.is_running = true;
    mine.is_spread = true;
    mine.phase = RECORD_COUNTING;
    mine.pass = 41;
    mine.rows = ROWS;
    mine.value = VALUE;
    assert_int_equal(record_save(&mine), 0);
    assert_int_equal(record_save(&other), -ESTALE);
    assert_int_equal(record_load(&other), 0);
    assert_memory_equal(&other, &mine, sizeof mine);
    assert_int_equal(record_save(&other), 0);
    assert_int_equal(record_save(&mine), -ESTALE);
}

static void only_who_read_the_record_last_can_change_it(void **state)
{
    (void)state;
    test_with_store(test_writers);
}

static void nonsense_is_no_record(void **state)
{
    static const char *const texts[] = {
        "",
        "{}",
        "[]",
        "{\"running\":true,\"tick\":\"spread\",\"phase\":\"late\",\"pass\":1,\"rows\":1,"
        "\"value\":1}",
        "{\"running\":true,\"tick\":\"spread\",\"phase\":\"done\",\"pass\":-1,\"rows\":1,"
        "\"value\":1}",
        "{\"running\":true,\"tick\":\"spread\",\"phase\":\"done\",\"pass\":1,\"rows\":1e9,"
        "\"value\":1}",
        "{\"running\":true,\"tick\":7,\"phase\":\"done\",\"pass\":1,\"rows\":1,\"value\":1}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct record record = {0};
        assert_int_equal(record_parse(texts[i], (unsigned)strlen(texts[i]), &record), -EBADMSG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_subtracted_from_as_often_as_their_value),
        cmocka_unit_test(filling_corrects_what_it_did_not_expect),
        cmocka_unit_test(only_who_read_the_record_last_can_change_it),
        cmocka_unit_test(nonsense_is_no_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
