/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: among thousands of connections an operator would not see the one that is stuck.
 */
#include "inside.h"

#include "fastcgi/busiest.h"
#include "fastcgi/engine.h"

/** Connections of a test; many times what is asked for. */
#define MANY 1000u
#define ASKED 10u

static struct kt_engine engine;
static struct kt_connection connections[MANY];
static struct kt_fastcgi_request requests[MANY];
static struct kt_buffer buffer;

/** Connections that are all idle. */
static void make_idle(void)
{
    engine = (struct kt_engine){.connections = connections};
    memset(connections, 0, sizeof(connections));
    memset(requests, 0, sizeof(requests));
    for (size_t i = 0; i < MANY; i++)
        connections[i].next = i + 1 < MANY ? &connections[i + 1] : NULL;
}

/** A request on a connection that began so long ago; after older ones. */
static void add_request(size_t number, size_t at, int64_t age_ms, bool is_endless)
{
    struct kt_fastcgi_request *request = &requests[number];
    request->begun_ms = kt_now_ms() - age_ms;
    request->deadline_ms = is_endless ? INT64_MAX : kt_now_ms() + 1000;
    request->next_sibling = connections[at].requests;
    connections[at].requests = request;
    connections[at].request_count++;
}

static void add_output(size_t at, int64_t age_ms, size_t bytes)
{
    connections[at].output_first = &buffer;
    connections[at].output_bytes = bytes;
    connections[at].taken_ms = kt_now_ms() - age_ms;
}

static struct kt_busy_connection *look(size_t expected, struct kt_busy_sum *ret_sum)
{
    struct kt_busy_connection *list;
    ssize_t count = kt_engine_busiest(kt_self_memory(), &engine, ASKED, ret_sum, &list);
    assert_int_equal(count, expected);
    return list;
}

static void test_longest_come_first(void)
{
    struct kt_busy_sum sum;
    make_idle();
    add_request(0, 700, 50, false);
    add_request(1, 3, 5000, false);
    add_request(2, 999, 90000, true); /* on purpose */
    add_output(500, 7000, 12);
    connections[400].requests_total = 9;
    struct kt_busy_connection *list = look(ASKED, &sum);
    assert_ptr_equal(list[0].connection, &connections[500]);
    assert_int_equal(list[0].business, KT_BUSINESS_AT_WORK);
    assert_int_equal(list[0].busy_ms, 7000);
    assert_null(list[0].oldest);
    assert_ptr_equal(list[1].connection, &connections[3]);
    assert_ptr_equal(list[1].oldest, &requests[1]);
    assert_ptr_equal(list[2].connection, &connections[700]);
    assert_ptr_equal(list[3].connection, &connections[999]);
    assert_int_equal(list[3].business, KT_BUSINESS_ENDLESS);
    assert_ptr_equal(list[4].connection, &connections[400]);
    assert_int_equal(list[4].business, KT_BUSINESS_IDLE);
    assert_int_equal(sum.connections, MANY);
    assert_int_equal(sum.at_work, 3);
    assert_int_equal(sum.output_bytes, 12);
}

/** None of the busiest is lost, in whatever order the connections are. */
static void test_finds_them_among_many(void)
{
    static const size_t strides[] = {1, 7, 333, 501, 999}; /* none shares a factor with MANY */
    struct kt_busy_sum sum;
    for (size_t order = 0; order < sizeof(strides) / sizeof(*strides); order++) {
        make_idle();
        for (size_t i = 0; i < MANY; i++)
            add_request(i, i, (int64_t)(i * strides[order] % MANY), false);
        struct kt_busy_connection *list = look(ASKED, &sum);
        for (size_t i = 0; i < ASKED; i++)
            assert_int_equal(list[i].busy_ms, MANY - 1 - i);
        assert_int_equal(sum.at_work, MANY);
    }
}

/** Of requests that share a connection the one that is stuck is told, not one that is long on
 * purpose. */
static void test_tells_the_oldest(void)
{
    struct kt_busy_sum sum;
    make_idle();
    add_request(0, 1, 9000, true);
    add_request(1, 1, 4000, false);
    add_request(2, 1, 3000, true);
    add_request(3, 1, 100, false);
    struct kt_busy_connection *list = look(ASKED, &sum);
    assert_ptr_equal(list[0].oldest, &requests[1]);
    assert_int_equal(list[0].busy_ms, 4000);
    /* What waits to be written counts, if it waits for longer; for an endless one it is all that
     * does. */
    add_output(1, 6000, 5);
    assert_int_equal(look(ASKED, &sum)[0].busy_ms, 6000);
    make_idle();
    add_request(0, 1, 9000, true);
    add_request(1, 1, 8000, true);
    assert_ptr_equal(look(ASKED, &sum)[0].oldest, &requests[0]);
    add_output(1, 20, 5);
    list = look(ASKED, &sum);
    assert_int_equal(list[0].business, KT_BUSINESS_AT_WORK);
    assert_int_equal(list[0].busy_ms, 20);
}

static void test_none_and_few(void)
{
    struct kt_busy_sum sum;
    make_idle();
    engine.connections = NULL;
    look(0, &sum);
    assert_int_equal(sum.connections, 0);
    engine.connections = &connections[MANY - 3];
    look(3, &sum);
    assert_int_equal(sum.connections, 3);
}

CASE(longest_come_first)
CASE(finds_them_among_many)
CASE(tells_the_oldest)
CASE(none_and_few)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(longest_come_first),
        cmocka_unit_test(finds_them_among_many),
        cmocka_unit_test(tells_the_oldest),
        cmocka_unit_test(none_and_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
