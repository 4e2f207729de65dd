/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: a document in Redis would be read as another, an error be taken for a success, or
 * a server that has gone mad could fill a worker's memory. */
#include "config.h"

#include "inside.h"

#include "store/redis_reply.h"

#include <hiredis/hiredis.h>
#include <kontor/store.h>

static struct kt_redis_intake intake;
static redisReader *reader;

static int set_up(void **state)
{
    (void)state;
    intake = (struct kt_redis_intake){.memory = talloc_new(NULL)};
    reader = redisReaderCreateWithFunctions(&kt_redis_reply_functions);
    reader->privdata = &intake;
    return reader ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    redisReaderFree(reader);
    return talloc_free(intake.memory);
}

/** Read one reply. @return NULL: it is not whole, or makes no sense: see reader->err */
static struct kt_redis_reply *read_bytes(const char *bytes, size_t size)
{
    void *reply = NULL;
    redisReaderFeed(reader, bytes, size);
    if (redisReaderGetReply(reader, &reply) != REDIS_OK)
        return NULL;
    if (reply)
        intake.bytes = 0;
    return reply;
}

static struct kt_redis_reply *read_text(const char *text)
{
    return read_bytes(text, strlen(text));
}

static void kinds(void **state)
{
    (void)state;
    struct kt_redis_reply *reply = read_text("$3\r\na\rb\r\n");
    assert_int_equal(reply->kind, KT_REDIS_TEXT);
    assert_int_equal(reply->bytes, 3);
    assert_string_equal(reply->text, "a\rb");
    assert_int_equal(read_text("$-1\r\n")->kind, KT_REDIS_NIL);
    assert_int_equal(read_text("+OK\r\n")->kind, KT_REDIS_STATUS);
    assert_int_equal(read_text("-ERR no\r\n")->kind, KT_REDIS_ERROR);
    assert_int_equal(read_text(":-9223372036854775808\r\n")->integer, INT64_MIN);
    reply = read_text("*3\r\n:1\r\n*1\r\n$-1\r\n$0\r\n\r\n");
    assert_int_equal(reply->kind, KT_REDIS_ARRAY);
    assert_int_equal(reply->count, 3);
    assert_int_equal(reply->elements[0]->integer, 1);
    assert_int_equal(reply->elements[1]->elements[0]->kind, KT_REDIS_NIL);
    assert_int_equal(reply->elements[2]->bytes, 0);
    assert_int_equal(read_text("*0\r\n")->count, 0);
}

static void in_pieces(void **state)
{
    (void)state;
    const char *bytes = "*2\r\n$3\r\nabc\r\n:12\r\n";
    for (; bytes[1]; bytes++)
        assert_null(read_bytes(bytes, 1));
    struct kt_redis_reply *reply = read_bytes(bytes, 1);
    assert_string_equal(reply->elements[0]->text, "abc");
    assert_int_equal(reply->elements[1]->integer, 12);
}

/** A reply that is left half read goes with the reader: set_up and tear_down, and the sanitizer. */
static void half_of_one(void **state)
{
    (void)state;
    assert_null(read_text("*3\r\n$3\r\nabc\r\n*2\r\n:1\r\n"));
    assert_int_equal(reader->err, 0);
}

static void is_refused(const char *text)
{
    assert_null(read_text(text));
    assert_int_not_equal(reader->err, 0);
    tear_down(NULL);
    set_up(NULL);
}

static void beyond_bounds(void **state)
{
    (void)state;
    is_refused("*2147483647\r\n");
    is_refused("*4097\r\n");
    is_refused("HTTP/1.1 400 Bad Request\r\n");

    /* many texts in one reply */
    assert_null(read_text("*1024\r\n"));
    size_t bytes = 0;
    char *text = talloc_zero_size(intake.memory, 1000000 + 16);
    memcpy(text, "$1000000\r\n", 10);
    memcpy(text + 1000010, "\r\n", 2);
    while (reader->err == 0 && bytes < 2 * KT_REDIS_REPLY_BYTES_MAX) {
        assert_null(read_bytes(text, 1000012));
        bytes += 1000000;
    }
    assert_int_not_equal(reader->err, 0);
    assert_true(bytes <= KT_REDIS_REPLY_BYTES_MAX + 1000000);
}

