/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * If this fails, finished reports are lost when the registry crashes, or a plugin that writes
 * rubbish to its socket takes the registry down for all.
 */
#include "registry_house.h"

#include "registry/protocol.h"

#include <fcntl.h>
#include <sys/random.h>

static struct kt_registry_entry entry;

/* ---------------------------------------------------------------- the registry crashes */

static void own(void *argument)
{
    kt_must(kt_registry_register(argument, NULL) == 0 ? argument : NULL);
    kt_sleep(1000000);
}

static void test_fill(void)
{
    char text[64];
    for (int i = 0; i < 100; i++) {
        struct kt_memory_file *file;
        char key[32];
        snprintf(key, sizeof key, "kept/%d", i);
        snprintf(text, sizeof text, "contents of %d", i);
        assert_int_equal(kt_memory_file_new(kt_self_memory(), "test", &file), 0);
        assert_int_equal(write(file->fd, text, strlen(text)), strlen(text));
        assert_int_equal(kt_memory_file_seal(file), 0);
        const struct kt_registration what = {
            .key = key,
            .value = text,
            .value_bytes = strlen(text),
            .file = i % 2 ? file : NULL,
            .keep_until_ms = i == 99 ? kt_unix_ms() + 50 : kt_unix_ms() + 1000000,
        };
        assert_int_equal(kt_registry_register(&what, NULL), 0);
        talloc_free(file);
    }
    assert_int_equal(kt_registry_register(&(struct kt_registration){.key = "passing"}, NULL), 0);
    for (int i = 0; i < 10; i++) { /* what is changed or removed is salvaged as it was last */
        char key[32];
        snprintf(key, sizeof key, "kept/%d", i);
        const struct kt_registration what = {.key = key,
                                             .value = "changed",
                                             .value_bytes = 7,
                                             .keep_until_ms = kt_unix_ms() + 1000000};
        assert_int_equal(i < 5 ? kt_registry_update(&what) : kt_registry_unregister(key), 0);
    }
    /* an owner is ended when the registry is gone, whoever waits fails */
    static const struct kt_registration owned = {.key = "owned"};
    kt_pid owner;
    assert_int_equal(kt_spawn(NULL, own, (void *)(uintptr_t)&owned, &owner), 0);
    AWAIT(kt_registry_lookup("owned", &entry) == 0);
    kt_sleep(60); /* kept/99 is over before the crash */
    assert_int_equal(kt_registry_unregister("kept/10"), 0);
    kt_trap_exit(true);
}

static void fill_and_watch_it_die(void)
{
    test_fill();
    kt_pid helper;
    static const struct kt_registration owned = {.key = "owned-2"};
    assert_int_equal(kt_spawn(NULL, own, (void *)(uintptr_t)&owned, &helper), 0);
    AWAIT(kt_registry_lookup("owned-2", &entry) == 0);
    board->counts[0] = 1;
    AWAIT(!kt_is_alive(helper));
    CHECK(false); /* this process owns entries, too: it never gets here */
}

static void test_all_there(void)
{
    char key[32], text[64], contents[64];
    int found = 0;
    for (int i = 0; i < 100; i++) {
        struct kt_memory_file *file;
        snprintf(key, sizeof key, "kept/%d", i);
        snprintf(text, sizeof text, "contents of %d", i);
        int result = kt_registry_lookup(key, &entry);
        if ((i >= 5 && i <= 10) || i == 99) {
            assert_int_equal(result, -ENOENT);
            assert_int_equal(kt_registry_file(key, &file), -ENOENT);
            continue;
        }
        assert_int_equal(result, 0);
        found++;
        assert_int_equal(entry.owner, KT_PID_NONE);
        assert_string_equal(entry.value, i < 5 ? "changed" : text);
        assert_int_equal(kt_registry_file(key, &file), i % 2 ? 0 : -ENOENT);
        if (i % 2) {
            memset(contents, 0, sizeof contents);
            assert_int_equal(pread(file->fd, contents, sizeof contents, 0), strlen(text));
            assert_string_equal(contents, text);
            talloc_free(file);
        }
    }
    assert_int_equal(found, 93);
    assert_int_equal(kt_registry_lookup("passing", &entry), -ENOENT);
    assert_int_equal(kt_registry_lookup("owned", &entry), -ENOENT);
    /* they can be changed and removed as any */
    assert_int_equal(kt_registry_unregister("kept/1"), 0);
    assert_int_equal(kt_registry_lookup("kept/1", &entry), -ENOENT);
}

