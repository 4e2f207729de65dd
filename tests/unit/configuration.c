/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: a mistake in the configuration would be taken for something else, or be told
 * without saying where it is. */
#include "config.h"

#include "files.h"

#include "base/configuration.h"

static struct kt_problems *problems;
static struct kt_config *config;

static int read_config(void)
{
    problems = kt_problems_new(memory);
    config = NULL;
    return kt_config_read(memory, path_of("kontor.conf"), problems, &config);
}

static const struct kt_config_entry *entry(const char *section, const char *key)
{
    return kt_config_entry(kt_config_section(config, section), key);
}

static void assert_value(const char *section, const char *key, const char *value, const char *place)
{
    assert_non_null(entry(section, key));
    assert_string_equal(entry(section, key)->value, value);
    assert_string_equal(entry(section, key)->place, path_of(place));
}

/** The problem at this file and line says this. */
static void assert_problem(size_t index, const char *place, const char *words)
{
    const char *text = kt_problems_text(problems, index);
    assert_non_null(text);
    assert_ptr_equal(strstr(text, path_of(place)), text);
    assert_int_equal(text[strlen(path_of(place))], ':');
    assert_non_null(strstr(text, words));
}

static void reads_what_is_written(void **state)
{
    (void)state;
    write_text("kontor.conf", "\xef\xbb\xbf# a comment\r\n"
                              "; another\n"
                              "\n"
                              "  [kontor]  \r\n"
                              "workers=4\r\n"
                              "\tlisten =  unix:/run/x  127.0.0.1:9000 \t\n"
                              "[calendar]\n"
                              "greeting = \"  two blanks, a \\\"quote\\\", a \\\\ \"\n"
                              "url = http://x/?a=b;c#d\n"
                              "empty =\n"
                              "name = J\xc3\xbcrgen\n"
                              "[kontor]\n"
                              "last-line = yes");
    assert_int_equal(read_config(), 0);
    assert_int_equal(kt_problems_count(problems), 0);
    assert_int_equal(config->count, 2);
    assert_value("kontor", "workers", "4", "kontor.conf:5");
    assert_value("kontor", "listen", "unix:/run/x  127.0.0.1:9000", "kontor.conf:6");
    assert_value("kontor", "last-line", "yes", "kontor.conf:13");
    assert_value("calendar", "greeting", "  two blanks, a \"quote\", a \\ ", "kontor.conf:8");
    assert_value("calendar", "url", "http://x/?a=b;c#d", "kontor.conf:9");
    assert_value("calendar", "empty", "", "kontor.conf:10");
    assert_value("calendar", "name", "J\xc3\xbcrgen", "kontor.conf:11");
    assert_null(entry("calendar", "workers"));
    assert_null(entry("nothing", "workers"));
}

static void later_files_win(void **state)
{
    (void)state;
    write_text("kontor.conf", "[kontor]\nworkers = 1\nlog = stderr\n");
    assert_int_equal(mkdir(path_of("conf.d"), 0755), 0);
    write_text("conf.d/20-b.conf", "[kontor]\nworkers = 3\n");
    write_text("conf.d/10-a.conf", "[kontor]\nworkers = 2\nmount = /a\n[calendar]\nfile = /x\n");
    write_text("conf.d/30-c.conf.bak", "[kontor]\nworkers = 4\n");
    write_text("conf.d/.hidden.conf", "[kontor]\nworkers = 5\n");
    assert_int_equal(read_config(), 0);
    assert_value("kontor", "workers", "3", "conf.d/20-b.conf:2");
    assert_value("kontor", "mount", "/a", "conf.d/10-a.conf:3");
    assert_value("kontor", "log", "stderr", "kontor.conf:3");
    assert_value("calendar", "file", "/x", "conf.d/10-a.conf:5");
}

