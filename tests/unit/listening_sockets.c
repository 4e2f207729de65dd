/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: a reload would lose connections, a crash would leave a socket in the way, a
 * second kontord would take the first one's, or a web server could not start one. */
#include "config.h"

#include "files.h"

#include "master/listen.h"

#include <sys/socket.h>
#include <sys/un.h>

static struct kt_problems *problems;

static int open_all(const char *listen, const struct kt_listeners *present,
                    struct kt_listeners **ret_listeners)
{
    struct kt_settings settings = {
        .listen = listen,
        .listen_place = "kontor.conf:2",
        .socket_mode = 0640,
        .socket_owner = (uid_t)-1,
        .socket_group = (gid_t)-1,
    };
    problems = kt_problems_new(memory);
    return kt_listeners_open(memory, &settings, present, problems, ret_listeners);
}

static char *unix_address(const char *name)
{
    return talloc_asprintf(memory, "unix:%s", path_of(name));
}

/** Whether somebody accepts connections there. */
static bool can_connect(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path_of(name));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_there = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    close(fd);
    return is_there;
}

static bool exists(const char *name)
{
    return access(path_of(name), F_OK) == 0;
}

static void opens_and_closes(void **state)
{
    (void)state;
    struct kt_listeners *listeners;
    struct stat status;
    assert_int_equal(open_all(unix_address("a.sock"), NULL, &listeners), 0);
    assert_int_equal(listeners->count, 1);
    assert_true(can_connect("a.sock"));
    assert_int_equal(stat(path_of("a.sock"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
    assert_true(fcntl(listeners->list[0].fd, F_GETFL) & O_NONBLOCK);
    kt_listeners_close(listeners, NULL);
    assert_false(exists("a.sock"));
}

static void a_reload_keeps_what_stays(void **state)
{
    (void)state;
    struct kt_listeners *before, *after;
    char *both = talloc_asprintf(memory, "%s %s", unix_address("a.sock"), unix_address("b.sock"));
    assert_int_equal(open_all(both, NULL, &before), 0);
    both = talloc_asprintf(memory, "%s  %s", unix_address("c.sock"), unix_address("a.sock"));
    assert_int_equal(open_all(both, before, &after), 0);
    assert_int_equal(after->list[1].fd, before->list[0].fd);
    kt_listeners_close(before, after);
    assert_true(can_connect("a.sock"));
    assert_false(exists("b.sock"));
    assert_true(can_connect("c.sock"));
    kt_listeners_close(after, NULL);
}

static void a_failed_reload_changes_nothing(void **state)
{
    (void)state;
    struct kt_listeners *before, *after;
    assert_int_equal(open_all(unix_address("a.sock"), NULL, &before), 0);
    char *text = talloc_asprintf(memory, "%s %s unix:/nowhere/at/all", unix_address("a.sock"),
                                 unix_address("b.sock"));
    assert_int_equal(open_all(text, before, &after), -EINVAL);
    assert_true(can_connect("a.sock"));
    assert_false(exists("b.sock"));
    kt_listeners_close(before, NULL);
}

static void replaces_the_dead_but_not_the_living(void **state)
{
    (void)state;
    struct kt_listeners *listeners, *second;
    assert_int_equal(open_all(unix_address("a.sock"), NULL, &listeners), 0);
    assert_int_equal(open_all(unix_address("a.sock"), NULL, &second), -EINVAL);
    assert_non_null(strstr(kt_problems_text(problems, 0), "in use"));
    close(listeners->list[0].fd); /* as a crash would */
    assert_true(exists("a.sock"));
    assert_int_equal(open_all(unix_address("a.sock"), NULL, &second), 0);
    assert_true(can_connect("a.sock"));
    kt_listeners_close(second, NULL);
    write_text("file", "precious");
    assert_int_equal(open_all(unix_address("file"), NULL, &second), -EINVAL);
    assert_true(exists("file"));
}

static void refuses_what_is_no_address(void **state)
{
    (void)state;
    static const char *const addresses[] = {
        "",
        "unix:relative",
        "localhost:9000",
        "127.0.0.1",
        "127.0.0.1:0",
        "[::1]",
        "127.0.0.1:99999",
        "[::1:9000",
        "9000",
        "127.0.0.1:9000x",
        "[1.2.3.4]:9000",
    };
    struct kt_listeners *listeners;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        assert_int_equal(open_all(addresses[i], NULL, &listeners), -EINVAL);
        assert_int_equal(kt_problems_count(problems), 1);
        assert_non_null(strstr(kt_problems_text(problems, 0), "kontor.conf:2: listen: "));
    }
    char *twice = talloc_asprintf(memory, "%s %s", unix_address("a"), unix_address("a"));
    assert_int_equal(open_all(twice, NULL, &listeners), -EINVAL);
    assert_non_null(strstr(kt_problems_text(problems, 0), "listed twice"));
    assert_false(exists("a"));
}

/** Last, since from then on there is only this one. */
static void takes_what_came_on_descriptor_0(void **state)
{
    (void)state;
    struct kt_listeners *listeners, *reloaded;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path_of("web.sock"));
    assert_false(kt_listeners_inherit()); /* whatever the tests have there */
    assert_false(kt_listeners_are_inherited());
    int standard_input = dup(STDIN_FILENO);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    assert_false(kt_listeners_inherit()); /* it doesn't listen */
    assert_int_equal(listen(fd, 8), 0);
    close(fd);
    assert_true(kt_listeners_inherit());
    assert_true(kt_listeners_are_inherited());
    assert_int_equal(open_all(unix_address("a.sock"), NULL, &listeners), 0);
    assert_int_equal(listeners->count, 1);
    assert_false(exists("a.sock"));
    fd = listeners->list[0].fd;
    assert_true(fd > STDERR_FILENO);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_true(can_connect("web.sock"));
    assert_int_equal(open_all("systemd", listeners, &reloaded), 0);
    kt_listeners_close(listeners, reloaded);
    assert_true(can_connect("web.sock"));
    kt_listeners_close(reloaded, NULL);
    assert_true(exists("web.sock")); /* it is the web server's to remove */
    dup2(standard_input, STDIN_FILENO);
    close(standard_input);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_WITH_FILES(opens_and_closes),
        TEST_WITH_FILES(a_reload_keeps_what_stays),
        TEST_WITH_FILES(a_failed_reload_changes_nothing),
        TEST_WITH_FILES(replaces_the_dead_but_not_the_living),
        TEST_WITH_FILES(refuses_what_is_no_address),
        TEST_WITH_FILES(takes_what_came_on_descriptor_0),
    };
    return cmocka_run_group_tests_name("listening_sockets", tests, NULL, NULL);
}