static void run_until_it_dies(void)
{
    int status;
    pid_t worker = house_fork(1, fill_and_watch_it_die);
    while (board->counts[0] == 0)
        usleep(1000);
    house_kill(house.registry);
    while (board->counts[15] == 0) /* house_lost */
        usleep(1000);
    house_kill(worker);
    (void)status;
    char packet[KT_REGISTRY_PACKET_MAX]; /* what it told its master before it died */
    for (;;) {
        int fd = -1;
        ssize_t size = kt_packet_receive(house.registry_fd, packet, sizeof packet, &fd);
        if (size <= 0)
            break;
        const size_t gone = strlen(KT_REGISTRY_FILE_GONE);
        bool is_gone = strncmp(packet, KT_REGISTRY_FILE_GONE, gone) == 0;
        int *place = &house.file_fds[atoi(packet + (is_gone ? gone : strlen(KT_REGISTRY_FILE)))];
        if (*place >= 0)
            close(*place);
        *place = fd;
    }
    close(house.registry_fd);
}

/** What was to be kept outlives the registry, with its files. */
static void kept_entries_survive(void **state)
{
    (void)state;
    house_open();
    run_until_it_dies();
    int old = house.directory_fd;
    house_open_registry(old);
    close(old);
    house_run(2, test_all_there);
    house_close();
}

/** A directory that is damaged anywhere brings a new registry neither down nor rubbish in. */
static void a_damaged_directory_does_no_harm(void **state)
{
    (void)state;
    house_open();
    run_until_it_dies();
    int old = house.directory_fd;
    struct stat status;
    assert_int_equal(fstat(old, &status), 0);
    unsigned seed = 7;
    for (int i = 0; i < 2000; i++) { /* behind the head, where cells are */
        seed = seed * 1103515245 + 12345;
        off_t at = 4096 + (off_t)(seed % (unsigned)(status.st_size - 8192));
        uint64_t noise;
        assert_int_equal(getrandom(&noise, sizeof noise, 0), sizeof noise);
        assert_int_equal(pwrite(old, &noise, sizeof noise, at), sizeof noise);
    }
    house_open_registry(old);
    close(old);
    assert_int_equal(kill(house.registry, 0), 0);
    house_close();
}

/* ---------------------------------------------------------------- a worker that writes rubbish */

static void test_still_served(void)
{
    char key[32];
    snprintf(key, sizeof key, "fine/%llx", (unsigned long long)kt_self());
    assert_int_equal(kt_registry_register(&(struct kt_registration){.key = key}, NULL), 0);
    assert_int_equal(kt_registry_lookup(key, &entry), 0);
}

/** Send something as worker 5, and see that the registry closes the connection or lives with it. */
static void send_rubbish(const void *data, size_t size, int fd_to_send)
{
    int fd = house_connect(5);
    struct iovec part = {(void *)(uintptr_t)data, size};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } rights = {.bytes = {0}};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd_to_send >= 0) {
        message.msg_control = rights.bytes;
        message.msg_controllen = sizeof rights.bytes;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &fd_to_send, sizeof(int));
    }
    sendmsg(fd, &message, MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    char byte[4096];
    for (;;) { /* until it has closed its end: then it has read all of it */
        struct pollfd poll_fd = {fd, POLLIN, 0};
        assert_int_equal(poll(&poll_fd, 1, 10000), 1);
        ssize_t got = recv(fd, byte, sizeof byte, 0);
        if (got == 0 || (got < 0 && errno == ECONNRESET))
            break;
    }
    close(fd);
}

static void a_worker_that_lies_is_cut_off(void **state)
{
    (void)state;
    house_open();
    union {
        struct kt_frame frame;
        char bytes[4096];
    } rubbish = {.bytes = {0}};
    unsigned seed = 11;
    for (int i = 0; i < 3000; i++) {
        size_t size = sizeof rubbish.bytes;
        assert_int_equal(getrandom(&rubbish, 256, 0), 256);
        seed = seed * 1103515245 + 12345;
        if (i % 8 != 0) { /* a frame that looks like one */
            rubbish.frame.bytes = (uint32_t)(sizeof(struct kt_frame) + (seed >> 16 & 31) * 8);
            rubbish.frame.kind = (uint16_t)(seed >> 8 & 31);
            rubbish.frame.has_fd = i % 5 == 0;
            rubbish.frame.size = seed >> 24 & 127;
            if (i % 3)
                rubbish.frame.pid = (uint64_t)5 << 22 | 17;
            size = rubbish.frame.bytes;
        } else {
            size = seed >> 16 & 255;
        }
        send_rubbish(&rubbish, size ? size : 1, i % 5 == 0 ? house.directory_fd : -1);
    }
    house_run(1, test_still_served);
    house_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_entries_survive),
        cmocka_unit_test(a_damaged_directory_does_no_harm),
        cmocka_unit_test(a_worker_that_lies_is_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
