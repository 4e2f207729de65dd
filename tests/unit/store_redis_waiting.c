/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: a Redis that takes connections and says nothing would fill a worker with requests
 * that wait for it, or keep them for longer than they may wait. */
#include "config.h"

#include "inside.h"

#include "store/address.h"
#include "store/backend.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/** More than may wait. */
#define ASKING 6000
#define TIMEOUT_MS 300
/** Under Valgrind a turn of so many takes seconds. */
#define SLACK_MS 10000

static struct kt_store_backend *backend;
static unsigned ended, busy, timed_out, others;
static int64_t longest_ms;

static void ask(void *argument)
{
    static const struct kt_store_name name = {"test", "a", 4, 1};
    struct kt_store_document *document;
    (void)argument;
    int64_t begin_ms = kt_now_ms();
    int result = backend->functions->get(backend, &name, &document);
    int64_t took_ms = kt_now_ms() - begin_ms;
    longest_ms = took_ms > longest_ms ? took_ms : longest_ms;
    *(result == -EBUSY ? &busy : result == -ETIMEDOUT ? &timed_out : &others) += 1;
    ended++;
}

/** A socket that takes connections and says nothing. */
static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 16), 0);
    return fd;
}

static void test_silent_server(void)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/kontor-silent-%d.sock", (int)getpid());
    int fd = listen_at(path);
    const struct kt_store_address address = {
        .kind = KT_STORE_REDIS, .path = path, .shown = "redis+unix:silent"};
    assert_int_equal(kt_store_redis_new(&address, TIMEOUT_MS, &backend, NULL), 0);
    for (unsigned i = 0; i < ASKING; i++)
        assert_int_equal(kt_spawn(NULL, ask, NULL, NULL), 0);
    while (ended < ASKING)
        kt_sleep(10);
    assert_in_range(busy, 1, ASKING - 1000);
    assert_int_equal(busy + timed_out + others, ASKING);
    assert_true(longest_ms < TIMEOUT_MS + SLACK_MS);
    backend->functions->close(backend);
    kt_sleep(1); /* handles are closed at the end of a turn of the loop */
    unlink(path);
    close(fd);
}

CASE(silent_server)

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(silent_server)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
