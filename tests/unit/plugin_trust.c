/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: kontord would run code that somebody else put there. */
#include "config.h"

#include "files.h"

#include "plugin/loader.h"
#include "plugin/path.h"

static struct kt_error error;

/** Who may own what the tests make. */
static uid_t owner(void)
{
    return geteuid();
}

static int open_safe(const char *path, const char **ret_path)
{
    int fd = kt_path_open_safe(memory, path, owner(), ret_path, &error);
    if (fd >= 0)
        close(fd);
    return fd < 0 ? fd : 0;
}

static int load(const char *name, const char *directories)
{
    struct kt_plugin *plugin;
    return kt_plugin_load(memory, name, directories, owner(), &plugin, &error);
}

static void assert_words(const char *words)
{
    if (strstr(error.text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.text, words);
}

static void safe_paths_are_opened(void **state)
{
    (void)state;
    const char *path;
    assert_int_equal(mkdir(path_of("a"), 0755), 0);
    assert_int_equal(mkdir(path_of("a/b"), 0700), 0);
    assert_int_equal(open_safe(path_of("a/b"), &path), 0);
    assert_string_equal(path, path_of("a/b"));
    assert_int_equal(open_safe(path_of("a//./b/../b/"), &path), 0);
    assert_string_equal(path, path_of("a/b"));
    assert_int_equal(symlink("a/b", path_of("relative")), 0);
    assert_int_equal(open_safe(path_of("relative"), &path), 0);
    assert_string_equal(path, path_of("a/b"));
    assert_int_equal(symlink(path_of("a"), path_of("absolute")), 0);
    assert_int_equal(open_safe(path_of("absolute/b"), &path), 0);
    assert_string_equal(path, path_of("a/b"));
    assert_int_equal(open_safe("/", &path), 0);
    assert_string_equal(path, "/");
}

static void writable_directories_are_refused(void **state)
{
    (void)state;
    const char *path;
    mkdir(path_of("a"), 0755);
    mkdir(path_of("a/b"), 0755);
    chmod(path_of("a"), 0775);
    assert_int_equal(open_safe(path_of("a/b"), &path), -EPERM);
    assert_words("writable for its group");
    chmod(path_of("a"), 0757);
    assert_int_equal(open_safe(path_of("a/b"), &path), -EPERM);
    chmod(path_of("a"), 0755);
    chmod(path_of("a/b"), 01777); /* sticky is good enough above, not for the last one */
    assert_int_equal(open_safe(path_of("a/b"), &path), -EPERM);
    chmod(path_of("a/b"), 0755);
    assert_int_equal(open_safe(path_of("a/b"), &path), 0);
}

static void others_directories_are_refused(void **state)
{
    (void)state;
    const char *path;
    if (geteuid() != 0)
        skip();
    mkdir(path_of("a"), 0755);
    mkdir(path_of("a/b"), 0755);
    assert_int_equal(chown(path_of("a"), 12345, 0), 0);
    assert_int_equal(open_safe(path_of("a/b"), &path), -EPERM);
    assert_words("belongs to the user 12345");
    int fd = kt_path_open_safe(memory, path_of("a/b"), 12345, &path, &error);
    assert_true(fd >= 0); /* it is that user's kontord */
    close(fd);
    assert_int_equal(chown(path_of("a"), 0, 0), 0);
    assert_int_equal(symlink(path_of("a/b"), path_of("link")), 0);
    assert_int_equal(lchown(path_of("link"), 12345, 0), 0);
    assert_int_equal(open_safe(path_of("link"), &path), -EPERM);
}

static void paths_that_lead_nowhere(void **state)
{
    (void)state;
    const char *path;
    assert_int_equal(open_safe("relative", &path), -EINVAL);
    assert_int_equal(open_safe(path_of("missing"), &path), -ENOENT);
    write_text("file", "");
    assert_int_equal(open_safe(path_of("file"), &path), -ENOTDIR);
    assert_int_equal(symlink("loop", path_of("loop")), 0);
    assert_int_equal(open_safe(path_of("loop"), &path), -ELOOP);
}

static void names_have_no_tricks(void **state)
{
    (void)state;
    static const char *const names[] = {
        "", "../x", "/etc/x", "x/y", "X", "1x", "x.so", "x y", "a234567890123456789012345678901x"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(load(names[i], directory), -EINVAL);
}

static void modules_are_checked_before_they_run(void **state)
{
    (void)state;
    assert_int_equal(load("x", path_of("missing")), -ENOENT);
    assert_words("there is no x.so in");
    write_text("x.so", "no module");
    assert_int_equal(load("x", directory), -ENOEXEC);
    chmod(path_of("x.so"), 0666);
    assert_int_equal(load("x", directory), -EPERM);
    assert_words("chmod go-w");
    assert_int_equal(rename(path_of("x.so"), path_of("y.so")), 0);
    assert_int_equal(symlink("y.so", path_of("x.so")), 0);
    assert_int_equal(load("x", directory), -ELOOP);
    unlink(path_of("x.so"));
    assert_int_equal(mkdir(path_of("x.so"), 0755), 0);
    assert_int_equal(load("x", directory), -EPERM);
    assert_words("not a regular file");
}

static void directories_are_searched_in_order(void **state)
{
    (void)state;
    mkdir(path_of("a"), 0755);
    mkdir(path_of("b"), 0755);
    write_text("b/x.so", "no module");
    char *both = talloc_asprintf(memory, "%s:%s::%s", path_of("a"), path_of("b"), path_of("c"));
    assert_int_equal(load("x", both), -ENOEXEC);
    assert_words(path_of("b/x.so"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_WITH_FILES(safe_paths_are_opened),
        TEST_WITH_FILES(writable_directories_are_refused),
        TEST_WITH_FILES(others_directories_are_refused),
        TEST_WITH_FILES(paths_that_lead_nowhere),
        TEST_WITH_FILES(names_have_no_tricks),
        TEST_WITH_FILES(modules_are_checked_before_they_run),
        TEST_WITH_FILES(directories_are_searched_in_order),
    };
    return cmocka_run_group_tests_name("plugin_trust", tests, NULL, NULL);
}
