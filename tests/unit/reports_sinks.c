/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: a CSV file would run formulas or lose rows, a program could not read the JSON, or
 * the page would show other numbers than the file. */
#include "inside.h"

#include <math.h>

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "reports/csv.h"
#include "reports/json_rows.h"
#include "reports/preview.h"
#include "reports/tee.h"

static const struct report_column two[] = {
    {.name = "name", .title = "Name", .type = REPORT_TEXT},
    {.name = "total", .title = "Total", .type = REPORT_MONEY, .total = REPORT_SUM},
};

static struct report_value text(const char *words)
{
    return (struct report_value){
        .form = words ? REPORT_IS_TEXT : REPORT_NULL, .text = words, .size = words ? strlen(words) : 0};
}

static struct report_value real(double number)
{
    return (struct report_value){.form = REPORT_IS_REAL, .real = number};
}

static struct report_value integer(int64_t number)
{
    return (struct report_value){.form = REPORT_IS_INTEGER, .integer = number};
}

static char *content(int fd)
{
    off_t size = lseek(fd, 0, SEEK_END);
    char *all = talloc_zero_size(NULL, (size_t)size + 1);
    assert_int_equal(pread(fd, all, (size_t)size, 0), size);
    return all;
}

static void put(struct report_sink *sink, struct report_value first, struct report_value second)
{
    struct kt_error error;
    assert_int_equal(sink->row(sink, (struct report_value[]){first, second}, &error), 0);
}

static void csv_is_safe_and_whole(void **state)
{
    int fd = memfd_create("csv", MFD_CLOEXEC);
    struct report_sink *sink;
    struct kt_error error;
    (void)state;
    assert_int_equal(report_csv_new(NULL, fd, false, &sink, &error), 0);
    assert_int_equal(sink->begin(sink, two, 2, &error), 0);
    put(sink, text("=1+1"), real(-5));
    put(sink, text("a \"b\", c"), real(12.5));
    put(sink, text("two\r\nlines"), text("-5"));
    put(sink, text("bad\xff\x01"), text(NULL));
    put(sink, text("a;=1"), text("a, \"+1")); /* what ends a cell depends on people's language */
    put(sink, text("a\n@b\t=1|-1"), text("a - b; 1+1=2 c@d"));
    assert_int_equal(sink->end(sink, NULL, NULL, &error), 0);
    char *all = content(fd);
    assert_string_equal(all, "Name,Total\r\n'=1+1,-5\r\n\"a \"\"b\"\", c\",12.5\r\n"
                             "\"two\r\nlines\",'-5\r\nbad\xEF\xBF\xBD\xEF\xBF\xBD,\r\n"
                             "a;'=1,\"a, \"\"'+1\"\r\n"
                             "\"a\n'@b\t'=1|'-1\",a - b; 1+1=2 c@d\r\n");
    talloc_free(all);
    talloc_free(sink);
    close(fd);
}

static void csv_of_one_column_has_no_empty_lines(void **state)
{
    int fd = memfd_create("csv", MFD_CLOEXEC);
    struct report_sink *sink;
    struct kt_error error;
    (void)state;
    assert_int_equal(report_csv_new(NULL, fd, true, &sink, &error), 0);
    assert_int_equal(sink->begin(sink, two, 1, &error), 0);
    put(sink, text(NULL), text(NULL));
    put(sink, text(""), text(NULL));
    assert_int_equal(sink->end(sink, NULL, NULL, &error), 0);
    char *all = content(fd);
    assert_string_equal(all, "\xEF\xBB\xBFName\r\n\"\"\r\n\"\"\r\n");
    talloc_free(all);
    talloc_free(sink);
    close(fd);
}

static void csv_takes_long_texts(void **state)
{
    int fd = memfd_create("csv", MFD_CLOEXEC);
    size_t size = 3000000;
    char *words = talloc_zero_size(NULL, size + 1);
    struct report_sink *sink;
    struct kt_error error;
    (void)state;
    memset(words, '"', size);
    assert_int_equal(report_csv_new(NULL, fd, false, &sink, &error), 0);
    assert_int_equal(sink->begin(sink, two, 2, &error), 0);
    put(sink, text(words), real(1));
    for (size_t i = 0; i < size; i++)
        words[i] = "a;="[i % 3]; /* each third byte would be a formula, wherever a piece ends */
    put(sink, text(words), real(1));
    assert_int_equal(sink->end(sink, NULL, NULL, &error), 0);
    assert_int_equal(lseek(fd, 0, SEEK_END), strlen("Name,Total\r\n") + 2 * size + 2 + 4 + size +
                                                 size / 3 + 4);
    talloc_free(words);
    talloc_free(sink);
    close(fd);
}

static const struct report_about pie = {.title = "T", .who = "", .version = "1", .chart = REPORT_PIE,
                                        .chart_x = 0, .chart_count = 1,
                                        .chart_y = (const size_t[]){1}};
static const struct report_about line = {.title = "T", .who = "", .version = "1",
                                         .chart = REPORT_LINE, .chart_x = 0, .chart_count = 1,
                                         .chart_y = (const size_t[]){1}};

