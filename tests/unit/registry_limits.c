/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * If this fails, a moment of too many open files takes the registry from a worker for ever, and
 * with it every report; or whoever follows changes is not told that some were missed.
 */
#include "registry_house.h"
#include "valgrind.h"

#include "registry/protocol.h"
#include "registry/wire.h"

#include <dirent.h>
#include <fcntl.h>
#include <kontor/memory_file.h>

#define PATIENCE_MS 20000

/** Valgrind has limits of its own in place of the system's. */
#define SKIP_WITHOUT_LIMITS()                                                                      \
    do {                                                                                           \
        if (RUNNING_ON_VALGRIND)                                                                   \
            skip();                                                                                \
    } while (0)

/** A file with these bytes under this key, kept. */
static int put(const char *key, const char *text)
{
    struct kt_memory_file *file;
    assert_int_equal(kt_memory_file_new(kt_self_memory(), "test", &file), 0);
    assert_int_equal(write(file->fd, text, strlen(text)), strlen(text));
    assert_int_equal(kt_memory_file_seal(file), 0);
    const struct kt_registration what = {
        .key = key, .file = file, .keep_until_ms = kt_unix_ms() + 1000000};
    int result = kt_registry_register(&what, NULL);
    talloc_free(file);
    return result;
}

/** What the calling process gets of a key. @return 0 or what kt_registry_file says */
static int get(const char *key, const char *text)
{
    char contents[64] = {0};
    struct kt_memory_file *file;
    int result = kt_registry_file(key, &file);
    if (result < 0)
        return result;
    assert_true(pread(file->fd, contents, sizeof contents, 0) >= 0);
    assert_string_equal(contents, text);
    talloc_free(file);
    return 0;
}

/** @param ret_limit  above the highest of them; may be NULL @return how many a process has */
static unsigned count_fds(pid_t pid, rlim_t *ret_limit)
{
    char path[64];
    unsigned count = 0;
    rlim_t limit = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *directory = opendir(path);
    assert_ptr_not_equal(directory, NULL);
    for (const struct dirent *entry; (entry = readdir(directory)); count++)
        if ((rlim_t)atoi(entry->d_name) >= limit)
            limit = (rlim_t)atoi(entry->d_name) + 1;
    closedir(directory);
    if (ret_limit)
        *ret_limit = limit;
    return count;
}

/** From now on a process gets no more than it has, and the gaps between them. */
static void limit_fds(pid_t pid, struct rlimit *ret_before)
{
    assert_int_equal(prlimit(pid, RLIMIT_NOFILE, NULL, ret_before), 0);
    struct rlimit limit = *ret_before;
    count_fds(pid, &limit.rlim_cur);
    assert_int_equal(prlimit(pid, RLIMIT_NOFILE, &limit, NULL), 0);
}

/* ---------------------------------------------------------------- many at once */

#define ASKERS (RUNNING_ON_VALGRIND ? 1500u : 3000u)

static unsigned answered, well;

static void ask(void *argument)
{
    (void)argument;
    well += get("file", "contents") == 0;
    answered++;
}

/** Far more than may be on their way, while the registry stands still: all get theirs. */
static void test_many(void)
{
    assert_int_equal(put("file", "contents"), 0);
    assert_int_equal(kill(house.registry, SIGSTOP), 0);
    for (unsigned i = 0; i < ASKERS; i++)
        assert_int_equal(kt_spawn(NULL, ask, NULL, NULL), 0);
    kt_sleep(10); /* they have asked by then; what is asked later only makes it easier */
    assert_int_equal(kill(house.registry, SIGCONT), 0);
    AWAIT(answered == ASKERS);
    assert_int_equal(well, ASKERS);
    assert_int_equal(board->counts[15], 0);
    /* the registry has let go of all that was on its way */
    assert_int_equal(put("another", "one more"), 0);
    assert_true(count_fds(house.registry, NULL) < 100);
}
HOUSE_CASE(many)

/* ---------------------------------------------------------------- no descriptor is left */

