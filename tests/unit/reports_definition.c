/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A DBA would search for a mistake that nobody names, or a report would run with less than its file
 * says, if these failed: files of SQL are read as kontor-reports(5) tells, every mistake is told
 * with its line, and no file does harm.
 */
#include "files.h"

#include "reports/definition.h"

#include <sys/stat.h>

#define PROBLEMS_MAX 64
#define HUGE_BYTES ((size_t)300 * 1024)

/** The head of a file that is right, so that a test adds only what it is about; two lines. */
#define HEAD "-- title: Sales\n-- source: shop\n"

struct told {
    char *texts[PROBLEMS_MAX];
    size_t count;
};

static struct told told;

static void complain(void *argument, const char *text)
{
    assert_ptr_equal(argument, &told);
    assert_true(told.count < PROBLEMS_MAX);
    told.texts[told.count++] = talloc_strdup(memory, text);
}

static const struct definition_problems problems = {complain, &told};

/** Read a text as "sales.sql". @return NULL if it is wrong */
static struct definition *read_bytes(const char *bytes, size_t size)
{
    struct definition *definition = NULL;
    told.count = 0;
    write_bytes("sales.sql", bytes, size);
    int result = definition_read(memory, path_of("sales.sql"), &problems, &definition);
    assert_int_equal(result<0, told.count> 0);
    return result == 0 ? definition : NULL;
}

static struct definition *read_text(const char *text)
{
    return read_bytes(text, strlen(text));
}

/** The text is wrong, and this is the first that is told of it: "LINE: words". */
static void assert_told(const char *text, const char *expected)
{
    char *whole = talloc_asprintf(memory, "%s:%s", path_of("sales.sql"), expected);
    assert_null(read_text(text));
    if (strncmp(told.texts[0], whole, strlen(whole)) != 0)
        fail_msg("expected '%s'\n     not '%s'\n      of: %s", whole, told.texts[0], text);
}

/* ---------------------------------------------------------------- what is right */

static void good_file(void **state)
{
    (void)state;
    const struct definition *read = read_text(
        "-- A remark for people: nothing of ours.\n"
        "-- title: Sales by day\n"
        "--summary: What was sold\n"
        "\n"
        "-- summary: on each day.\r\n"
        "-- source: shop-2\n"
        "-- roles: admin finance\n"
        "-- timezone: Pacific/Auckland\n"
        "-- timeout: 90s\n"
        "-- retention: 2h\n"
        "-- param: from date required default=today-2 label=\"First day\"\n"
        "-- param: country text values=(SELECT code FROM country WHERE name <> ')') default=DE\n"
        "-- param: kinds choices optional values=a,\"b, \"\"c\"\"\" default=a\n"
        "-- column: day date title=\"Day\"\n"
        "-- column: \"Total sum\" money \"#,##0.00\" sum\n"
        "-- chart: stacked x=day y=\"Total sum\"\n"
        "SELECT day, sum(total) AS \"Total sum\" -- of :nobody\n"
        "FROM sale WHERE day >= :from AND country = :country AND note <> ':none'\n"
        "AND kind IN (SELECT value FROM json_each(:kinds)) GROUP BY day;\n");
    assert_non_null(read);
    assert_string_equal(read->name, "sales");
    assert_string_equal(read->title, "Sales by day");
    assert_string_equal(read->summary, "What was sold on each day.");
    assert_string_equal(read->source, "shop-2");
    assert_string_equal(read->roles[0], "admin");
    assert_string_equal(read->roles[1], "finance");
    assert_null(read->roles[2]);
    assert_int_equal(wall_clock_read(read->clock, 0), 12 * 3600 * 1000);
    assert_int_equal(read->timeout_ms, 90000);
    assert_int_equal(read->retention_ms, 7200000);
    assert_int_equal(read->sql_line, 17);
    assert_int_equal(strlen(read->version), 16);

    assert_int_equal(read->parameter_count, 3);
    const struct parameter *parameter = read->parameters;
    assert_string_equal(parameter[0].name, "from");
    assert_int_equal(parameter[0].type, PARAMETER_DATE);
    assert_true(parameter[0].is_required);
    assert_string_equal(parameter[0].default_value, "today-2");
    assert_string_equal(parameter[0].label, "First day");
    assert_int_equal(parameter[1].type, PARAMETER_CHOICE); /* a text with values is one */
    assert_string_equal(parameter[1].values_query, "SELECT code FROM country WHERE name <> ')'");
    assert_string_equal(parameter[1].label, "country");
    assert_int_equal(parameter[2].type, PARAMETER_CHOICES);
    assert_string_equal(parameter[2].choices[0], "a");
    assert_string_equal(parameter[2].choices[1], "b, \"c\"");
    assert_null(parameter[2].choices[2]);
    assert_int_equal(parameter[2].line, 13);

    assert_int_equal(read->column_count, 2);
    assert_string_equal(read->columns[1].name, "Total sum");
    assert_int_equal(read->columns[1].type, REPORT_MONEY);
    assert_string_equal(read->columns[1].format, "#,##0.00");
    assert_int_equal(read->columns[1].total, REPORT_SUM);
    assert_int_equal(read->column_lines[1], 15);
    assert_int_equal(read->chart, REPORT_STACKED_BAR);
    assert_string_equal(read->chart_x, "day");
    assert_string_equal(read->chart_y[0], "Total sum");
    assert_null(read->chart_y[1]);
}