static void json_is_read_back(void **state)
{
    int fd = memfd_create("json", MFD_CLOEXEC);
    struct report_sink *sink;
    struct kt_error error;
    (void)state;
    assert_int_equal(report_json_new(NULL, fd, &line, &sink, &error), 0);
    assert_int_equal(sink->begin(sink, two, 2, &error), 0);
    put(sink, text("\x01\"\\\n\xff"), integer(INT64_C(9007199254740992)));
    put(sink, text(NULL), integer(INT64_C(9007199254740993)));
    put(sink, text("x"), real(NAN));
    assert_int_equal(sink->end(sink, NULL, NULL, &error), 0);
    char *all = content(fd);
    cJSON *json = cJSON_Parse(all), *rows = cJSON_GetObjectItem(json, "rows");
    assert_int_equal(cJSON_GetArraySize(rows), 3);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetArrayItem(cJSON_GetArrayItem(rows, 0), 0)),
                        "\x01\"\\\n\xEF\xBF\xBD");
    assert_true(cJSON_IsNumber(cJSON_GetArrayItem(cJSON_GetArrayItem(rows, 0), 1)));
    assert_string_equal(cJSON_GetStringValue(cJSON_GetArrayItem(cJSON_GetArrayItem(rows, 1), 1)),
                        "9007199254740993");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetArrayItem(cJSON_GetArrayItem(rows, 2), 1)),
                        "NaN");
    cJSON_Delete(json);
    talloc_free(all);
    talloc_free(sink);
    close(fd);
}

/** A preview of so many rows; their amounts are 1, 2, 3 … @return its JSON */
static cJSON *preview_of(const struct report_about *about, unsigned count)
{
    struct report_preview *preview;
    struct kt_error error;
    char label[32];
    assert_int_equal(report_preview_new(NULL, about, &preview, &error), 0);
    struct report_sink *sink = report_preview_sink(preview);
    assert_int_equal(sink->begin(sink, two, 2, &error), 0);
    for (unsigned i = 1; i <= count; i++) {
        snprintf(label, sizeof label, "row %u", i);
        put(sink, text(label), integer(i));
    }
    assert_int_equal(sink->end(sink, NULL, NULL, &error), 0);
    cJSON *json = cJSON_Parse(report_preview_json(preview, preview));
    assert_non_null(json);
    talloc_free(preview);
    return json;
}

static cJSON *in(cJSON *json, const char *path)
{
    char *copy = talloc_strdup(NULL, path), *rest = copy;
    for (char *word; (word = strsep(&rest, "/"));)
        json = cJSON_IsArray(json) ? cJSON_GetArrayItem(json, atoi(word))
                                   : cJSON_GetObjectItem(json, word);
    talloc_free(copy);
    return json;
}

static void preview_is_honest(void **state)
{
    static const struct {
        unsigned count, shown, points, every;
    } cases[] = {{0, 0, 0, 1}, {500, 500, 500, 1}, {501, 500, 501, 1}, {1000, 500, 1000, 1},
                 {1001, 500, 501, 2}, {2001, 500, 501, 4}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cJSON *json = preview_of(&line, cases[i].count);
        double count = cases[i].count;
        assert_int_equal(cJSON_GetArraySize(in(json, "rows")), cases[i].shown);
        assert_true(in(json, "row_count")->valuedouble == count);
        assert_true(in(json, "totals/1")->valuedouble == count * (count + 1) / 2);
        assert_int_equal(cJSON_GetArraySize(in(json, "chart/labels")), cases[i].points);
        assert_int_equal(in(json, "chart/every")->valueint, cases[i].every);
        assert_int_equal(cJSON_IsTrue(in(json, "chart/is_complete")), cases[i].every == 1);
        cJSON_Delete(json);
    }
}

static void pie_keeps_its_largest_slices(void **state)
{
    double sum = 0;
    const cJSON *value;
    (void)state;
    cJSON *json = preview_of(&pie, 20);
    assert_int_equal(cJSON_GetArraySize(in(json, "chart/labels")), 12);
    assert_string_equal(in(json, "chart/labels/11")->valuestring, "All others");
    assert_true(in(json, "chart/series/0/values/11")->valuedouble == 45); /* 1 + … + 9 */
    cJSON_ArrayForEach(value, in(json, "chart/series/0/values")) sum += value->valuedouble;
    assert_true(sum == 210);
    cJSON_Delete(json);
    json = preview_of(&pie, 11);
    assert_int_equal(cJSON_GetArraySize(in(json, "chart/labels")), 11);
    cJSON_Delete(json);
}

static void long_texts_are_cut_at_characters(void **state)
{
    char words[4001] = "";
    struct report_preview *preview;
    struct kt_error error;
    (void)state;
    for (int i = 0; i < 2000; i++)
        strcat(words, "\xC3\xA4");
    assert_int_equal(report_preview_new(NULL, &line, &preview, &error), 0);
    struct report_sink *sink = report_preview_sink(preview);
    assert_int_equal(sink->begin(sink, two, 2, &error), 0);
    put(sink, text(words + 1), integer(1)); /* begins with half a character */
    assert_int_equal(sink->end(sink, NULL, NULL, &error), 0);
    const char *json = report_preview_json(preview, preview);
    assert_non_null(strstr(json, "\xC3\xA4\xE2\x80\xA6\""));
    assert_null(strstr(strstr(json, "\"labels\""), "\xA4\xEF\xBF\xBD\""));
    talloc_free(preview);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_is_safe_and_whole),
        cmocka_unit_test(csv_of_one_column_has_no_empty_lines),
        cmocka_unit_test(csv_takes_long_texts),
        cmocka_unit_test(json_is_read_back),
        cmocka_unit_test(preview_is_honest),
        cmocka_unit_test(pie_keeps_its_largest_slices),
        cmocka_unit_test(long_texts_are_cut_at_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
