/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: meetings would be an hour off, on the wrong day, or lost when clocks change. */
#include "calendar_text.h"

#include <glib.h>

/** How many hours the week of a date has in a zone. */
static double week_hours(const char *name, const char *date)
{
    struct kt_zone *zone;
    struct kt_window window;
    int32_t day;
    double hours;

    assert_int_equal(kt_zone_open(NULL, name, &zone), 0);
    assert_int_equal(kt_date_parse(date, &day), 0);
    assert_int_equal(kt_window_week(zone, zone, day, 0, &window), 0);
    hours = (double)(kt_window_end(&window) - kt_window_start(&window)) / 3600;
    talloc_free(zone);
    return hours;
}

static void weeks_have_167_168_or_169_hours(void **state)
{
    (void)state;
    assert_true(week_hours("Europe/Berlin", "2026-03-25") == 167);
    assert_true(week_hours("Europe/Berlin", "2026-10-25") == 169);
    assert_true(week_hours("America/New_York", "2026-03-08") == 167);
    assert_true(week_hours("America/New_York", "2026-11-01") == 169);
    assert_true(week_hours("Australia/Lord_Howe", "2026-04-05") == 168.5);
    assert_true(week_hours("Asia/Kolkata", "2026-03-25") == 168);
    assert_true(week_hours("Pacific/Apia", "2011-12-28") == 144); /* there was no Friday */
    assert_true(week_hours("Africa/Cairo", "2026-04-22") == 167); /* clocks change at midnight */
}

static void local_times_in_gaps_and_overlaps(void **state)
{
    (void)state;
    struct kt_zone *zone;
    int64_t gap = (int64_t)kt_day_from_date(2026, 3, 29) * KT_DAY_SECONDS + 2 * 3600 + 1800;
    int64_t twice = (int64_t)kt_day_from_date(2026, 10, 25) * KT_DAY_SECONDS + 2 * 3600 + 1800;

    assert_int_equal(kt_zone_open(NULL, "Europe/Berlin", &zone), 0);
    assert_false(kt_zone_has(zone, gap));
    assert_true(kt_zone_has(zone, gap + 3600));
    assert_int_equal(kt_zone_to_instant(zone, gap), gap - 3600); /* the offset before */
    assert_true(kt_zone_has(zone, twice));
    assert_int_equal(kt_zone_to_instant(zone, twice), twice - 7200); /* the first */
    talloc_free(zone);
}

static void a_start_in_a_gap_is_moved_but_a_repetition_is_dropped(void **state)
{
    (void)state;
    assert_week(
        EVENT("Once", "UID:1\nDTSTART;TZID=Europe/Berlin:20260329T023000\nDURATION:PT30M\n"),
        "Europe/Berlin", "2026-03-29", "2026-03-29 03:30-04:00 Once\n", 0);
    assert_week(EVENT("Night", "UID:2\nDTSTART;TZID=Europe/Berlin:20260328T023000\n"
                               "DURATION:PT30M\nRRULE:FREQ=DAILY;COUNT=2\n"),
                "Europe/Berlin", "2026-03-28", "2026-03-28 02:30-03:00 Night\n", 0);
    assert_week(EVENT("Night", "UID:2\nDTSTART;TZID=Europe/Berlin:20260328T023000\n"
                               "DURATION:PT30M\nRRULE:FREQ=DAILY;COUNT=2\n"),
                "Europe/Berlin", "2026-03-30", "2026-03-30 02:30-03:00 Night\n", 0);
}

static void series_keep_their_local_time(void **state)
{
    (void)state;
    const char *const series =
        EVENT("Sync", "UID:s\nDTSTART;TZID=America/New_York:20260302T100000\n"
                      "DTEND;TZID=America/New_York:20260302T110000\nRRULE:FREQ=WEEKLY\n");

    /* New York changes its clocks three weeks before Berlin */
    assert_week(series, "Europe/Berlin", "2026-03-02", "2026-03-02 16:00-17:00 Sync\n", 0);
    assert_week(series, "Europe/Berlin", "2026-03-09", "2026-03-09 15:00-16:00 Sync\n", 0);
    assert_week(series, "Europe/Berlin", "2026-03-30", "2026-03-30 16:00-17:00 Sync\n", 0);
}

