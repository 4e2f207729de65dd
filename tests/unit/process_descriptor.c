/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: a library with sockets of its own would block everybody, or never go on. */
#include "inside.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static int pair[2];
static int found;

static void open_pair(void)
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    found = 0;
}

static void close_pair(void)
{
    close(pair[0]);
    close(pair[1]);
}

static void reader(void *argument)
{
    (void)argument;
    found = kt_wait_fd(pair[0], KT_READABLE, -1);
}

static void test_others_run_while_one_waits(void)
{
    char byte = 'x';
    kt_pid pid;
    open_pair();
    kt_spawn(NULL, reader, NULL, &pid);
    kt_sleep(5);
    assert_int_equal(found, 0);
    assert_int_equal(write(pair[1], &byte, 1), 1);
    kt_join(pid, -1);
    assert_int_equal(found, KT_READABLE);
    /* what is there already is seen at once, and as often as one asks */
    assert_int_equal(kt_wait_fd(pair[0], KT_READABLE | KT_WRITABLE, -1), KT_READABLE | KT_WRITABLE);
    assert_int_equal(kt_wait_fd(pair[0], KT_WRITABLE, 0), KT_WRITABLE);
    close_pair();
}

static void test_the_other_side_closes(void)
{
    kt_pid pid;
    open_pair();
    kt_spawn(NULL, reader, NULL, &pid);
    kt_yield();
    shutdown(pair[1], SHUT_RDWR);
    kt_join(pid, -1);
    assert_int_equal(found, KT_READABLE);
    close_pair();
}

static void test_time_is_over(void)
{
    char byte = 'x';
    open_pair();
    assert_int_equal(kt_wait_fd(pair[0], KT_READABLE, 5), -ETIMEDOUT);
    assert_int_equal(kt_wait_fd(pair[0], KT_READABLE, 0), -ETIMEDOUT);
    assert_int_equal(write(pair[1], &byte, 1), 1);
    assert_int_equal(kt_wait_fd(pair[0], KT_READABLE, 1000), KT_READABLE);
    close_pair();
}

static void test_who_is_killed_waits_no_more(void)
{
    kt_pid pid;
    open_pair();
    kt_spawn(NULL, reader, NULL, &pid);
    kt_sleep(1);
    assert_int_equal(kt_wait_fd(pair[0], KT_READABLE, 1), -EEXIST);
    kt_signal(pid, KT_EXIT_KILL, NULL);
    kt_join(pid, -1);
    assert_int_equal(kt_wait_fd(pair[0], KT_WRITABLE, -1), KT_WRITABLE);
    close_pair();
}

static void test_what_cannot_be_waited_for(void)
{
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_true(file >= 0);
    assert_int_equal(kt_wait_fd(file, KT_READABLE, -1), -EPERM);
    assert_int_equal(kt_wait_fd(file, 0, -1), -EINVAL);
    close(file);
    assert_int_equal(kt_wait_fd(file, KT_READABLE, -1), -EBADF);
}

CASE(others_run_while_one_waits)
CASE(the_other_side_closes)
CASE(time_is_over)
CASE(who_is_killed_waits_no_more)
CASE(what_cannot_be_waited_for)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(others_run_while_one_waits),
        cmocka_unit_test(the_other_side_closes),
        cmocka_unit_test(time_is_over),
        cmocka_unit_test(who_is_killed_waits_no_more),
        cmocka_unit_test(what_cannot_be_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