static void errors(void **state)
{
    static const struct {
        const char *text;
        int result;
    } cases[] = {
        {"+READONLY\r\n", 0},
        {":-1\r\n", 0},
        {"-READONLY You can't write against a read only replica.\r\n", -EROFS},
        {"-OOM command not allowed when used memory > 'maxmemory'. script: abc, on "
         "@user_script:7.\r\n",
         -ENOSPC},
        {"-ERR Error running script (call to f_1): @user_script:9: OOM command not allowed\r\n",
         -ENOSPC},
        {"-ERR Error running script (call to f_1): @user_script:9: @user_script: 9: -READONLY "
         "x\r\n",
         -EROFS},
        {"-LOADING Redis is loading the dataset in memory\r\n", -ENOTCONN},
        {"-BUSY Redis is busy running a script.\r\n", -ENOTCONN},
        {"-MASTERDOWN Link with MASTER is down\r\n", -ENOTCONN},
        {"-NOSCRIPT No matching script. Please use EVAL.\r\n", -ENOEXEC},
        {"-ERR increment or decrement would overflow\r\n", -ERANGE},
        {"-ERR value is not an integer or out of range\r\n", -EIO},
        {"-WRONGTYPE Operation against a key\r\n", -EIO},
        {"-MISCONF Errors writing to the AOF file\r\n", -EIO},
        {"-MOVED 3999 127.0.0.1:6381\r\n", -EIO},
        {"-KONTOR no document\r\n", -EIO},
        {"-NOAUTH Authentication required.\r\n", -EACCES},
        {"-NOPERM this user has no permissions\r\n", -EACCES},
        {"-OOMPH\r\n", -EIO},
        {"-\r\n", -EIO},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(kt_redis_reply_result(read_text(cases[i].text)), cases[i].result);
}

/** Read a document of so many bytes of text. */
static int document(const char *text, uint64_t *revision, const char **value, size_t *bytes)
{
    char head[32];
    snprintf(head, sizeof head, "$%zu\r\n", strlen(text));
    assert_null(read_text(head));
    assert_null(read_text(text));
    return kt_redis_reply_document(read_text("\r\n"), revision, value, bytes);
}

static void documents(void **state)
{
    static const char *const wrong[] = {"",   " ",   "1",    "0 x",  "01 x",
                                        "x1", "-1 ", "+1 x", "1\tx", "12345678901234567 x"};
    uint64_t revision;
    const char *value;
    size_t bytes;
    (void)state;
    assert_int_equal(document("1 ", &revision, &value, &bytes), 0);
    assert_int_equal(revision, 1);
    assert_int_equal(bytes, 0);
    assert_int_equal(document("9007199254740992 1 2", &revision, &value, &bytes), 0);
    assert_true(revision == UINT64_C(1) << 53);
    assert_string_equal(value, "1 2");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(document(wrong[i], &revision, &value, &bytes), -EIO);
    assert_int_equal(kt_redis_reply_document(read_text("$-1\r\n"), &revision, &value, &bytes),
                     -ENOENT);
    assert_int_equal(kt_redis_reply_document(read_text("+1 x\r\n"), &revision, &value, &bytes),
                     -EIO);
    assert_int_equal(kt_redis_reply_document(read_text(":1\r\n"), &revision, &value, &bytes), -EIO);
}

static void largest_document(void **state)
{
    uint64_t revision;
    const char *value;
    size_t bytes;
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        size_t size = 2 + KT_STORE_VALUE_MAX + more;
        char *text = talloc_zero_size(intake.memory, size + 32);
        int head = snprintf(text, 32, "$%zu\r\n7 ", size);
        memcpy(text + (size_t)head - 2 + size, "\r\n", 2);
        struct kt_redis_reply *reply = read_bytes(text, (size_t)head + size);
        assert_int_equal(kt_redis_reply_document(reply, &revision, &value, &bytes),
                         more ? -EIO : 0);
    }
    assert_int_equal(bytes, KT_STORE_VALUE_MAX);
}

static void numbers(void **state)
{
    static const struct {
        const char *text;
        int result;
        int64_t number;
    } cases[] = {
        {":42\r\n", 0, 42},
        {"$2\r\n-7\r\n", 0, -7},
        {"$20\r\n-9223372036854775808\r\n", 0, INT64_MIN},
        {"$19\r\n9223372036854775808\r\n", -EIO, 0},
        {"$-1\r\n", -ENOENT, 0},
        {"$0\r\n\r\n", -EIO, 0},
        {"$1\r\n-\r\n", -EIO, 0},
        {"$2\r\n 1\r\n", -EIO, 0},
        {"$2\r\n1x\r\n", -EIO, 0},
        {"$3\r\n1.0\r\n", -EIO, 0},
        {"+1\r\n", -EIO, 0},
        {"*0\r\n", -EIO, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t number = 0;
        assert_int_equal(kt_redis_reply_number(read_text(cases[i].text), &number), cases[i].result);
        assert_int_equal(number, cases[i].number);
    }
}

static void info(void **state)
{
    const char *value;
    (void)state;
    const char text[] = "# Server\r\nredis_version:7.0.15\r\nxrole:no\r\nrole:slave\r\nempty:";
    char bytes[128];
    snprintf(bytes, sizeof bytes, "$%zu\r\n%s\r\n", strlen(text), text);
    struct kt_redis_reply *reply = read_text(bytes);
    assert_int_equal(kt_redis_info_find(reply, "redis_version", &value), 6);
    assert_memory_equal(value, "7.0.15", 6);
    assert_int_equal(kt_redis_info_find(reply, "role", &value), 5);
    assert_memory_equal(value, "slave", 5);
    assert_int_equal(kt_redis_info_find(reply, "empty", &value), 0);
    assert_int_equal(kt_redis_info_find(reply, "rol", &value), 0);
    assert_int_equal(kt_redis_info_find(read_text("-NOPERM\r\n"), "role", &value), 0);
}

#define UNIT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(kinds),  UNIT(in_pieces), UNIT(half_of_one),      UNIT(beyond_bounds),
        UNIT(errors), UNIT(documents), UNIT(largest_document), UNIT(numbers),
        UNIT(info),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