static void durations_are_nominal_and_ends_exact(void **state)
{
    (void)state;
    /* Saturday noon to Sunday noon, in the night of which an hour is missing in the second week */
    assert_week(EVENT("Nominal", "UID:n\nDTSTART;TZID=Europe/Berlin:20260321T120000\n"
                                 "DURATION:P1D\nRRULE:FREQ=WEEKLY\n"),
                "Europe/Berlin", "2026-03-28", "2026-03-28 12:00-12:00 Nominal\n", 0);
    assert_week(EVENT("Exact", "UID:e\nDTSTART;TZID=Europe/Berlin:20260321T120000\n"
                               "DTEND;TZID=Europe/Berlin:20260322T120000\nRRULE:FREQ=WEEKLY\n"),
                "Europe/Berlin", "2026-03-28", "2026-03-28 12:00-13:00 Exact\n", 0);
}

static void floating_times_are_where_one_is(void **state)
{
    (void)state;
    const char *const floating = EVENT("Float", "UID:f\nDTSTART:20260318T090000\nDURATION:PT1H\n");

    assert_week(floating, "Asia/Tokyo", "2026-03-18", "2026-03-18 09:00-10:00 Float\n", 0);
    assert_week(floating, "America/New_York", "2026-03-18", "2026-03-18 09:00-10:00 Float\n", 0);
}

static void foreign_names_of_zones(void **state)
{
    (void)state;
    const char *const expected = "2026-03-18 09:00-10:00 Z\n";

    assert_week(EVENT("Z", "DTSTART;TZID=W. Europe Standard Time:20260318T090000\nDURATION:PT1H\n"),
                "Europe/Berlin", "2026-03-18", expected, 0);
    assert_week(EVENT("Z", "DTSTART;TZID=/citadel.org/20210210_1/Europe/Berlin:20260318T090000\n"
                           "DURATION:PT1H\n"),
                "Europe/Berlin", "2026-03-18", expected, 0);
    assert_week(
        EVENT(
            "Z",
            "DTSTART;TZID=Our town:20260318T090000\nDURATION:PT1H\n") "BEGIN:VTIMEZONE\nTZID:Our "
                                                                      "town\nX-LIC-LOCATION:Europe/"
                                                                      "Berlin\nEND:VTIMEZONE\n",
        "Europe/Berlin", "2026-03-18", expected, 0);
}

static void guesses_come_with_a_warning(void **state)
{
    (void)state;
    const char *const event = EVENT("Z", "DTSTART;TZID=Nowhere:20260318T090000\nDURATION:PT1H\n");
    struct found found = find(event, "UTC", "2026-03-18");

    assert_string_equal(found.text, "2026-03-18 09:00-10:00 Z\n");
    assert_int_equal(found.warnings.count, 1);
    assert_non_null(strstr(found.warnings.texts[0], "Nowhere"));
    assert_non_null(strstr(found.warnings.texts[0], "UTC"));
    found_free(&found);
    assert_week("X-WR-TIMEZONE:Europe/Berlin\n" EVENT(
                    "Z", "DTSTART;TZID=Nowhere:20260318T090000\nDURATION:PT1H\n"),
                "Europe/Berlin", "2026-03-18", "2026-03-18 09:00-10:00 Z\n", 1);
}

static void names_that_are_no_zones(void **state)
{
    static const char *const names[] = {
        "", "Nowhere/Land", "../../etc/passwd", "/etc/passwd", "Europe//Berlin", "Europe/Berlin/",
        ":UTC", "+01:00", "<x>3",
        /* rules of POSIX, in which "+" is west */
        "GMT+0100", "GMT-5", "UTC+1", "Foo+3", "MSK-3", "CET-1CEST",
        /* files that are no zones of the database, or none at all */
        "Europe", "europe/berlin", "leapseconds", "localtime", "posixrules", "posix/Europe/Berlin",
        "right/Europe/Berlin"};
    struct kt_zone *zone;

    (void)state;
    for (size_t index = 0; index < sizeof(names) / sizeof(names[0]); index++) {
        if (kt_zone_open(NULL, names[index], &zone) != -ENOENT)
            fail_msg("%s is a zone", names[index]);
    }
}