static void defaults(void **state)
{
    (void)state;
    const struct definition *read = read_text("\xef\xbb\xbf" HEAD "(VALUES (1), (2))");
    assert_non_null(read);
    assert_string_equal(read->summary, "");
    assert_null(read->roles[0]);
    assert_int_equal(read->timeout_ms, 60000);
    assert_int_equal(read->retention_ms, 1800000);
    assert_int_equal(read->chart, REPORT_NO_CHART);
}

/** Another query is another report: its files must not be mixed up in the registry. */
static void version_of_each_text(void **state)
{
    (void)state;
    const struct definition *one = read_text(HEAD "SELECT 1");
    const struct definition *two = read_text(HEAD "SELECT 2");
    const struct definition *same = read_text(HEAD "SELECT 1");
    assert_string_not_equal(one->version, two->version);
    assert_string_equal(one->version, same->version);
}

/* ---------------------------------------------------------------- mistakes */

static void mistakes_of_the_head(void **state)
{
    (void)state;
    assert_told("-- source: shop\nSELECT 1", "1: there is no title");
    assert_told("-- title: A\nSELECT 1", "1: there is no source");
    assert_told(HEAD "-- colour: red\nSELECT 1", "3: there is no 'colour', but title, summary, ");
    assert_told(HEAD "-- title: B\nSELECT 1", "3: title: is on line 1 already");
    assert_told(HEAD "-- timeout:  \nSELECT 1", "3: timeout: nothing is given");
    assert_told(HEAD "-- timeout: 5 weeks\nSELECT 1",
                "3: timeout: '5 weeks' is no time from 1s to 24h, such as 90s");
    assert_told(HEAD "-- retention: 25h\nSELECT 1", "3: retention: '25h' is no time from 1s");
    assert_told(HEAD "-- retention: 0s\nSELECT 1", "3: retention: '0s' is no time from 1s");
    assert_told(HEAD "-- timeout: 99999999999999999999s\nSELECT 1", "3: timeout: '9999");
    assert_told(HEAD "-- timeout: -5s\nSELECT 1", "3: timeout: '-5s' is no time");
    assert_told(HEAD "-- timezone: GMT+0100\nSELECT 1",
                "3: timezone: there is no time zone 'GMT+0100'; use a name such as Europe/Berlin");
    assert_told(HEAD "-- timezone: UTC\n-- timezone: UTC\nSELECT 1", "4: timezone: is on line 3");
    assert_told("-- title: Mine\n-- source: calendar\n-- timezone: UTC\n"
                "-- param: from date required\n-- param: to date required\nSELECT 1",
                "3: timezone: a report of the calendar has that of its parameter zone");
    assert_told(HEAD "-- roles: Admin\nSELECT 1", "3: roles: 'Admin' is no name: small letters");
    assert_told("-- title: A\n-- source: My Shop\nSELECT 1", "2: source: 'My Shop' is no name");
}

