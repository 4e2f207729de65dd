/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: machines other than the web server could talk to kontor, in anybody's name. */
#include "inside.h"

#include "fastcgi/peer.h"

#include <arpa/inet.h>

static struct kt_peers *parse(const char *text)
{
    struct kt_peers *peers;
    return kt_peers_parse(NULL, text, &peers, NULL) == 0 ? peers : NULL;
}

static bool contains(const struct kt_peers *peers, const char *address)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1)
        return kt_peers_contain(peers, (const struct sockaddr *)&v4);
    assert_int_equal(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
    return kt_peers_contain(peers, (const struct sockaddr *)&v6);
}

static void lets_in_who_is_listed(void **state)
{
    (void)state;
    struct kt_peers *peers = parse("192.0.2.1, 2001:db8::1 ,127.0.0.1");
    assert_non_null(peers);
    assert_int_equal(peers->count, 3);
    assert_true(contains(peers, "192.0.2.1"));
    assert_true(contains(peers, "2001:db8::1"));
    assert_true(contains(peers, "127.0.0.1"));
    assert_true(contains(peers, "::ffff:127.0.0.1"));
    assert_false(contains(peers, "127.0.0.2"));
    assert_false(contains(peers, "::1"));
    const struct sockaddr local = {.sa_family = AF_UNIX};
    assert_false(kt_peers_contain(peers, &local));
    talloc_free(peers);
}

static void everybody_without_a_list(void **state)
{
    (void)state;
    struct kt_peers *peers;
    assert_int_equal(kt_peers_parse(NULL, NULL, &peers, NULL), 0);
    assert_null(peers);
    assert_int_equal(kt_peers_parse(NULL, "", &peers, NULL), 0);
    assert_null(peers);
}

static void refuses_half_a_list(void **state)
{
    (void)state;
    static const char *const texts[] = {
        ",",
        "127.0.0.1,",
        "127.0.0.1,,127.0.0.2",
        "127.0.0.1 127.0.0.2",
        "localhost",
        "127.0.0.1:9000",
        "127.0.0.0/8",
        " ",
        "127.0.0.1;",
        "1111111111111111111111111111111111111111111111111111111",
    };
    char many[KT_PEERS_MAX * 9 + 16] = "";
    struct kt_error error;
    struct kt_peers *peers;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        assert_int_equal(kt_peers_parse(NULL, texts[i], &peers, &error), -EINVAL);
        assert_non_null(strstr(error.text, "FCGI_WEB_SERVER_ADDRS is '"));
    }
    for (unsigned int i = 0; i < KT_PEERS_MAX; i++)
        strcat(many, i ? ",10.0.0.1" : "10.0.0.1");
    peers = parse(many);
    assert_non_null(peers);
    talloc_free(peers);
    strcat(many, ",::1");
    assert_null(parse(many));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lets_in_who_is_listed),
        cmocka_unit_test(everybody_without_a_list),
        cmocka_unit_test(refuses_half_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
