/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: messages would get lost, come twice, out of order or to the wrong caller. */
#include "inside.h"

static void echo(void *argument)
{
    (void)argument;
    const struct kt_message *message;
    for (;;) {
        kt_receive(-1, &message);
        struct kt_from from = kt_message_from(message);
        if (from.pid)
            kt_reply(&from, message->type + 1, message->data, message->size);
        else
            kt_send(message->from, message->type + 1, message->data, message->size);
    }
}

static void test_order(void)
{
    kt_pid peer;
    const struct kt_message *message;
    char text[5000];
    memset(text, 'x', sizeof text);
    kt_spawn(NULL, echo, NULL, &peer);
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(kt_send(peer, i, text, i * 5), 0);
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(kt_receive(-1, &message), 0);
        assert_int_equal(message->type, i + 1);
        assert_int_equal(message->size, i * 5);
        assert_int_equal(message->from, peer);
        if (i)
            assert_memory_equal(message->data, text, message->size);
    }
    assert_int_equal(kt_receive(0, &message), -ETIMEDOUT);
    assert_int_equal(kt_receive(5, &message), -ETIMEDOUT);
}

static void forever(void *argument)
{
    (void)argument;
    kt_sleep(1000000);
}

static void test_bounds(void)
{
    kt_pid peer;
    kt_spawn(&(struct kt_spawn){.mailbox_limit = 3}, forever, NULL, &peer);
    for (int i = 0; i < 3; i++)
        assert_int_equal(kt_send(peer, 1, NULL, 0), 0);
    assert_int_equal(kt_send(peer, 1, NULL, 0), -ENOBUFS);
    assert_int_equal(kt_call(peer, 1, NULL, 0, 10, NULL), -ENOBUFS);
    assert_int_equal(kt_send(kt_self(), KT_MESSAGE_EXIT, NULL, 0), -EINVAL);
    void *large = talloc_zero_size(kt_self_memory(), KT_MESSAGE_SIZE_MAX + 1);
    assert_int_equal(kt_send(kt_self(), 1, large, KT_MESSAGE_SIZE_MAX + 1), -EMSGSIZE);
    assert_int_equal(kt_send(kt_self(), 1, large, KT_MESSAGE_SIZE_MAX), 0);
    /* To the dead: no error, as in Erlang. */
    kt_signal(peer, KT_EXIT_KILL, NULL);
    assert_int_equal(kt_join(peer, -1), 0);
    assert_false(kt_is_alive(peer));
    assert_int_equal(kt_send(peer, 1, NULL, 0), 0);
}

static int chunks_freed;

static int count_freed(char *chunk)
{
    (void)chunk;
    chunks_freed++;
    return 0;
}

static char *counted_chunk(void)
{
    char *chunk = talloc_strdup(kt_self_memory(), "a gift");
    talloc_set_destructor(chunk, count_freed);
    return chunk;
}

static void keep_gift(void *argument)
{
    const struct kt_message *message;
    kt_receive(-1, &message);
    *(const char **)argument = message->data;
    kt_receive(-1, &message); /* the gift outlives the message it came in */
    kt_receive(-1, &message);
}

static void test_memory_changes_hands(void)
{
    kt_pid peer;
    const char *gift = NULL;
    chunks_freed = 0;
    kt_spawn(NULL, keep_gift, &gift, &peer);
    assert_int_equal(kt_send_memory(peer, 1, counted_chunk()), 0);
    kt_send(peer, 2, NULL, 0);
    kt_yield();
    assert_string_equal(gift, "a gift");
    assert_int_equal(chunks_freed, 0);
    kt_send_memory(peer, 3, counted_chunk()); /* received by nobody: freed with the mailbox */
    kt_signal(peer, KT_EXIT_KILL, NULL);
    kt_join(peer, -1);
    assert_int_equal(chunks_freed, 2);
    assert_int_equal(kt_send_memory(peer, 1, counted_chunk()), 0);
    assert_int_equal(chunks_freed, 3);
}

static void test_call(void)
{
    kt_pid peer;
    const struct kt_message *reply;
    kt_spawn(NULL, echo, NULL, &peer);
    assert_int_equal(kt_call(peer, 41, "hello", 6, -1, &reply), 0);
    assert_int_equal(reply->type, 42);
    assert_string_equal(reply->data, "hello");
    assert_int_equal(kt_call(kt_self(), 1, NULL, 0, -1, NULL), -EDEADLK);
    assert_int_equal(kt_call(KT_PID_NONE, 1, NULL, 0, -1, NULL), -ESRCH);
}

