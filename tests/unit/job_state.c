/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: a title with a quote, or a long reason, would make a job that nobody can find. */
#include "config.h"

#include "inside.h"

#include "job/state.h"

#include <string.h>

static char value[KT_REGISTRY_VALUE_MAX + 1], key[KT_REGISTRY_KEY_MAX + 1];

static void round_trip(const struct kt_job *job, struct kt_job *ret_job)
{
    size_t length = kt_job_write(job, value);
    assert_in_range(length, 1, KT_REGISTRY_VALUE_MAX);
    assert_int_equal(length, strlen(value));
    assert_int_equal(kt_job_key(job->realm, job->id, key), 0);
    assert_int_equal(kt_job_read(key, value, ret_job), 0);
}

/** Everything comes back as it was. */
static void test_round_trip(void **state)
{
    struct kt_job read, job = {
                            .state = KT_JOB_READY,
                            .realm = "shop",
                            .id = "sales-1.2_x",
                            .plugin = "reports",
                            .kind = "make",
                            .title = "Sales \"by\" day \\ Umsätze",
                            .who = "ada",
                            .owner = "0123456789abcdef0123456789abcdef",
                            .phase = "rows",
                            .done = UINT64_MAX,
                            .total = UINT64_MAX - 1,
                            .queued_ms = 1795000000123,
                            .started_ms = 1795000000124,
                            .ended_ms = 1795000000125,
                            .expires_ms = 1795000000126,
                            .result_bytes = 70 << 20,
                            .result = "{\"rows\":3,\"name\":\"a b\"}",
                        };
    (void)state;
    round_trip(&job, &read);
    assert_memory_equal(&job, &read, sizeof job);
}

/** The longest texts fit, or are cut between characters; a result never is. */
static void test_longest(void **state)
{
    struct kt_job read, job = {.state = KT_JOB_FAILED, .done = UINT64_MAX, .total = UINT64_MAX};
    (void)state;
    memset(job.realm, 'r', KT_JOB_NAME_MAX);
    memset(job.id, 'i', KT_JOB_NAME_MAX);
    memset(job.plugin, 'p', sizeof job.plugin - 1);
    memset(job.kind, 'k', sizeof job.kind - 1);
    memset(job.phase, 'f', sizeof job.phase - 1);
    for (size_t i = 0; i + 2 < KT_JOB_TEXT_MAX; i += 2) {
        memcpy(job.title + i, "ä", 2);
        memcpy(job.who + i, "\"\"", 2);
        memcpy(job.reason + i, "\\\\", 2);
    }
    memset(job.owner, 'f', sizeof job.owner - 1);
    memset(job.result, '7', 382);
    job.queued_ms = job.started_ms = job.ended_ms = job.expires_ms = INT64_MAX;
    job.result_bytes = UINT64_MAX;
    job.position = UINT32_MAX;
    round_trip(&job, &read);
    assert_memory_equal(read.title, "ää", 4);
    assert_int_equal(strlen(read.title) % 2, 0);
    assert_string_equal(read.owner, job.owner);
    assert_int_equal(read.position, UINT32_MAX);
    assert_int_equal(read.result_bytes, UINT64_MAX);
}

/** Who has a long name could not end their own job, or somebody whose name begins alike could. */
static void test_who(void **state)
{
    char long_name[300], other[300];
    struct kt_job read, job = {.state = KT_JOB_READY, .realm = "all", .id = "r"};
    (void)state;
    memset(long_name, 'o', sizeof long_name);
    long_name[sizeof long_name - 1] = '\0';
    memcpy(other, long_name, sizeof other);
    other[sizeof other - 2] = 'x';

    kt_job_set_who(&job, long_name);
    round_trip(&job, &read);
    assert_int_equal(strlen(read.who), KT_JOB_TEXT_MAX - 1);
    assert_true(kt_job_is_of(&read, long_name));
    assert_false(kt_job_is_of(&read, read.who));
    assert_false(kt_job_is_of(&read, other));
    assert_false(kt_job_is_of(&read, ""));
    assert_false(kt_job_is_of(&read, NULL));

    /* no byte of it can be shown without breaking a character */
    memset(long_name, 0x80, KT_JOB_TEXT_MAX + 2);
    kt_job_set_who(&job, long_name);
    round_trip(&job, &read);
    assert_true(kt_job_is_of(&read, long_name));
    assert_false(kt_job_is_of(&read, NULL));

    kt_job_set_who(&job, NULL);
    round_trip(&job, &read);
    assert_true(kt_job_is_of(&read, NULL));
    assert_true(kt_job_is_of(&read, ""));
    assert_false(kt_job_is_of(&read, "ada"));
}

/** Whatever else is in the registry is no job. */
static void test_others(void **state)
{
    struct kt_job job;
    static const char *const values[] = {
        "", "{}", "[]", "null", "{\"s\":3}", "{\"s\":\"lost\"}", "{\"s\":\"ready\""};
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        assert_int_not_equal(kt_job_read("job/a/b", values[i], &job), 0);
    assert_int_not_equal(kt_job_read("jobs/dispatcher", "{\"s\":\"ready\"}", &job), 0);
    assert_int_not_equal(kt_job_read("job/a", "{\"s\":\"ready\"}", &job), 0);
    assert_int_equal(kt_job_read("job/a/b", "{\"s\":\"ready\"}", &job), 0);
    assert_int_equal(job.state, KT_JOB_READY);
}

/** Names that would break a key, or a page that shows them. */
static void test_names(void **state)
{
    static const char *const bad[] = {"", "a/b", "a b", "ä", "a\n", NULL};
    char longest[KT_JOB_NAME_MAX + 2];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_not_equal(kt_job_key(bad[i], "id", key), 0);
        assert_int_not_equal(kt_job_key("realm", bad[i], key), 0);
    }
    memset(longest, 'x', sizeof longest);
    longest[KT_JOB_NAME_MAX + 1] = '\0';
    assert_int_not_equal(kt_job_key("a", longest, key), 0);
    longest[KT_JOB_NAME_MAX] = '\0';
    assert_int_equal(kt_job_key(longest, longest, key), 0);
}

/** A reason says what a person would say. */
static void test_words(void **state)
{
    char text[32];
    (void)state;
    kt_job_duration_text(text, sizeof text, 120000);
    assert_string_equal(text, "120 s");
    kt_job_duration_text(text, sizeof text, 600000);
    assert_string_equal(text, "10 min");
    kt_job_duration_text(text, sizeof text, 250);
    assert_string_equal(text, "250 ms");
    kt_job_bytes_text(text, sizeof text, 64 << 20);
    assert_string_equal(text, "64 MiB");
    kt_job_bytes_text(text, sizeof text, 4096);
    assert_string_equal(text, "4 KiB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_longest),
        cmocka_unit_test(test_others),     cmocka_unit_test(test_names),
        cmocka_unit_test(test_words),      cmocka_unit_test(test_who),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
