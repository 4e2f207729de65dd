/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: a stranger could fill mailboxes by kontor, or lock everybody out. */
#include "inside.h"

#include "calendar/limits.h"

#include <talloc.h>

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)

/** How many of so many starts are allowed, each for another client and address. */
static int starts(struct kt_limits *limits, int count, const char *client, const char *address,
                  int64_t now_ms)
{
    int allowed = 0;

    for (int index = 0; index < count; index++) {
        char own_client[64], own_address[64];

        snprintf(own_client, sizeof(own_client), "10.%d.%d.%d", index >> 16, index >> 8 & 255,
                 index & 255);
        snprintf(own_address, sizeof(own_address), "user%d@example.org", index);
        allowed += kt_limits_begin(limits, client ? client : own_client,
                                   address ? address : own_address, now_ms) == 0;
    }
    return allowed;
}

static void one_mailbox_gets_a_few_mails(void **state)
{
    struct kt_limits *limits = kt_limits_new(NULL);

    (void)state;
    assert_int_equal(starts(limits, 100, NULL, "ada@example.org", 0), 3);
    assert_int_equal(starts(limits, 1, NULL, "grace@example.org", 0), 1);
    assert_int_equal(kt_limits_begin(limits, "::1", "ada@example.org", 4 * MINUTE), MINUTE);
    assert_int_equal(starts(limits, 100, NULL, "ada@example.org", 5 * MINUTE), 1);
    assert_int_equal(starts(limits, 100, NULL, "ada@example.org", 60 * MINUTE), 3);
    talloc_free(limits);
}

static void one_client_asks_for_some(void **state)
{
    struct kt_limits *limits = kt_limits_new(NULL);

    (void)state;
    assert_int_equal(starts(limits, 100, "192.0.2.1", NULL, 0), 30);
    assert_int_equal(kt_limits_begin(limits, "192.0.2.1", NULL, 0), 20 * SECOND);
    assert_int_equal(kt_limits_begin(limits, "192.0.2.2", NULL, 0), 0);
    assert_int_equal(kt_limits_begin(limits, "192.0.2.1", NULL, 20 * SECOND), 0);
    talloc_free(limits);
}

static void a_network_of_ipv6_is_one_client(void **state)
{
    struct kt_limits *limits = kt_limits_new(NULL);
    int allowed = 0;

    (void)state;
    for (int index = 0; index < 100; index++) {
        char client[64];

        snprintf(client, sizeof(client), "2001:db8:0:1::%x", (unsigned)index);
        allowed += kt_limits_begin(limits, client, NULL, 0) == 0;
    }
    assert_int_equal(allowed, 30);
    assert_int_equal(kt_limits_begin(limits, "2001:db8:0:2::1", NULL, 0), 0);
    assert_int_equal(starts(limits, 100, "::ffff:192.0.2.1", NULL, 0), 30);
    assert_int_equal(kt_limits_begin(limits, "::ffff:192.0.2.2", NULL, 0), 0);
    talloc_free(limits);
}

/** Else who asks in vain would lock others out, or the person whose address it is for ever. */
static void what_is_refused_does_not_count(void **state)
{
    struct kt_limits *limits = kt_limits_new(NULL);

    (void)state;
    assert_int_equal(starts(limits, 1000, "192.0.2.1", "ada@example.org", 0), 3);
    assert_int_equal(starts(limits, 100, "192.0.2.1", NULL, 0), 27);
    assert_int_equal(kt_limits_begin(limits, "192.0.2.9", "ada@example.org", 5 * MINUTE), 0);
    talloc_free(limits);
}

/** A botnet with as many addresses as it likes: bounded, and nobody's limit is forgotten for it. */
static void a_flood_is_bounded(void **state)
{
    struct kt_limits *limits = kt_limits_new(NULL);
    int allowed = 0;

    (void)state;
    assert_int_equal(starts(limits, 10, NULL, "ada@example.org", 0), 3);
    for (int64_t now_ms = 0; now_ms < 4 * MINUTE; now_ms += 10 * SECOND)
        allowed += starts(limits, 20000, NULL, NULL, now_ms);
    assert_in_range(allowed, 890, 900 + 4 * 30);
    assert_true(kt_limits_begin(limits, "::1", "ada@example.org", 4 * MINUTE + 58 * SECOND) > 0);
    assert_int_equal(kt_limits_begin(limits, "::1", "grace@example.org", 5 * MINUTE), 0);
    assert_int_equal(starts(limits, 20000, NULL, NULL, 120 * MINUTE), 900);
    talloc_free(limits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_mailbox_gets_a_few_mails),
        cmocka_unit_test(one_client_asks_for_some),
        cmocka_unit_test(a_network_of_ipv6_is_one_client),
        cmocka_unit_test(what_is_refused_does_not_count),
        cmocka_unit_test(a_flood_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