/** A worker that may not have more: who asks fails, and nobody else. */
static void test_none_left_here(void)
{
    struct rlimit before;
    assert_int_equal(put("file", "contents"), 0);
    limit_fds(getpid(), &before);
    int fds[1024], count = 0;
    while (count < 1024 && (fds[count] = dup(0)) >= 0)
        count++;
    assert_int_equal(get("file", "contents"), -EMFILE);
    struct kt_registry_entry entry;
    assert_int_equal(kt_registry_lookup("file", &entry), 0);
    assert_int_equal(kt_registry_register(&(struct kt_registration){.key = "without"}, NULL), 0);
    assert_int_equal(get("file", "contents"), -EMFILE);
    while (count > 0)
        close(fds[--count]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(get("file", "contents"), 0);
    assert_int_equal(board->counts[15], 0);
}

static void none_left_here(void **state)
{
    (void)state;
    SKIP_WITHOUT_LIMITS();
    house_open();
    house_run(1, test_none_left_here);
    house_close();
}

/** A registry that may not have more: nothing is registered, and all goes on. */
static void test_none_left_there(void)
{
    struct rlimit before;
    struct kt_registry_entry entry;
    assert_int_equal(put("file", "contents"), 0);
    limit_fds(house.registry, &before);
    int result = 0;
    for (int i = 0; i < 300 && result == 0; i++) { /* till the gaps are full */
        char key[32];
        snprintf(key, sizeof key, "more/%d", i);
        result = put(key, "contents");
        if (result < 0)
            assert_int_equal(kt_registry_lookup(key, &entry), -ENOENT);
    }
    assert_int_equal(result, -EMFILE);
    assert_int_equal(get("file", "contents"), -EMFILE);
    assert_int_equal(kt_registry_lookup("file", &entry), 0);
    assert_int_equal(kt_registry_register(&(struct kt_registration){.key = "without"}, NULL), 0);
    assert_int_equal(prlimit(house.registry, RLIMIT_NOFILE, &before, NULL), 0);
    assert_int_equal(put("last", "contents"), 0);
    assert_int_equal(get("file", "contents"), 0);
    assert_int_equal(board->counts[15], 0);
}

static void none_left_there(void **state)
{
    (void)state;
    SKIP_WITHOUT_LIMITS();
    house_open();
    house_run(1, test_none_left_there);
    house_close();
}

/* ---------------------------------------------------------------- too many on their way */

#define NOBODY 65534

/** Send as many descriptors as the system lets this user, without anybody who takes them. */
static void fill_way(void)
{
    int ends[2];
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = 32;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    for (int i = 0; i < 200; i++)
        if (kt_packet_send(ends[0], "x", 0) == -ETOOMANYREFS)
            return;
    CHECK(false);
}

static void lose_on_the_way(void)
{
    int ends[2], fd;
    const struct kt_frame *frame;
    CHECK(geteuid() != 0 || setuid(NOBODY) == 0); /* root may have any number on their way */
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    struct kt_wire *from = kt_wire_new(ends[0]), *to = kt_wire_new(ends[1]);
    CHECK(from && to);
    fill_way();
    CHECK(kt_wire_add(from, &(struct kt_frame){.kind = 1}, 0, -1));
    CHECK(kt_wire_add(from, &(struct kt_frame){.kind = 2}, 0, dup(0)));
    CHECK(kt_wire_add(from, &(struct kt_frame){.kind = 3}, 8, dup(0)));
    CHECK(kt_wire_add(from, &(struct kt_frame){.kind = 4}, 0, -1));
    CHECK(kt_wire_flush(from) == 0);
    CHECK(kt_wire_waiting_fds(from) == 0);
    for (uint16_t kind = 1; kind <= 4; kind++) {
        int result;
        while ((result = kt_wire_next(to, &frame, &fd)) == 0)
            CHECK(kt_wire_fill(to) == 0);
        CHECK(result == 1 && frame->kind == kind);
        CHECK(fd == (kind == 2 || kind == 3 ? -ENOBUFS : -1));
    }
    kt_wire_free(from);
    kt_wire_free(to);
}

static void lost_on_the_way(void **state)
{
    (void)state;
    SKIP_WITHOUT_LIMITS();
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        lose_on_the_way();
        _exit(0);
    }
    house_join(pid);
}

/* ---------------------------------------------------------------- changes that were missed */

enum { READY, WRITTEN, HEARD, TOLD };
/** Of a change with the longest key: more than may wait for one worker, and than its socket takes.
 */
#define CHANGES 17000

static void subscribe(void *argument)
{
    uint64_t reference;
    const struct kt_message *message;
    (void)argument;
    CHECK(kt_registry_subscribe("x/", &reference) == 0);
    board->counts[READY] = 1;
    for (;;) {
        kt_receive(-1, &message);
        const struct kt_registry_change *change = message->data;
        if (message->type == KT_MESSAGE_REGISTRY)
            board->counts[change->event == KT_REGISTRY_LOST ? TOLD : HEARD]++;
    }
}

static void listen_late(void)
{
    CHECK(kt_spawn(&(struct kt_spawn){.mailbox_limit = CHANGES}, subscribe, NULL, NULL) == 0);
    AWAIT(board->counts[READY] == 1);
    while (board->counts[WRITTEN] == 0) /* it computes, and reads nothing */
        usleep(1000);
    AWAIT(board->counts[TOLD] == 1);
}

static void write_much(void)
{
    char key[KT_REGISTRY_KEY_MAX + 1] = "x/";
    memset(key + 2, 'k', sizeof key - 3);
    const struct kt_registration what = {.key = key};
    AWAIT(board->counts[READY] == 1);
    CHECK(kt_registry_register(&what, NULL) == 0);
    for (int i = 0; i < CHANGES; i++)
        CHECK(kt_registry_update(&what) == 0);
    board->counts[WRITTEN] = 1;
    for (int64_t end_ms = kt_now_ms() + PATIENCE_MS; board->counts[TOLD] == 0;) {
        CHECK(kt_now_ms() < end_ms); /* nobody asks the registry anything in this time */
        kt_sleep(1);
    }
}

/** Who has read all that came is told that there was more, though nothing happens any more. */
static void missed(void **state)
{
    (void)state;
    if (RUNNING_ON_VALGRIND)
        skip(); /* it looks at all that waits whenever some of it is to be sent: that takes minutes
                 */
    house_open();
    pid_t listener = house_fork(1, listen_late), writer = house_fork(2, write_much);
    int status;
    assert_int_equal(waitpid(writer, &status, 0), writer);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        house_kill(listener);
    assert_int_equal(status, 0);
    house_join(listener);
    assert_true(board->counts[HEARD] < CHANGES);
    house_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many),
        cmocka_unit_test(none_left_here),
        cmocka_unit_test(none_left_there),
        cmocka_unit_test(lost_on_the_way),
        cmocka_unit_test(missed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
