/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: pages would be lost behind some web server or mount, or a client could claim to
 * be somebody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/params.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LIST_MAX 16

/** Scan a list of literals, ended by NULL. */
static int scan(TALLOC_CTX *context, const char *const *list, char **envp,
                struct kt_params *ret_params)
{
    size_t count = 0;
    for (; list[count]; count++)
        envp[count] = talloc_strdup(context, list[count]);
    envp[count] = NULL;
    return kt_params_scan(context, envp, ret_params);
}

static void test_paths_and_mounts(void **state)
{
    (void)state;
    static const struct {
        const char *path_info, *script_name, *document_uri, *request_uri, *configured;
        const char *path, *mount; /* NULL: refused */
    } cases[] = {
        /* nginx's stock fastcgi_params */
        {"", "/api/x y", "/api/x y", "/api/x%20y?q", "", "/api/x y", ""},
        {"", "/t/k/api/x", "/t/k/api/x", "/t/k/api/x", "/t/k", "/api/x", "/t/k"},
        {"", "/t/k", "/t/k", "/t/k", "/t/k", "/", "/t/k"},
        {"", "/t/k/", "/t/k/", "/t/k/", "/t/k", "/", "/t/k"},
        {"", "/t/kk/api", "", "", "/t/k", "/t/kk/api", ""},
        {"", "/a%20b", "", "/a%2520b", "", "/a%20b", ""}, /* decoded once is decoded */
        /* a split as CGI means it */
        {"/api/x", "/t/k", "", "/t/k/api/x", "", "/api/x", "/t/k"},
        {"/api/x", "/t/k/", "", "/t/k/api/x", "/other", "/api/x", "/t/k"},
        {"/api/x%41", "/t", "", "/t/api/x%2541", "", "/api/x%41", "/t"},
        {"/x", "", "", "/x", "", "/x", ""},
        /* Apache's proxy-fcgi-pathinfo */
        {"/api/x%20y", "/t/api/x y", "", "/t/api/x%20y?q=1", "", "/api/x y", "/t"},
        {"/api/x%20y", "/api/x y", "", "/api/x%20y", "", "/api/x y", ""},
        {"/api/xy", "/t", "", "/t/api/xy", "", "/api/xy", "/t"},
        /* nothing but the others */
        {"", "", "/api/x", "/else", "", "/api/x", ""},
        {"", "", "", "/t/k/a%20b/../c?x=/..", "/t/k", "/c", "/t/k"},
        {"", "", "", "http://host/a", "", "/a", ""},
        {"", "", "", "/a%00", "", NULL, NULL},
        {"", "", "", "/a%2", "", NULL, NULL},
        {"", "", "", "/%2e%2e/etc", "", NULL, NULL},
        {"/../x", "/t", "", "", "", NULL, NULL},
        {"", "", "", "*", "", NULL, NULL},
        {"", "", "", "", "", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        TALLOC_CTX *context = talloc_new(NULL);
        struct kt_params params = kt_params_none;
        params.path_info = cases[i].path_info;
        params.script_name = cases[i].script_name;
        params.document_uri = cases[i].document_uri;
        params.request_uri = cases[i].request_uri;
        const char *path = NULL, *mount = NULL;
        int status = kt_params_path(context, &params, cases[i].configured, &path, &mount);
        assert_int_equal(status, cases[i].path ? 0 : -EINVAL);
        if (status == 0) {
            assert_string_equal(path, cases[i].path);
            assert_string_equal(mount, cases[i].mount);
        }
        talloc_free(context);
    }
}

static void test_forged_headers_are_dropped(void **state)
{
    (void)state;
    static const char *const list[] = {"HTTP_PROXY=http://evil", "REMOTE_USER=ada",
                                       "HTTP_REMOTE_USER=root",  "REQUEST_METHOD=GET",
                                       "HTTP_PROXYING=1",        NULL};
    char *envp[LIST_MAX];
    struct kt_params params;
    TALLOC_CTX *context = talloc_new(NULL);
    assert_int_equal(scan(context, list, envp, &params), 0);
    assert_string_equal(params.user, "ada");
    assert_string_equal(params.method, "GET");
    assert_string_equal(envp[0], "REMOTE_USER=ada");
    assert_string_equal(envp[1], "REQUEST_METHOD=GET");
    assert_string_equal(envp[2], "HTTP_PROXYING=1");
    assert_null(envp[3]);
    talloc_free(context);
}

static void test_parameters_come_once(void **state)
{
    (void)state;
    static const char *const lists[][4] = {
        {"REMOTE_USER=ada", "X=1", "REMOTE_USER=root", NULL},
        {"SCRIPT_NAME=/a", "SCRIPT_NAME=/a", NULL},
        {"HTTP_HOST=a", "HTTP_HOST=b", NULL},
        {"HTTP_AUTHORIZATION=a", "HTTP_AUTHORIZATION=b", NULL},
        {"HTTP_=a", "HTTP_=b", NULL},
    };
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        char *envp[LIST_MAX];
        struct kt_params params;
        TALLOC_CTX *context = talloc_new(NULL);
        assert_int_equal(scan(context, lists[i], envp, &params), -EINVAL);
        talloc_free(context);
    }
}

static void test_repeated_header_lines_are_joined(void **state)
{
    (void)state;
    static const char *const list[] = {"HTTP_VIA=a",      "HTTP_COOKIE=x=1", "HTTP_VIA=b",
                                       "HTTP_COOKIE=y=2", "HTTP_VIA=c",      NULL};
    char *envp[LIST_MAX];
    struct kt_params params;
    TALLOC_CTX *context = talloc_new(NULL);
    assert_int_equal(scan(context, list, envp, &params), 0);
    assert_string_equal(envp[0], "HTTP_VIA=a, b, c");
    assert_string_equal(envp[1], "HTTP_COOKIE=x=1; y=2");
    assert_null(envp[2]);
    talloc_free(context);
}

static void test_many_parameters(void **state)
{
    (void)state;
    char *envp[600];
    struct kt_params params;
    TALLOC_CTX *context = talloc_new(NULL);
    for (int i = 0; i < 599; i++)
        envp[i] = talloc_asprintf(context, "P%d=%d", i, i);
    envp[512] = NULL;
    assert_int_equal(kt_params_scan(context, envp, &params), 0);
    assert_string_equal(envp[511], "P511=511");
    envp[512] = envp[0];
    envp[513] = NULL;
    assert_int_equal(kt_params_scan(context, envp, &params), -EINVAL);
    talloc_free(context);
}

static void test_content_length(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t length;
    } cases[] = {
        {"", KT_LENGTH_UNKNOWN},
        {"0", 0},
        {"10485760", 10485760},
        {"9223372036854775807", -EINVAL},
        {"922337203685477580", 922337203685477580},
        {"99999999999999999999", -EINVAL},
        {"-1", KT_LENGTH_UNKNOWN},
        {"-2", -EINVAL},
        {"+1", -EINVAL},
        {" 1", -EINVAL},
        {"1,1", -EINVAL},
        {"0x10", -EINVAL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        int64_t length = kt_params_length(cases[i].text);
        assert_true(length == cases[i].length);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_and_mounts),
        cmocka_unit_test(test_forged_headers_are_dropped),
        cmocka_unit_test(test_parameters_come_once),
        cmocka_unit_test(test_repeated_header_lines_are_joined),
        cmocka_unit_test(test_many_parameters),
        cmocka_unit_test(test_content_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
