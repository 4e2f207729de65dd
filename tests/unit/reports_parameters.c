/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A person would get another report than the one on the form, or the same one computed twice, if
 * these failed: defaults are the days that they say, wrong entries are told, and equal entries have
 * one canonical form and one job.
 */
#include "files.h"

#include "reports/decimal.h"
#include "reports/default_value.h"
#include "reports/moment.h"
#include "reports/parameters.h"

/** A Saturday in a month of 30 days. */
#define TODAY "2026-11-21"

static int64_t day_of(const char *text)
{
    int64_t ms;
    assert_true(moment_read(text, strlen(text), &ms));
    return moment_day(ms);
}

/** What the clock shows on that day, late in the evening. */
static int64_t now_ms(void)
{
    return day_of(TODAY) * MOMENT_DAY_MS + INT64_C(86399999);
}

/* ---------------------------------------------------------------- days by their names */

static void assert_day(const char *word, const char *today, const char *expected)
{
    int64_t days;
    char text[MOMENT_TEXT_SIZE];
    assert_true(default_day(word, day_of(today), &days));
    moment_write_date(days, text);
    assert_string_equal(text, expected);
}

static void days_by_name(void **state)
{
    (void)state;
    assert_day("today", TODAY, "2026-11-21");
    assert_day("today-2", TODAY, "2026-11-19");
    assert_day("today+10", TODAY, "2026-12-01");
    assert_day("week-start", TODAY, "2026-11-16");
    assert_day("week-end", TODAY, "2026-11-22");
    assert_day("week-start", "2026-11-16", "2026-11-16"); /* a Monday */
    assert_day("week-end", "2026-11-22", "2026-11-22");   /* a Sunday */
    assert_day("week-start-1", TODAY, "2026-11-09");
    assert_day("month-start", TODAY, "2026-11-01");
    assert_day("month-end", TODAY, "2026-11-30");
    assert_day("month-start-11", TODAY, "2025-12-01");
    assert_day("month-end-9", TODAY, "2026-02-28");
    assert_day("month-end+15", TODAY, "2028-02-29");
    assert_day("month-start+1", "2026-12-31", "2027-01-01");
    assert_day("year-start", TODAY, "2026-01-01");
    assert_day("year-end-1", TODAY, "2025-12-31");
    assert_day("year-start-300", TODAY, "1726-01-01");
}

static void no_days(void **state)
{
    (void)state;
    const char *const wrong[] = {
        "",           "Today",          "today ",   "today2",
        "today-",     "today--2",       "today+-2", "today-2d",
        "today-5001", "year-start-301", "tomorrow", "month-start-99999999999999999999",
        "month",      "today-0x10"};
    int64_t days;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (default_day(wrong[i], day_of(TODAY), &days))
            fail_msg("'%s' is taken for a day", wrong[i]);
}

/* ---------------------------------------------------------------- numbers and moments */

static void numbers_have_one_form(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected; /**< NULL: it is no number */
    } cases[] = {
        {"1000", "1000"},
        {"+1000", "1000"},
        {"1e3", "1000"},
        {"1000.0", "1000"},
        {"001000", "1000"},
        {"10E+02", "1000"},
        {"0.1", "0.1"},
        {".1", "0.1"},
        {"1.", "1"},
        {"-1.50", "-1.5"},
        {"0", "0"},
        {"-0.000", "0"},
        {"1e-3", "0.001"},
        {"100e-4", "0.01"},
        {"0.00120", "0.0012"},
        {"123456789012345678901234567890", "123456789012345678901234567890"},
        {"1e29", "100000000000000000000000000000"},
        {"", NULL},
        {".", NULL},
        {"-", NULL},
        {"1,5", NULL},
        {"1e", NULL},
        {"1e99", NULL},
        {"0x10", NULL},
        {"nan", NULL},
        {"inf", NULL},
        {" 1", NULL},
        {"1 ", NULL},
        {"1.2.3", NULL},
        {"--1", NULL},
        {"1e-99999999999999999999", NULL},
        {"1234567890123456789012345678901", NULL},
        {"0.0000000000000000000000000000000000000001", NULL},
    };
    char text[DECIMAL_TEXT_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool is_number = decimal_canonical(cases[i].text, text);
        if (is_number != (cases[i].expected != NULL))
            fail_msg("'%s' is wrongly %s", cases[i].text, is_number ? text : "refused");
        if (is_number)
            assert_string_equal(text, cases[i].expected);
    }
}

