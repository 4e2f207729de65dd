/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: one worker would have most of the connections, and its visitors would wait while
 * another is idle. */
#include "inside.h"

#include "fastcgi/balance.h"
#include "fastcgi/engine.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PLACES 3u
#define FEW 100u
#define MANY (FEW + KT_BALANCE_AHEAD)

static struct kt_balance *balance;

static int make(void **state)
{
    (void)state;
    balance = kt_balance_new(PLACES);
    return balance ? 0 : -1;
}

static int drop(void **state)
{
    (void)state;
    kt_balance_free(balance);
    return 0;
}

static void test_who_is_alone_is_never_ahead(void **state)
{
    (void)state;
    assert_false(kt_balance_is_ahead(balance, 0));
    kt_balance_tell(balance, 0, MANY);
    assert_false(kt_balance_is_ahead(balance, 0));
}

static void test_who_has_more_than_the_least_is_ahead(void **state)
{
    (void)state;
    kt_balance_tell(balance, 0, FEW);
    kt_balance_tell(balance, 1, MANY);
    kt_balance_tell(balance, 2, MANY - 1);
    assert_false(kt_balance_is_ahead(balance, 0));
    assert_true(kt_balance_is_ahead(balance, 1));
    assert_false(kt_balance_is_ahead(balance, 2));
}

static void test_who_has_left_counts_no_more(void **state)
{
    (void)state;
    kt_balance_tell(balance, 0, 0);
    kt_balance_tell(balance, 1, MANY);
    assert_true(kt_balance_is_ahead(balance, 1));
    kt_balance_leave(balance, 0);
    assert_false(kt_balance_is_ahead(balance, 1));
    kt_balance_leave(balance, 1);
    assert_false(kt_balance_is_ahead(balance, 1));
}

static void test_what_one_process_tells_the_others_see(void **state)
{
    (void)state;
    kt_balance_tell(balance, 0, MANY);
    pid_t child = fork();
    if (child == 0) {
        kt_balance_tell(balance, 1, FEW);
        _exit(0);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(kt_balance_is_ahead(balance, 0));
}

/* ---------------------------------------------------------------- what an engine makes of it */

/** More than one turn of the loop accepts. */
#define CLIENTS (KT_BALANCE_AHEAD + 8u)

/** A socket that listens, and clients that want to connect to it. @return the socket */
static int knock(int clients[CLIENTS])
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t size = sizeof(address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(listen(fd, (int)CLIENTS), 0);
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_int_equal(connect(clients[i], (struct sockaddr *)&address, size), 0);
    }
    return fd;
}

static void test_an_engine_lets_others_go_first(void **state)
{
    (void)state;
    struct kt_engine *engine;
    struct kt_engine_options options = {.connections_max = 1000,
                                        .requests_max = 1000,
                                        .request_timeout_ms = 60000,
                                        .transfer_timeout_ms = 60000,
                                        .balance = balance};
    int clients[CLIENTS], listener = knock(clients);
    assert_int_equal(kt_runtime_start(NULL, NULL), 0);
    kt_balance_tell(balance, 1, 0);
    assert_int_equal(kt_engine_start(&options, &listener, 1, NULL, &engine), 0);
    while (engine->counts.connections == 0)
        uv_run(kt_runtime_loop(), UV_RUN_NOWAIT);
    uv_run(kt_runtime_loop(), UV_RUN_NOWAIT); /* now the others may */
    assert_int_equal(engine->counts.connections, KT_BALANCE_AHEAD);
    while (engine->counts.connections < CLIENTS) /* nobody else takes them */
        uv_run(kt_runtime_loop(), UV_RUN_ONCE);
    kt_engine_close(engine);
    kt_runtime_close();
    for (unsigned i = 0; i < CLIENTS; i++)
        close(clients[i]);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_who_is_alone_is_never_ahead, make, drop),
        cmocka_unit_test_setup_teardown(test_who_has_more_than_the_least_is_ahead, make, drop),
        cmocka_unit_test_setup_teardown(test_who_has_left_counts_no_more, make, drop),
        cmocka_unit_test_setup_teardown(test_what_one_process_tells_the_others_see, make, drop),
        cmocka_unit_test_setup_teardown(test_an_engine_lets_others_go_first, make, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
