/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: an address that a user enters could reach the operator's own network, or a public
 * one would be refused. */
#include "config.h"

#include "inside.h"

#include "fetch/address.h"

static const char *class_of(const char *text)
{
    union kt_address address;
    assert_true(kt_address_parse(text, &address));
    return kt_address_class(&address);
}

/** One address of each kind, with the first and last of a range and the neighbours beyond. */
static void classes(void **state)
{
    static const struct {
        const char *address;
        const char *words; /* NULL: public */
    } table[] = {
        {"0.0.0.0", "unspecified"},
        {"0.255.255.255", "unspecified"},
        {"1.0.0.0", NULL},
        {"9.255.255.255", NULL},
        {"10.0.0.0", "private"},
        {"10.255.255.255", "private"},
        {"11.0.0.0", NULL},
        {"100.63.255.255", NULL},
        {"100.64.0.0", "provider"},
        {"100.127.255.255", "provider"},
        {"100.128.0.0", NULL},
        {"126.255.255.255", NULL},
        {"127.0.0.1", "loopback"},
        {"127.255.255.255", "loopback"},
        {"128.0.0.0", NULL},
        {"169.253.255.255", NULL},
        {"169.254.169.254", "link-local"},
        {"169.255.0.0", NULL},
        {"172.15.255.255", NULL},
        {"172.16.0.0", "private"},
        {"172.31.255.255", "private"},
        {"172.32.0.0", NULL},
        {"192.0.0.8", "reserved"},
        {"192.0.1.0", NULL},
        {"192.0.2.1", "documentation"},
        {"192.0.3.0", NULL},
        {"192.88.99.1", "reserved"},
        {"192.167.255.255", NULL},
        {"192.168.0.1", "private"},
        {"192.169.0.0", NULL},
        {"198.17.255.255", NULL},
        {"198.18.0.0", "benchmarks"},
        {"198.19.255.255", "benchmarks"},
        {"198.20.0.0", NULL},
        {"198.51.100.7", "documentation"},
        {"203.0.113.7", "documentation"},
        {"203.0.114.0", NULL},
        {"223.255.255.255", NULL},
        {"224.0.0.1", "multicast"},
        {"239.255.255.255", "multicast"},
        {"240.0.0.0", "reserved"},
        {"255.255.255.255", "reserved"},
        {"93.184.216.34", NULL},
        {"::", "unspecified"},
        {"::1", "loopback"},
        {"::2", "reserved"},
        {"::127.0.0.1", "reserved"},
        {"::ffff:127.0.0.1", "loopback"},
        {"::ffff:10.1.2.3", "private"},
        {"::ffff:0.0.0.0", "unspecified"},
        {"::ffff:93.184.216.34", NULL},
        {"::ffff:0:127.0.0.1", "reserved"},
        {"64:ff9b::127.0.0.1", "loopback"},
        {"64:ff9b::192.168.0.1", "private"},
        {"64:ff9b::93.184.216.34", NULL},
        {"64:ff9b:1::93.184.216.34", "private"},
        {"64:ff9b:1:ffff::1", "private"},
        {"64:ff9b:2::1", "reserved"},
        {"64:ff9b::1:0:0", "reserved"},
        {"100::1", "reserved"},
        {"1fff:ffff::1", "reserved"},
        {"2000::1", NULL},
        {"2001::1", "tunnels"},
        {"2001:0:ffff::1", "tunnels"},
        {"2001:2::1", "reserved"},
        {"2001:1ff::1", "reserved"},
        {"2001:200::1", NULL},
        {"2001:db8::1", "documentation"},
        {"2001:db9::1", NULL},
        {"2002:7f00:1::", "tunnels"},
        {"2002:5db8:d822::", "tunnels"},
        {"2003::1", NULL},
        {"2606:2800:220:1:248:1893:25c8:1946", NULL},
        {"3ffe:ffff::1", NULL},
        {"3fff::1", "documentation"},
        {"3fff:fff:ffff::1", "documentation"},
        {"3fff:1000::1", NULL},
        {"4000::1", "reserved"},
        {"5f00::1", "reserved"},
        {"fbff::1", "reserved"},
        {"fc00::1", "private"},
        {"fd12:3456::1", "private"},
        {"fe00::1", "reserved"},
        {"fe80::1", "link-local"},
        {"febf::1", "link-local"},
        {"fec0::1", "private"},
        {"ff02::1", "multicast"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const char *words = class_of(table[i].address);
        if (!words != !table[i].words || (words && !strstr(words, table[i].words)))
            fail_msg("%s is %s, expected %s", table[i].address, words ? words : "public",
                     table[i].words ? table[i].words : "public");
    }
}

static bool contains(const char *list, const char *text)
{
    struct kt_networks *networks;
    struct kt_error error = {0};
    union kt_address address;
    assert_true(kt_address_parse(text, &address));
    assert_int_equal(kt_networks_parse(NULL, list, &networks, &error), 0);
    bool result = kt_networks_contain(networks, &address);
    talloc_free(networks);
    return result;
}

static void networks_contain(void **state)
{
    static const char list[] = "10.1.0.0/16  192.168.7.9\tfd00:1::/32 ::1 172.16.0.0/12";
    (void)state;
    assert_true(contains(list, "10.1.0.0"));
    assert_true(contains(list, "10.1.255.255"));
    assert_true(contains(list, "::ffff:10.1.2.3"));
    assert_false(contains(list, "10.2.0.0"));
    assert_false(contains(list, "10.0.255.255"));
    assert_true(contains(list, "192.168.7.9"));
    assert_false(contains(list, "192.168.7.8"));
    assert_true(contains(list, "fd00:1:ffff::1"));
    assert_false(contains(list, "fd00:2::1"));
    assert_true(contains(list, "::1"));
    assert_false(contains(list, "::2"));
    assert_true(contains(list, "172.31.255.255"));
    assert_false(contains(list, "172.32.0.0"));
    assert_true(contains("0.0.0.0/0", "127.0.0.1"));
    assert_false(contains("0.0.0.0/0", "::1"));
    assert_true(contains("::ffff:10.0.0.0/104", "10.9.9.9"));
    assert_false(contains("", "127.0.0.1"));
    assert_false(contains("10.0.0.0/8", "64:ff9b::10.0.0.1"));
    union kt_address address;
    assert_true(kt_address_parse("127.0.0.1", &address));
    assert_false(kt_networks_contain(NULL, &address));
    assert_true(kt_address_is_loopback(&address));
}

static void networks_refused(void **state)
{
    static const struct {
        const char *list, *words;
    } table[] = {
        {"10.0.0.1/8", "not the network"},
        {"fd00::1/32", "not the network"},
        {"10.0.0.0/33", "0 to 32"},
        {"::/129", "0 to 128"},
        {"10.0.0.0/", "0 to 32"},
        {"10.0.0.0/-1", "0 to 32"},
        {"10.0.0.0/8x", "0 to 32"},
        {"10.0.0.0/8/8", "0 to 32"},
        {"10.0.0.0/99999999999", "0 to 32"},
        {"10.0.0", "no network"},
        {"10/8", "no network"},
        {"010.0.0.1", "no network"},
        {"intranet.example.org", "no network"},
        {"[::1]", "no network"},
        {"fe80::1%eth0", "no network"},
        {"10.0.0.0/8,192.168.0.0/16", "0 to 32"},
        {"10.0.0.0/8 oops", "'oops'"},
        {"/8", "no network"},
        {"1111:2222:3333:4444:5555:6666:7777:8888:9999:1111:2222:3333:4444:5555/12", "no network"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct kt_networks *networks;
        struct kt_error error = {0};
        assert_int_equal(kt_networks_parse(NULL, table[i].list, &networks, &error), -EINVAL);
        if (!strstr(error.text, table[i].words))
            fail_msg("'%s' is refused with \"%s\"", table[i].list, error.text);
        talloc_free(networks);
    }
}

static void too_many_networks(void **state)
{
    struct kt_networks *networks;
    char *list = talloc_strdup(NULL, "");
    (void)state;
    for (unsigned i = 0; i < KT_NETWORKS_MAX; i++)
        list = talloc_strdup_append_buffer(list, "10.0.0.1 ");
    assert_int_equal(kt_networks_parse(list, list, &networks, NULL), 0);
    char *more = talloc_asprintf(list, "%s10.0.0.1", list);
    assert_int_equal(kt_networks_parse(list, more, &networks, NULL), -EINVAL);
    talloc_free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes),
        cmocka_unit_test(networks_contain),
        cmocka_unit_test(networks_refused),
        cmocka_unit_test(too_many_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