static void longest_number_fits(void **state)
{
    (void)state;
    char text[DECIMAL_TEXT_SIZE];
    const char *const longest[] = {"-.000000000000000000000000000000123456789012345678901234567891",
                                   "-123456789012345678901234567891e-30",
                                   "-123456789012345678901234567891e-60", "-1e29"};
    for (size_t i = 0; i < sizeof longest / sizeof *longest; i++)
        if (decimal_canonical(longest[i], text))
            assert_true(strlen(text) < sizeof text);
}

static void assert_moment(const char *text, const char *expected)
{
    int64_t ms;
    char made[MOMENT_TEXT_SIZE];
    bool is_moment = moment_read(text, strlen(text), &ms);
    if (is_moment != (expected != NULL))
        fail_msg("'%s' is wrongly %s", text, is_moment ? "a moment" : "refused");
    if (is_moment) {
        moment_write(ms, made);
        assert_string_equal(made, expected);
    }
}

static void moments(void **state)
{
    (void)state;
    assert_moment("2026-11-20", "2026-11-20 00:00:00");
    assert_moment("2026-11-20 19:00", "2026-11-20 19:00:00");
    assert_moment("2026-11-20T19:00:01.999999Z", "2026-11-20 19:00:01");
    assert_moment("2026-11-20 19:00:00+01", "2026-11-20 19:00:00"); /* the clock on the wall */
    assert_moment("2026-11-20 19:00:00-03:30", "2026-11-20 19:00:00");
    assert_moment("1969-12-31 23:59:59", "1969-12-31 23:59:59");
    assert_moment("9999-12-31 23:59:59", "9999-12-31 23:59:59");
    assert_moment("2024-02-29", "2024-02-29 00:00:00");
    assert_moment("2026-02-29", NULL);
    assert_moment("2026-13-01", NULL);
    assert_moment("2026-11-20 24:00", NULL);
    assert_moment("9999-12-31 23:59:60", NULL);
    assert_moment("2026-11-20 19", NULL);
    assert_moment("2026-11-20 19:0x", NULL);
    assert_moment("2026-11-20x", NULL);
    assert_moment("2026-11-2", NULL);
    assert_moment("20.11.2026", NULL);
    assert_moment("", NULL);
}

static void durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms; /**< -1: none */
    } cases[] = {
        {"36:00:00", 129600000},
        {"00:00:01.5", 1500},
        {"3 days", 259200000},
        {"1 day 00:00:01", 86401000},
        {"1 mon", -1},
        {"1 year 2 days", -1},
        {"5", -1},
        {"", -1},
        {"day", -1},
        {"99999999999999999999:00", -1},
        {"1 day x", -1},
    };
    int64_t ms;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool is_duration = moment_read_duration(cases[i].text, strlen(cases[i].text), &ms);
        if (is_duration != (cases[i].ms >= 0) || (is_duration && ms != cases[i].ms))
            fail_msg("'%s' is wrongly %lld", cases[i].text, is_duration ? (long long)ms : -1);
    }
    assert_true(moment_read_duration("-00:00:01", 9, &ms));
    assert_int_equal(ms, -1000);
    assert_true(moment_read_duration("-1 days +02:00:00", 17, &ms));
    assert_int_equal(ms, -79200000);
}

/* ---------------------------------------------------------------- what people enter */

static void complain(void *argument, const char *text)
{
    (void)argument;
    fail_msg("%s", text);
}

/** A report with these lines of params, which it uses. */
static const struct definition *report_of(const char *params, const char *query)
{
    const struct definition_problems problems = {complain, NULL};
    struct definition *definition;
    write_text("r.sql", talloc_asprintf(memory, "-- title: R\n-- source: s\n%s%s", params, query));
    assert_int_equal(definition_read(memory, path_of("r.sql"), &problems, &definition), 0);
    return definition;
}

static const struct definition *report_of_all(void)
{
    return report_of("-- param: from date required default=today-2 label=\"First day\"\n"
                     "-- param: at datetime\n"
                     "-- param: count integer default=5\n"
                     "-- param: price number\n"
                     "-- param: name text\n"
                     "-- param: country choice values=DE,FR\n"
                     "-- param: kinds choices values=a,b,\"c,d\" default=b,a\n",
                     "SELECT :from, :at, :count, :price, :name, :country, :kinds");
}

#define ENTER(...)                                                                                 \
    ((const struct entered[]){__VA_ARGS__}),                                                       \
        (sizeof((const struct entered[]){__VA_ARGS__}) / sizeof(struct entered))

/** What is bound to a parameter; checks that all is right. */
static const char *bound_to(const struct definition *report, const char *name,
                            const struct entered *entered, size_t count)
{
    struct kt_error error = {0};
    struct bound *bound;
    if (parameters_bind(memory, report, entered, count, now_ms(), &bound, &error) < 0)
        fail_msg("%s", error.text);
    for (size_t i = 0; i < report->parameter_count; i++)
        if (strcmp(bound[i].name, name) == 0)
            return bound[i].value;
    fail_msg("%s is not bound", name);
    return NULL;
}

