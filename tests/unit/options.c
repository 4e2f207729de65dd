/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: an option would be taken for another value than the one that was meant, or a
 * mistake would not say what is expected. */
#include "config.h"

#include "files.h"

#include "plugin/option.h"
#include "plugin/plugin.h"
#include "worker/settings.h"

static const struct kt_option table[] = {
    {.name = "text", .type = KT_OPTION_STRING, .default_value = "some text"},
    {.name = "unset", .type = KT_OPTION_STRING},
    {.name = "path", .type = KT_OPTION_PATH},
    {.name = "count", .type = KT_OPTION_INTEGER, .default_value = "7", .minimum = -5, .maximum = 9},
    {.name = "natural", .type = KT_OPTION_INTEGER},
    {.name = "size", .type = KT_OPTION_SIZE, .default_value = "64K"},
    {.name = "wait", .type = KT_OPTION_DURATION, .minimum = 10, .maximum = 86400000},
    {.name = "flag", .type = KT_OPTION_BOOLEAN, .default_value = "yes"},
    {.name = "colour", .type = KT_OPTION_CHOICE, .choices = "red green blue"},
    {.name = "password", .type = KT_OPTION_INTEGER, .is_secret = true},
    {.name = NULL},
};

static const struct kt_option needy[] = {
    {.name = "file", .type = KT_OPTION_PATH, .required = true, .help = "what to read"},
    {.name = NULL},
};

static struct kt_problems *problems;
static struct kt_section *section;

/** Check a section [p] with this text in it. */
static int check(const struct kt_option *options, const char *text)
{
    struct kt_config *config;
    problems = kt_problems_new(memory);
    write_text("kontor.conf", talloc_asprintf(memory, "[p]\n%s\n", text));
    assert_int_equal(kt_config_read(memory, path_of("kontor.conf"), problems, &config), 0);
    return kt_section_check(memory, "p", options, config, problems, &section);
}

static void assert_number(const char *text, const char *option, int64_t number)
{
    assert_int_equal(check(table, text), 0);
    assert_int_equal(kt_section_value(section, option)->number, number);
}

