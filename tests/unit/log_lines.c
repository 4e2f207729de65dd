/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: a visitor could forge lines of the log, or an operator would miss some. */
#include "config.h"

#include "files.h"

#include "base/log.h"

#include <systemd/sd-journal.h>

static char written[8192];

/** Collect what the statements between begin and end write to stderr. */
static int saved_stderr;

static void begin(void)
{
    saved_stderr = dup(STDERR_FILENO);
    int fd = open(path_of("log"), O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
    dup2(fd, STDERR_FILENO);
    close(fd);
}

static void end(void)
{
    ssize_t size = pread(STDERR_FILENO, written, sizeof(written) - 1, 0);
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    assert_true(size >= 0);
    written[size] = '\0';
}

static void one_event_is_one_line(void **state)
{
    (void)state;
    begin();
    kt_log_open(KT_LOG_TARGET_STDERR, KT_LOG_INFO);
    kt_log_role("worker 3");
    kt_log_warning("name: %s", "x\n2026 fake\r\t\x1b[31m\x7f end");
    end();
    char *newline = strchr(written, '\n');
    assert_non_null(newline);
    assert_string_equal(newline, "\n");
    assert_non_null(
        strstr(written, "worker 3 warning: name: x\\n2026 fake\\r\\t\\x1b[31m\\x7f end\n"));
}

static void levels_are_dropped(void **state)
{
    (void)state;
    begin();
    kt_log_open(KT_LOG_TARGET_STDERR, KT_LOG_WARNING);
    kt_log_notice("not this");
    kt_log_error("but this");
    end();
    assert_null(strstr(written, "not this"));
    assert_non_null(strstr(written, "but this"));
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    char text[5000];
    memset(text, '\n', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    begin();
    kt_log_open(KT_LOG_TARGET_STDERR, KT_LOG_INFO);
    kt_log_info("%s", text);
    end();
    assert_int_equal(strchr(written, '\n') - written, strlen(written) - 1);
    assert_true(strlen(written) > 2000 && strlen(written) < 2200);
}

static void the_journal_gets_levels(void **state)
{
    (void)state;
    struct stat status;
    char stream[64];
    begin();
    fstat(STDERR_FILENO, &status);
    snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)status.st_dev,
             (unsigned long long)status.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    kt_log_open(KT_LOG_TARGET_STDERR, KT_LOG_INFO);
    kt_log_role("");
    kt_log_error("hello");
    unsetenv("JOURNAL_STREAM");
    kt_log_open(KT_LOG_TARGET_STDERR, KT_LOG_INFO);
    end();
    assert_string_equal(written, "<3>hello\n");
}

static void levels_have_names(void **state)
{
    (void)state;
    enum kt_log_level level;
    assert_true(kt_log_level_parse("debug", &level));
    assert_int_equal(level, KT_LOG_DEBUG);
    assert_false(kt_log_level_parse("loud", &level));
    assert_string_equal(kt_log_level_name(KT_LOG_ERROR), "error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_WITH_FILES(one_event_is_one_line), TEST_WITH_FILES(levels_are_dropped),
        TEST_WITH_FILES(long_texts_are_cut),    TEST_WITH_FILES(the_journal_gets_levels),
        TEST_WITH_FILES(levels_have_names),
    };
    return cmocka_run_group_tests_name("log_lines", tests, NULL, NULL);
}