static void assert_refused(const char *expected, const struct entered *entered, size_t count)
{
    struct kt_error error = {0};
    struct bound *bound;
    const struct definition *report = report_of_all();
    assert_int_equal(parameters_bind(memory, report, entered, count, now_ms(), &bound, &error),
                     -EINVAL);
    assert_string_equal(error.text, expected);
}

static void defaults_for_what_is_not_said(void **state)
{
    (void)state;
    const struct definition *report = report_of_all();
    assert_string_equal(bound_to(report, "from", NULL, 0), "2026-11-19");
    assert_string_equal(bound_to(report, "count", NULL, 0), "5");
    assert_string_equal(bound_to(report, "kinds", NULL, 0), "[\"a\",\"b\"]");
    assert_null(bound_to(report, "name", NULL, 0));
    /* said to be empty: no restriction; but what is required has its default */
    assert_null(bound_to(report, "count", ENTER({"count", ""})));
    assert_null(bound_to(report, "kinds", ENTER({"kinds", ""})));
    assert_string_equal(bound_to(report, "from", ENTER({"from", ""})), "2026-11-19");
}

static void now_is_what_the_clock_shows(void **state)
{
    (void)state;
    const struct definition *report = report_of("-- param: at datetime default=now\n"
                                                "-- param: day date default=today\n"
                                                "-- param: month datetime default=month-start\n",
                                                "SELECT :at, :day, :month");
    assert_string_equal(bound_to(report, "at", NULL, 0), TODAY " 23:59:00");
    assert_string_equal(bound_to(report, "day", NULL, 0), TODAY);
    assert_string_equal(bound_to(report, "month", NULL, 0), "2026-11-01 00:00:00");
    assert_string_equal(parameter_default(memory, &report->parameters[0], -1),
                        "1969-12-31 23:59:00");
}

static void one_parameter_alone(void **state)
{
    (void)state;
    const struct definition *report = report_of("-- param: zone text default=UTC\n"
                                                "-- param: day date required\n",
                                                "SELECT :zone, :day");
    assert_string_equal(parameters_value(memory, report, "zone", NULL, 0), "UTC");
    assert_string_equal(parameters_value(memory, report, "zone", ENTER({"zone", "Asia/Tokyo"})),
                        "Asia/Tokyo");
    assert_null(parameters_value(memory, report, "zone", ENTER({"zone", ""})));
    assert_null(parameters_value(memory, report, "zone", ENTER({"zone", "a"}, {"zone", "b"})));
    assert_null(parameters_value(memory, report, "day", NULL, 0));
    assert_null(parameters_value(memory, report, "other", ENTER({"other", "1"})));
}

static void required_without_default(void **state)
{
    (void)state;
    const struct definition *report =
        report_of("-- param: day date required label=\"The day\"\n", "SELECT :day");
    struct kt_error error = {0};
    struct bound *bound;
    assert_int_equal(parameters_bind(memory, report, NULL, 0, 0, &bound, &error), -EINVAL);
    assert_string_equal(error.text, "The day: please enter something");
    assert_null(parameter_default(memory, &report->parameters[0], 0));
}

static void wrong_entries_are_told(void **state)
{
    (void)state;
    assert_refused("First day: expected a date such as 2026-11-20", ENTER({"from", "today-1"}));
    assert_refused("First day: expected a date such as 2026-11-20", ENTER({"from", "2026-02-30"}));
    assert_refused("at: expected a date and time such as 2026-11-20 19:00", ENTER({"at", "now"}));
    assert_refused("count: expected a whole number", ENTER({"count", "1.5"}));
    assert_refused("count: expected a whole number", ENTER({"count", "9223372036854775808"}));
    assert_refused("count: expected a whole number", ENTER({"count", " 1"}));
    assert_refused("price: expected a number", ENTER({"price", "1,50"}));
    assert_refused("country: expected one of the choices", ENTER({"country", "IT"}));
    assert_refused("kinds: expected one of the choices", ENTER({"kinds", "a"}, {"kinds", "z"}));
    assert_refused("count: only one value can be chosen", ENTER({"count", "1"}, {"count", "2"}));
    assert_refused("other: this report has no such parameter", ENTER({"other", "1"}));
}