static void give_away(void *argument)
{
    (void)argument;
    const struct kt_message *message;
    for (;;) {
        kt_receive(-1, &message);
        struct kt_from from = kt_message_from(message);
        if (message->type == 2)
            kt_receive(-1, &message); /* until nobody waits any more */
        assert_int_equal(kt_reply_memory(&from, 7, counted_chunk()), 0);
    }
}

static void ask_and_keep(void *argument)
{
    kt_pid peer = *(kt_pid *)argument;
    const struct kt_message *reply;
    const char *gift;
    assert_int_equal(kt_call(peer, 1, NULL, 0, -1, &reply), 0);
    assert_int_equal(reply->type, 7);
    assert_int_equal(reply->size, sizeof "a gift");
    gift = reply->data;
    assert_int_equal(kt_call(peer, 1, NULL, 0, -1, &reply), 0);
    assert_string_equal(gift, "a gift"); /* the next answer doesn't take it away */
    assert_int_equal(chunks_freed, 0);
}

static void test_replies_change_hands(void)
{
    kt_pid peer, asker;
    chunks_freed = 0;
    kt_spawn(NULL, give_away, NULL, &peer);
    kt_spawn(NULL, ask_and_keep, &peer, &asker);
    kt_join(asker, -1);
    assert_int_equal(chunks_freed, 2); /* with the one who asked */
    assert_int_equal(kt_call(peer, 2, NULL, 0, 5, NULL), -ETIMEDOUT);
    kt_send(peer, 3, NULL, 0);
    kt_yield();
    assert_int_equal(chunks_freed, 3); /* at once: nobody waits */
}

static void late(void *argument)
{
    (void)argument;
    const struct kt_message *message;
    kt_receive(-1, &message);
    struct kt_from from = kt_message_from(message);
    kt_receive(-1, &message); /* the signal to answer at last */
    kt_reply(&from, 7, "too late", 9);
    kt_receive(-1, &message);
    kt_fail("on purpose");
}

static void slow_echo(void *argument)
{
    (void)argument;
    const struct kt_message *message;
    kt_receive(-1, &message);
    struct kt_from from = kt_message_from(message);
    kt_sleep(5);
    kt_reply(&from, 8, "right", 6);
}

static void test_a_late_reply_is_not_taken_for_another(void)
{
    kt_pid first, second;
    const struct kt_message *reply;
    kt_spawn(NULL, late, NULL, &first);
    kt_spawn(NULL, slow_echo, NULL, &second);
    assert_int_equal(kt_call(first, 1, NULL, 0, 5, NULL), -ETIMEDOUT);
    kt_send(first, 2, NULL, 0);
    assert_int_equal(kt_call(second, 1, NULL, 0, -1, &reply), 0);
    assert_string_equal(reply->data, "right");
}

static void test_no_reply_is_left_behind(void)
{
    kt_pid peer;
    const struct kt_message *message;
    kt_spawn(NULL, late, NULL, &peer);
    assert_int_equal(kt_call(peer, 1, NULL, 0, 5, NULL), -ETIMEDOUT);
    kt_send(peer, 2, NULL, 0);
    kt_yield();
    assert_int_equal(kt_receive(0, &message), -ETIMEDOUT);
    assert_int_equal(kt_call(peer, 3, NULL, 0, -1, NULL), -EOWNERDEAD);
    assert_int_equal(kt_receive(0, &message), -ETIMEDOUT);
}

static void test_delayed(void)
{
    const struct kt_message *message;
    kt_send_after(kt_self(), 20, 2, "b", 2);
    kt_send_after(kt_self(), 5, 1, "a", 2);
    kt_send_after(kt_self(), 1000000, 3, "never", 6);
    for (uint32_t i = 1; i <= 2; i++) {
        assert_int_equal(kt_receive(-1, &message), 0);
        assert_int_equal(message->type, i);
    }
}

CASE(order)
CASE(bounds)
CASE(memory_changes_hands)
CASE(call)
CASE(replies_change_hands)
CASE(no_reply_is_left_behind)
CASE(a_late_reply_is_not_taken_for_another)
CASE(delayed)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order),
        cmocka_unit_test(bounds),
        cmocka_unit_test(memory_changes_hands),
        cmocka_unit_test(call),
        cmocka_unit_test(replies_change_hands),
        cmocka_unit_test(no_reply_is_left_behind),
        cmocka_unit_test(a_late_reply_is_not_taken_for_another),
        cmocka_unit_test(delayed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