static void mistakes_of_parameters(void **state)
{
    (void)state;
    assert_told(HEAD "-- param: From date\nSELECT 1", "3: param: 'From' is no name: small letters");
    assert_told(HEAD "-- param: from day\nSELECT :from",
                "3: param: 'day' is no type: date, datetime, integer, number, text, choice or");
    assert_told(HEAD "-- param: from\nSELECT :from", "3: param: '' is no type");
    assert_told(HEAD "-- param: a text\n-- param: a text\nSELECT :a",
                "4: param: 'a' is on line 3 already");
    assert_told(HEAD "-- param: a choice\nSELECT :a", "3: a: a choice needs values=");
    assert_told(HEAD "-- param: a date values=x,y\nSELECT :a",
                "3: a: only text, choice and choices have values=");
    assert_told(HEAD "-- param: a date default=yesterday\nSELECT :a",
                "3: default: 'yesterday' is not a date such as 2026-11-20, or today, week-start");
    assert_told(HEAD "-- param: a integer default=1.5\nSELECT :a",
                "3: default: '1.5' is not a whole number");
    assert_told(HEAD "-- param: a choice values=x,y default=z\nSELECT :a",
                "3: default: 'z' is not one of the choices");
    assert_told(HEAD "-- param: a text maybe\nSELECT :a",
                "3: 'maybe' is not understood; expected required, optional, default=");
    assert_told(HEAD "-- param: a text size=5\nSELECT :a", "3: 'size=5' is not understood");
    assert_told(HEAD "-- param: a text required optional\nSELECT :a",
                "3: required or optional: given twice");
    assert_told(HEAD "-- param: a text default=x default=y\nSELECT :a", "3: default: given twice");
    assert_told(HEAD "-- param: a text values=(DELETE FROM sale)\nSELECT :a",
                "3: values: a query begins with SELECT, WITH or VALUES");
    assert_told(HEAD "-- param: a text values=(SELECT :a)\nSELECT :a",
                "3: values: this query can't have parameters");
    assert_told(HEAD "-- param: a text values=(SELECT 1\nSELECT :a",
                "3: a quote or parenthesis is not closed: ");
    assert_told(HEAD "-- param: a text label=\"A\nSELECT :a",
                "3: a quote or parenthesis is not closed: ");
    assert_told(HEAD "-- param: a text label=\"\"\nSELECT :a", "3: label: nothing is given");
}

static void mistakes_of_columns_and_charts(void **state)
{
    (void)state;
    assert_told(HEAD "-- column: day\nSELECT 1 AS day", "3: column: '' is no type: text, integer");
    assert_told(HEAD "-- column: a text\n-- column: a text\nSELECT 1 AS a",
                "4: column: 'a' is on line 3 already");
    assert_told(HEAD "-- column: a text sum\nSELECT 1 AS a", "3: column: a text has no such total");
    assert_told(HEAD "-- column: a date sum\nSELECT 1 AS a", "3: column: a date has no such total");
    assert_told(HEAD "-- column: a text \"0\"\nSELECT 1 AS a", "3: column: a text has no format");
    assert_told(HEAD "-- column: a money sum max\nSELECT 1 AS a",
                "3: column: the total is given twice");
    assert_told(HEAD "-- column: a money median\nSELECT 1 AS a", "3: 'median' is not understood");
    assert_told(HEAD "-- column: a money\n-- chart: cake x=a y=a\nSELECT 1 AS a",
                "4: chart: 'cake' is no kind: line, bar, stacked or pie");
    assert_told(HEAD "-- column: a money\n-- chart: bar x=b y=a\nSELECT 1 AS a",
                "4: chart: no column is declared as 'b'");
    assert_told(HEAD "-- chart: bar x=a y=a\n-- column: a text\nSELECT 1 AS a",
                "3: chart: a can't be drawn, it is a text");
    assert_told(HEAD "-- column: a money\n-- chart: bar x=a\nSELECT 1 AS a",
                "4: chart: x=… and y=… are needed");
    assert_told(HEAD "-- column: a money\n-- chart: pie x=a y=a,a\nSELECT 1 AS a",
                "4: chart: a pie has one column in y");
}