/** A text that is refused, with these words and its place. */
static void assert_refused(const char *text, const char *words)
{
    assert_int_equal(check(table, text), -EINVAL);
    assert_int_equal(kt_problems_count(problems), 1);
    const char *problem = kt_problems_text(problems, 0);
    const char *place = path_of("kontor.conf:2");
    assert_ptr_equal(strstr(problem, place), problem);
    if (strstr(problem, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", problem, words);
}

static void defaults_and_places(void **state)
{
    (void)state;
    assert_int_equal(check(table, "count = 3"), 0);
    assert_string_equal(kt_section_value(section, "text")->text, "some text");
    assert_string_equal(kt_section_value(section, "text")->place, "the default");
    assert_null(kt_section_value(section, "unset")->text);
    assert_int_equal(kt_section_value(section, "count")->number, 3);
    assert_string_equal(kt_section_value(section, "count")->place, path_of("kontor.conf:2"));
    assert_int_equal(kt_section_value(section, "size")->number, 65536);
    assert_int_equal(kt_section_value(section, "flag")->number, 1);
    assert_null(kt_section_value(section, "not declared")->text);
}

static void plugins_see_their_values(void **state)
{
    (void)state;
    assert_int_equal(check(table, "wait = 2s\npath = /a\nflag = off"), 0);
    const struct kt_plugin plugin = {.section = section};
    assert_string_equal(kt_plugin_string(&plugin, "path"), "/a");
    assert_int_equal(kt_plugin_integer(&plugin, "wait"), 2000);
    assert_false(kt_plugin_boolean(&plugin, "flag"));
    assert_string_equal(kt_plugin_option_place(&plugin, "flag"), path_of("kontor.conf:4"));
}

static void values_of_each_type(void **state)
{
    (void)state;
    assert_number("count = -5", "count", -5);
    assert_number("natural = 9223372036854775807", "natural", INT64_MAX);
    assert_number("size = 10M", "size", 10 << 20);
    assert_number("size = 3 G", "size", INT64_C(3) << 30);
    assert_number("size = 17", "size", 17);
    assert_number("wait = 250ms", "wait", 250);
    assert_number("wait = 10s", "wait", 10000);
    assert_number("wait = 5min", "wait", 300000);
    assert_number("wait = 2h", "wait", 7200000);
    assert_number("wait = 1d", "wait", 86400000);
    assert_number("flag = true", "flag", 1);
    assert_number("flag = 0", "flag", 0);
    assert_number("colour = green", "count", 7);
}

static void mistakes_say_what_is_expected(void **state)
{
    (void)state;
    assert_refused("path = relative", "path in [p] is 'relative', expected is an absolute path");
    assert_refused("count = 10", "expected is -5 to 9");
    assert_refused("count = 5x", "expected is a whole number");
    assert_refused("count = 5 # five", "a comment needs a line of its own");
    assert_refused("count =", "expected is a whole number");
    assert_refused("natural = -1", "expected is at least 0");
    assert_refused("natural = 9223372036854775808", "expected is a whole number");
    assert_refused("size = 10X", "expected is a size such as");
    assert_refused("size = 99999999999G", "expected is a size such as");
    assert_refused("wait = 10", "expected is a duration with its unit");
    assert_refused("wait = 2d", "expected is 10ms to 1d");
    assert_refused("flag = maybe", "expected is yes or no");
    assert_refused("colour = yellow", "expected is one of: red green blue");
    assert_refused("colour =", "expected is one of");
    assert_refused("coutn = 1", "did you mean 'count'?");
    assert_refused("nat = 1", "did you mean 'natural'?");
    assert_refused("entirely_different = 1", "kontord -h p lists them");
    assert_int_equal(check(needy, ""), -EINVAL);
    assert_non_null(strstr(kt_problems_text(problems, 0), "lacks file (what to read)"));
}

static void secrets_are_not_told(void **state)
{
    (void)state;
    assert_int_equal(check(table, "password = hunter2"), -EINVAL);
    assert_null(strstr(kt_problems_text(problems, 0), "hunter2"));
}

/** Check a whole configuration's [kontor]. */
static struct kt_settings *settings_of(const char *text)
{
    struct kt_config *config;
    struct kt_settings *settings = NULL;
    problems = kt_problems_new(memory);
    write_text("kontor.conf", text);
    assert_int_equal(kt_config_read(memory, path_of("kontor.conf"), problems, &config), 0);
    kt_settings_check(memory, config, problems, &settings);
    return settings;
}

static void settings_have_good_defaults(void **state)
{
    (void)state;
    const struct kt_settings *settings = settings_of("");
    assert_int_equal(kt_problems_count(problems), 0);
    assert_true(settings->workers >= 1);
    assert_int_equal(settings->socket_mode, 0660);
    assert_string_equal(settings->plugins, "");
    assert_false(settings->has_user);
    assert_int_equal(settings->log_level, KT_LOG_INFO);
    assert_int_equal(settings->drain_timeout_ms, 30000);
}

static void sections_belong_to_loaded_plugins(void **state)
{
    (void)state;
    settings_of("[kontor]\nplugins = calendar  mailer\n[calendar]\n[mailer]\n[calender]\n[x]\n");
    assert_int_equal(kt_problems_count(problems), 2);
    assert_non_null(strstr(kt_problems_text(problems, 0), "did you mean [calendar]?"));
    assert_non_null(strstr(kt_problems_text(problems, 1), "add x to plugins"));
}

static void settings_check_users_and_modes(void **state)
{
    (void)state;
    settings_of("[kontor]\nuser = no-such-user\nsocket_group = no-such-group\nsocket_mode = 888\n"
                "mount = x\nplugin_dir = relative\n");
    assert_int_equal(kt_problems_count(problems), 5);
    settings_of("[kontor]\nsocket_mode = 0600\nmount = /tools\ngroup = root\n");
    assert_int_equal(kt_problems_count(problems), 1);
    assert_non_null(strstr(kt_problems_text(problems, 0), "group is set, but user is not"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_WITH_FILES(defaults_and_places),
        TEST_WITH_FILES(plugins_see_their_values),
        TEST_WITH_FILES(values_of_each_type),
        TEST_WITH_FILES(mistakes_say_what_is_expected),
        TEST_WITH_FILES(secrets_are_not_told),
        TEST_WITH_FILES(settings_have_good_defaults),
        TEST_WITH_FILES(sections_belong_to_loaded_plugins),
        TEST_WITH_FILES(settings_check_users_and_modes),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