static void tells_every_mistake_and_its_place(void **state)
{
    (void)state;
    write_text("kontor.conf", "early = 1\n"
                              "[kontor]\n"
                              "workers = 1\n"
                              "workers = 2\n"
                              "nonsense\n"
                              "Upper = 1\n"
                              "quoted = \"open\n"
                              "quoted = \"a\" b\n"
                              "tab = a\x01z\n"
                              "[bad name]\n"
                              "not = judged\n"
                              "[open\n"
                              "not = judged\n"
                              "[good]\n"
                              "key = value\n");
    assert_int_equal(read_config(), -EINVAL);
    assert_int_equal(kt_problems_count(problems), 9);
    assert_problem(0, "kontor.conf:1", "before the first [section]");
    assert_problem(1, "kontor.conf:4", "already set at");
    assert_problem(2, "kontor.conf:5", "neither [section] nor key = value");
    assert_problem(3, "kontor.conf:6", "no name for a key");
    assert_problem(4, "kontor.conf:7", "closing quote");
    assert_problem(5, "kontor.conf:8", "something follows");
    assert_problem(6, "kontor.conf:9", "0x01 in column 8");
    assert_problem(7, "kontor.conf:10", "no name for a section");
    assert_problem(8, "kontor.conf:12", "closing ]");
    assert_value("good", "key", "value", "kontor.conf:15"); /* checking goes on */
    assert_value("kontor", "workers", "1", "kontor.conf:3");
}

static void takes_long_values_up_to_a_bound(void **state)
{
    (void)state;
    char *text = talloc_zero_size(memory, KT_CONFIG_LINE_MAX + 100);
    strcpy(text, "[kontor]\nlong = ");
    memset(text + strlen(text), 'x', 8192);
    write_text("kontor.conf", text);
    assert_int_equal(read_config(), 0);
    assert_int_equal(strlen(entry("kontor", "long")->value), 8192);
    strcpy(text, "[kontor]\nlong = ");
    memset(text + strlen(text), 'x', KT_CONFIG_LINE_MAX);
    write_text("kontor.conf", text);
    assert_int_equal(read_config(), -EINVAL);
    assert_problem(0, "kontor.conf:2", "at most 16384");
}

static void refuses_what_is_no_configuration(void **state)
{
    (void)state;
    assert_int_equal(read_config(), -EINVAL);
    assert_problem(0, "kontor.conf", "No such file");
    assert_int_equal(mkfifo(path_of("kontor.conf"), 0644), 0);
    assert_int_equal(read_config(), -EINVAL); /* and does not hang */
    assert_problem(0, "kontor.conf", "not a regular file");
    unlink(path_of("kontor.conf"));
    int fd = open(path_of("kontor.conf"), O_WRONLY | O_CREAT, 0644);
    assert_int_equal(ftruncate(fd, KT_CONFIG_FILE_MAX + 1), 0);
    close(fd);
    assert_int_equal(read_config(), -EINVAL);
    assert_problem(0, "kontor.conf", "at most 1048576 bytes");
}

static void bounds_the_number_of_entries(void **state)
{
    (void)state;
    char *text = talloc_strdup(memory, "[kontor]\n");
    for (unsigned i = 0; i <= KT_CONFIG_ENTRIES_MAX; i++)
        text = talloc_asprintf_append_buffer(text, "k%u = 1\n", i);
    write_text("kontor.conf", text);
    assert_int_equal(read_config(), -EINVAL);
    assert_int_equal(kt_problems_count(problems), 1);
    assert_problem(0, "kontor.conf:4098", "more than 4096 entries");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_WITH_FILES(reads_what_is_written),
        TEST_WITH_FILES(later_files_win),
        TEST_WITH_FILES(tells_every_mistake_and_its_place),
        TEST_WITH_FILES(takes_long_values_up_to_a_bound),
        TEST_WITH_FILES(refuses_what_is_no_configuration),
        TEST_WITH_FILES(bounds_the_number_of_entries),
    };
    return cmocka_run_group_tests_name("configuration", tests, NULL, NULL);
}