static void hostile_entries(void **state)
{
    (void)state;
    const char expected[] =
        "name: expected a text of at most 1000 bytes in UTF-8, without control characters";
    char *long_text = talloc_size(memory, 1002);
    memset(long_text, 'x', 1001);
    long_text[1001] = '\0';
    assert_refused(expected, ENTER({"name", long_text}));
    assert_refused(expected, ENTER({"name", "a\x1b[2J"}));
    assert_refused(expected, ENTER({"name", "\xff"}));
    assert_refused(expected, ENTER({"name", "\xed\xa0\x80"}));
    const struct definition *report = report_of_all();
    assert_string_equal(bound_to(report, "name", ENTER({"name", "'; DROP TABLE sale; --"})),
                        "'; DROP TABLE sale; --");
    assert_string_equal(bound_to(report, "name", ENTER({"name", "a\tb\r\nc"})), "a\tb\r\nc");
}

/** No choice is lost without a word, however many somebody sends. */
static void too_many_choices(void **state)
{
    (void)state;
    static struct entered entered[1001];
    for (size_t i = 0; i < sizeof entered / sizeof *entered; i++)
        entered[i] = (struct entered){"kinds", "a"};
    assert_string_equal(bound_to(report_of_all(), "kinds", entered, 1000), "[\"a\"]");
    assert_refused("kinds: more than 1000 values", entered, 1001);
}

/* ---------------------------------------------------------------- one form, one job */

/** The ids of jobs for two ways to enter something. */
static void assert_same_job(bool is_same, const struct entered *one, size_t one_count,
                            const struct entered *two, size_t two_count)
{
    const struct definition *report = report_of_all();
    struct kt_error error;
    struct bound *bound;
    char ids[2][33];
    assert_int_equal(parameters_bind(memory, report, one, one_count, now_ms(), &bound, &error), 0);
    parameters_id(report, "xlsx", bound, report->parameter_count, ids[0]);
    assert_int_equal(parameters_bind(memory, report, two, two_count, now_ms(), &bound, &error), 0);
    parameters_id(report, "xlsx", bound, report->parameter_count, ids[1]);
    assert_int_equal(strlen(ids[0]), 32);
    assert_int_equal(strcmp(ids[0], ids[1]) == 0, is_same);
}

static void equal_entries_are_one_job(void **state)
{
    (void)state;
    assert_same_job(true, NULL, 0, ENTER({"from", "2026-11-19"}, {"count", "+05"}));
    assert_same_job(true, ENTER({"price", "1e3"}), ENTER({"price", "1000.00"}));
    assert_same_job(true, ENTER({"at", "2026-11-20T19:00"}), ENTER({"at", "2026-11-20 19:00:00"}));
    assert_same_job(true, ENTER({"kinds", "c,d"}, {"kinds", "a"}, {"kinds", "a"}),
                    ENTER({"kinds", "a"}, {"kinds", "c,d"}));
    assert_same_job(true, ENTER({"name", ""}), NULL, 0);
    assert_same_job(false, ENTER({"name", "a"}), ENTER({"name", "A"}));
    assert_same_job(false, ENTER({"count", "6"}), NULL, 0);
    assert_same_job(false, ENTER({"count", ""}), NULL, 0);
    assert_same_job(false, ENTER({"name", "NULL"}), NULL, 0);
    assert_same_job(false, ENTER({"name", "DE"}), ENTER({"country", "DE"}));
}

static void another_format_is_another_job(void **state)
{
    (void)state;
    const struct definition *report = report_of("", "SELECT 1"), *other = report_of("", "SELECT 2");
    char xlsx[33], csv[33], changed[33];
    parameters_id(report, "xlsx", NULL, 0, xlsx);
    parameters_id(report, "csv", NULL, 0, csv);
    parameters_id(other, "xlsx", NULL, 0, changed);
    assert_string_not_equal(xlsx, csv);
    assert_string_not_equal(xlsx, changed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_by_name),
        cmocka_unit_test(no_days),
        cmocka_unit_test(numbers_have_one_form),
        cmocka_unit_test(longest_number_fits),
        cmocka_unit_test(moments),
        cmocka_unit_test(durations),
        TEST_WITH_FILES(defaults_for_what_is_not_said),
        TEST_WITH_FILES(now_is_what_the_clock_shows),
        TEST_WITH_FILES(one_parameter_alone),
        TEST_WITH_FILES(required_without_default),
        TEST_WITH_FILES(wrong_entries_are_told),
        TEST_WITH_FILES(hostile_entries),
        TEST_WITH_FILES(too_many_choices),
        TEST_WITH_FILES(equal_entries_are_one_job),
        TEST_WITH_FILES(another_format_is_another_job),
    };
    return cmocka_run_group_tests_name("reports_parameters", tests, NULL, NULL);
}