/** Names of all shapes that the database has; those with a number keep its sign, "+" is west. */
static void names_of_the_database(void **state)
{
    static const struct {
        const char *name;
        int32_t offset; /* in January 2026 */
    } known[] = {
        {"UTC", 0},
        {"Etc/UTC", 0},
        {"Etc/GMT+5", -5 * 3600},
        {"Etc/GMT-14", 14 * 3600},
        {"America/Port-au-Prince", -5 * 3600},
        {"America/Argentina/Buenos_Aires", -3 * 3600},
        {"Asia/Kathmandu", 20700},
    };
    const int64_t january = (int64_t)kt_day_from_date(2026, 1, 10) * KT_DAY_SECONDS;

    (void)state;
    for (size_t index = 0; index < sizeof(known) / sizeof(known[0]); index++) {
        struct kt_zone *zone;

        assert_int_equal(kt_zone_open(NULL, known[index].name, &zone), 0);
        assert_string_equal(kt_zone_name(zone), known[index].name);
        assert_int_equal(kt_zone_offset(zone, january), known[index].offset);
        talloc_free(zone);
    }
}

/** Without a database there is UTC, and nothing else. */
static void a_system_without_a_database(void **state)
{
    struct kt_zone *zone;

    (void)state;
    assert_int_equal(setenv("TZDIR", "/nowhere", 1), 0);
    assert_int_equal(kt_zone_open(NULL, "UTC", &zone), 0);
    talloc_free(zone);
    assert_int_equal(kt_zone_open(NULL, "Pacific/Chatham", &zone), -ENOENT);
    assert_int_equal(unsetenv("TZDIR"), 0);
    assert_int_equal(kt_zone_open(NULL, "Pacific/Chatham", &zone), 0);
    talloc_free(zone);
}

/** Offsets are remembered: whatever was asked before, each is the one that GLib gives. */
static void offsets_are_those_of_the_system(void **state)
{
    static const char *const names[] = {"Europe/Berlin", "Australia/Lord_Howe", "Africa/Casablanca",
                                        "America/Caracas", "UTC"};
    enum { COUNT = sizeof(names) / sizeof(*names) };
    TALLOC_CTX *memory = talloc_new(NULL);
    struct kt_zone *zones[COUNT];
    GTimeZone *theirs[COUNT];
    uint32_t random = 1;
    int64_t instant = 0;

    (void)state;
    for (int index = 0; index < COUNT; index++) {
        assert_int_equal(kt_zone_open(memory, names[index], &zones[index]), 0);
        theirs[index] = g_time_zone_new_identifier(names[index]);
    }
    for (int round = 0; round < 100000; round++) {
        int index, interval;

        random = random * 1664525u + 1013904223u;
        index = random >> 8 & 4 ? 0 : (int)(random >> 12) % COUNT;
        instant += (int64_t)(random >> 4) % (random >> 20 & 7 ? 90 * 86400 : INT64_C(2000000000));
        instant -= instant > INT64_C(2200000000) ? INT64_C(5000000000) : 0;
        instant -= random >> 30 == 3 ? (random & 1) + 86400 * (random >> 16 & 63) : 0;
        interval = g_time_zone_find_interval(theirs[index], G_TIME_TYPE_UNIVERSAL, instant);
        assert_int_equal(kt_zone_offset(zones[index], instant),
                         g_time_zone_get_offset(theirs[index], interval));
    }
    for (int index = 0; index < COUNT; index++)
        g_time_zone_unref(theirs[index]);
    talloc_free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weeks_have_167_168_or_169_hours),
        cmocka_unit_test(local_times_in_gaps_and_overlaps),
        cmocka_unit_test(a_start_in_a_gap_is_moved_but_a_repetition_is_dropped),
        cmocka_unit_test(series_keep_their_local_time),
        cmocka_unit_test(durations_are_nominal_and_ends_exact),
        cmocka_unit_test(floating_times_are_where_one_is),
        cmocka_unit_test(foreign_names_of_zones),
        cmocka_unit_test(guesses_come_with_a_warning),
        cmocka_unit_test(names_that_are_no_zones),
        cmocka_unit_test(names_of_the_database),
        cmocka_unit_test(a_system_without_a_database),
        cmocka_unit_test(offsets_are_those_of_the_system),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
