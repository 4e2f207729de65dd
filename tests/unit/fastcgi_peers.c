/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: machines other than the web server could talk to kontor, in anybody's name; and
 * nobody would see who does. */
#include "inside.h"

#include "fastcgi/peer.h"

#include <arpa/inet.h>
#include <sys/prctl.h>
#include <unistd.h>

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

static void names_a_local_peer(void **state)
{
    (void)state;
    struct kt_peer peer;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    prctl(PR_SET_NAME, "web \303\274\nserver");
    kt_peer_identify(pair[0], NULL, 0, &peer);
    assert_string_equal(peer.address, "");
    assert_int_equal(peer.pid, getpid());
    assert_int_equal(peer.uid, getuid());
    assert_string_equal(peer.program, "web ??");
    /* What is known already is not read again, but of this process only. */
    struct kt_peer known[] = {{.program = "other", .pid = getpid() + 1},
                              {.program = "known", .pid = getpid()}};
    kt_peer_identify(pair[0], known, 2, &peer);
    assert_string_equal(peer.program, "known");
    kt_peer_identify(pair[0], known, 1, &peer);
    assert_string_equal(peer.program, "web ??");
    close(pair[1]);
    kt_peer_identify(pair[0], NULL, 0, &peer); /* it has gone: whatever is said, nothing breaks */
    close(pair[0]);
    kt_peer_identify(-1, NULL, 0, &peer);
    assert_int_equal(peer.pid, 0);
    assert_string_equal(peer.program, "");
}

/** The name of a peer over TCP, from a socket of this family to one that listens here. */
static void name_over_tcp(int family, struct sockaddr *address, socklen_t size, char ret_name[64],
                          in_port_t *ret_port)
{
    struct kt_peer peer;
    struct sockaddr_storage own;
    socklen_t own_size = sizeof(own);
    int listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int client = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, address, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, address, &size), 0);
    assert_int_equal(connect(client, address, size), 0);
    int server = accept(listener, NULL, NULL);
    assert_true(server >= 0);
    kt_peer_identify(server, NULL, 0, &peer);
    assert_int_equal(peer.pid, 0);
    snprintf(ret_name, 64, "%s", peer.address);
    assert_int_equal(getsockname(client, (struct sockaddr *)&own, &own_size), 0);
    *ret_port = ntohs(((const struct sockaddr_in *)(const void *)&own)->sin_port); /* as in in6 */
    close(server);
    close(client);
    close(listener);
}

static void names_a_peer_by_its_address(void **state)
{
    (void)state;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    char name[64], expected[64];
    in_port_t port;
    name_over_tcp(AF_INET, (struct sockaddr *)&v4, sizeof(v4), name, &port);
    snprintf(expected, sizeof(expected), "127.0.0.1:%u", (unsigned)port);
    assert_string_equal(name, expected);
    /* As a socket that listens for both sees a peer of IPv4. */
    assert_int_equal(inet_pton(AF_INET6, "::ffff:127.0.0.1", &v6.sin6_addr), 1);
    name_over_tcp(AF_INET6, (struct sockaddr *)&v6, sizeof(v6), name, &port);
    snprintf(expected, sizeof(expected), "127.0.0.1:%u", (unsigned)port);
    assert_string_equal(name, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lets_in_who_is_listed),       cmocka_unit_test(everybody_without_a_list),
        cmocka_unit_test(refuses_half_a_list),         cmocka_unit_test(names_a_local_peer),
        cmocka_unit_test(names_a_peer_by_its_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