static void mistakes_of_the_query(void **state)
{
    (void)state;
    assert_told(HEAD, "3: there is no query");
    assert_told(HEAD "/* nothing */ -- at all\n", "4: there is no query");
    assert_told(HEAD "DELETE FROM sale", "3: a query begins with SELECT, WITH or VALUES");
    assert_told(HEAD "\n\nSELECT 1;\nDELETE FROM sale", "6: a report is one statement only");
    assert_told(HEAD "SELECT 1\n, :from", "4: the parameter :from is not declared");
    assert_told(HEAD "-- param: a text\nSELECT ':a'", "3: param: the query does not use :a");
    assert_told(HEAD "-- param: a text\nSELECT a::a", "3: param: the query does not use :a");
    assert_told(HEAD "SELECT $1", "3: parameters have names, such as :from");
    assert_told(HEAD "SELECT\n'open", "4: this string or comment does not end");
    assert_told(HEAD "SELECT 1 /* open", "3: this string or comment does not end");
    assert_told(HEAD "SELECT 1 /* /* nested */", "3: this string or comment does not end");
    assert_told(HEAD "SELECT $tag$ open $tga$", "3: this string or comment does not end");
    assert_told(HEAD "SELECT 1\n-- timeout: 5s\n", "4: timeout: stands above the query only");
}

/** Who has made three mistakes wants to hear of three. */
static void all_mistakes_are_told(void **state)
{
    (void)state;
    assert_null(read_text("-- titel: A\n-- source: shop\n-- timeout: soon\nDROP TABLE sale"));
    assert_int_equal(told.count, 4);
    assert_non_null(strstr(told.texts[0], ":1: there is no 'titel'"));
    assert_non_null(strstr(told.texts[1], ":3: timeout: "));
    assert_non_null(strstr(told.texts[2], ":1: there is no title"));
    assert_non_null(strstr(told.texts[3], ":4: a query begins with"));
}

static void names_of_files(void **state)
{
    (void)state;
    struct definition *definition;
    const char *const wrong[] = {"Sales.sql", "2026.sql", "a_b.sql", "a b.sql",
                                 "a23456789-123456789-123456789-123.sql"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        told.count = 0;
        write_text(wrong[i], HEAD "SELECT 1");
        assert_int_equal(definition_read(memory, path_of(wrong[i]), &problems, &definition),
                         -EINVAL);
        assert_non_null(
            strstr(told.texts[0], ":1: the file's name is the report's: small letters"));
    }
    told.count = 0;
    write_text("jobs.sql", HEAD "SELECT 1");
    assert_int_equal(definition_read(memory, path_of("jobs.sql"), &problems, &definition), -EINVAL);
    assert_non_null(strstr(told.texts[0], ":1: a report can't be named jobs"));
}

/* ---------------------------------------------------------------- hostile files */

/** Text of the same bytes over and over, owned by the test. */
static char *repeat(const char *text, size_t count)
{
    size_t size = strlen(text);
    char *all = talloc_size(memory, size * count + 1);
    for (size_t i = 0; i < count; i++)
        memcpy(all + i * size, text, size);
    all[size * count] = '\0';
    return all;
}

static void hostile_bytes(void **state)
{
    (void)state;
    assert_null(read_bytes("", 0));
    static const char with_nul[] = HEAD "SELECT 1\0; DELETE";
    assert_null(read_bytes(with_nul, sizeof with_nul - 1));
    assert_non_null(strstr(told.texts[0], ":3: this is no text in UTF-8"));
    const char *const wrong[] = {
        "\xff",         "\xc0\xaf",     "\xe2\x82",         "\xf5\x80\x80\x80", "\x80",
        "\xed\xa0\x80", "\xe0\x80\xaf", "\xf4\x90\x80\x80", "\xf0\x80\x80\xaf"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_told(talloc_asprintf(memory, HEAD "SELECT '%s'", wrong[i]),
                    "3: this is no text in UTF-8, or a control character");
    assert_non_null(read_text(HEAD "SELECT 'ä€𝄞', '\xed\x9f\xbf', '\xf4\x8f\xbf\xbf'"));
    assert_told("-- title: A\x1b[2J\n-- source: shop\nSELECT 1", "1: this is no text in UTF-8");
    assert_told(HEAD "-- param: a text label=\"x\b\"\nSELECT :a", "3: this is no text in UTF-8");
}

static void huge_files(void **state)
{
    (void)state;
    assert_told(talloc_asprintf(memory, HEAD "SELECT 1 %s", repeat(" ", HUGE_BYTES)),
                "1: can't be read: it is too large");
    assert_told(talloc_asprintf(memory, HEAD "-- summary: %s\nSELECT 1", repeat("s", 1001)),
                "3: summary: longer than 1000 bytes");
    assert_told(talloc_asprintf(memory, HEAD "%sSELECT 1", repeat("-- summary: s\n", 10000)),
                "503: summary: longer than 1000 bytes");
    assert_told(
        talloc_asprintf(memory, "-- title: %s\n-- source: shop\nSELECT 1", repeat("t", 121)),
        "1: title: longer than 120 bytes");
    assert_told(
        talloc_asprintf(memory, HEAD "-- param: a text default=%s\nSELECT :a", repeat("d", 201)),
        "3: default: longer than 200 bytes");
    assert_told(
        talloc_asprintf(memory, HEAD "-- param: a text values=%s\nSELECT :a", repeat("v,", 250)),
        "3: values: ");
    assert_told(talloc_asprintf(memory, HEAD "-- roles: %s\nSELECT 1", repeat("r ", 17)),
                "3: roles: more than 16");
}

/** Bounds hold, and one bad file does not flood the log. */
static void too_many_of_all(void **state)
{
    (void)state;
    char *text = talloc_strdup(memory, HEAD);
    for (unsigned i = 0; i < 40; i++)
        text = talloc_asprintf_append(text, "-- param: p%u text\n", i);
    for (unsigned i = 0; i < 300; i++)
        text = talloc_asprintf_append(text, "-- column: c%u text\n", i);
    assert_null(read_text(talloc_asprintf_append(text, "SELECT 1")));
    assert_non_null(strstr(told.texts[0], ":35: param: more than 32"));
    assert_int_equal(told.count, 50);
    assert_told(talloc_asprintf(memory,
                                HEAD "-- column: a money\n-- chart: bar x=a y=%sa\nSELECT 1",
                                repeat("a,", 16)),
                "4: chart: y has more than 16 columns");
}

/** Depth costs no stack, and what does not end is found in one go. */
static void deep_and_open(void **state)
{
    (void)state;
    const size_t depth = 100000;
    assert_non_null(read_text(
        talloc_asprintf(memory, HEAD "%sSELECT 1%s", repeat("(", depth), repeat(")", depth))));
    assert_non_null(read_text(talloc_asprintf(memory, HEAD "SELECT 1 %s%s", repeat("/*", depth / 2),
                                              repeat("*/", depth / 2))));
    assert_told(talloc_asprintf(memory, HEAD "SELECT 1 %s", repeat("/*", depth)),
                "3: this string or comment does not end");
    assert_told(
        talloc_asprintf(memory, HEAD "-- param: a text values=%s\nSELECT :a", repeat("(", depth)),
        "3: a quote or parenthesis is not closed: ");
    assert_told(talloc_asprintf(memory, HEAD "SELECT %s", repeat(":a\n", depth / 2)),
                "3: the parameter :a is not declared");
    assert_told(talloc_asprintf(memory, HEAD "SELECT $a$ %s", repeat("$b", depth)),
                "3: this string or comment does not end");
    assert_told(talloc_asprintf(memory, HEAD "SELECT %s $", repeat("$a$ ", depth / 2 + 1)),
                "3: this string or comment does not end");
}

/** Links that lead nowhere, devices and directories are no definitions, and none of them hangs. */
static void no_files(void **state)
{
    (void)state;
    struct definition *definition;
    assert_int_equal(mkfifo(path_of("pipe.sql"), 0600), 0);
    assert_int_equal(mkdir(path_of("folder.sql"), 0700), 0);
    assert_int_equal(symlink("nowhere", path_of("link.sql")), 0);
    const char *const names[] = {"pipe.sql", "folder.sql", "link.sql", "missing.sql"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        told.count = 0;
        assert_true(definition_read(memory, path_of(names[i]), &problems, &definition) < 0);
        assert_int_equal(told.count, 1);
        assert_non_null(strstr(told.texts[0], ":1: can't be read: "));
    }
}

/* ---------------------------------------------------------------- a directory */

static void directory_in_order(void **state)
{
    (void)state;
    struct definition **list;
    size_t count;
    told.count = 0;
    write_text("b.sql", HEAD "SELECT 2");
    write_text("a.sql", HEAD "SELECT 1");
    write_text(".hidden.sql", "nothing");
    write_text("b.sql~", "nothing");
    write_text(".sql", "nothing");
    assert_int_equal(definitions_read(memory, directory, &problems, &list, &count), 0);
    assert_int_equal(count, 2);
    assert_string_equal(list[0]->name, "a");
    assert_string_equal(list[1]->name, "b");
    write_text("c.sql", HEAD "DROP TABLE sale");
    write_text("d.sql", HEAD "SELECT :x");
    assert_int_equal(definitions_read(memory, directory, &problems, &list, &count), -EINVAL);
    assert_int_equal(told.count, 2);
    for (unsigned i = 0; i < 600; i++)
        write_text(talloc_asprintf(memory, "x%u.sql", i), "");
    told.count = 0;
    assert_int_equal(definitions_read(memory, directory, &problems, &list, &count), -E2BIG);
    assert_int_equal(told.count, 1);
    assert_non_null(strstr(told.texts[0], ": more than 512 reports"));
    assert_int_equal(definitions_read(memory, path_of("none"), &problems, &list, &count), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_WITH_FILES(good_file),
        TEST_WITH_FILES(defaults),
        TEST_WITH_FILES(version_of_each_text),
        TEST_WITH_FILES(mistakes_of_the_head),
        TEST_WITH_FILES(mistakes_of_parameters),
        TEST_WITH_FILES(mistakes_of_columns_and_charts),
        TEST_WITH_FILES(mistakes_of_the_query),
        TEST_WITH_FILES(all_mistakes_are_told),
        TEST_WITH_FILES(names_of_files),
        TEST_WITH_FILES(hostile_bytes),
        TEST_WITH_FILES(huge_files),
        TEST_WITH_FILES(too_many_of_all),
        TEST_WITH_FILES(deep_and_open),
        TEST_WITH_FILES(no_files),
        TEST_WITH_FILES(directory_in_order),
    };
    return cmocka_run_group_tests_name("reports_definition", tests, NULL, NULL);
}
