/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * If this failed: in the weeks in which clocks change, in weeks that begin on Sunday, or at the
 * edge of a rule, people would be told hours that don't add up.
 */
#include "calendar_text.h"

#include "calendar/breakdown.h"

#define HOURS(count) ((int64_t)((count)*3600))
#define ADA "ATTENDEE;CN=Ada:mailto:ada@example.org\n"

struct week {
    struct found found;
    struct kt_breakdown breakdown;
};

static void break_down(struct week *week)
{
    assert_int_equal(kt_breakdown_make(week->found.memory, &week->found.events, &week->found.window,
                                       &kt_breakdown_defaults, &week->breakdown),
                     0);
}

static struct week make_week(const char *inside, const char *zone, const char *date)
{
    struct week week = {.found = find(inside, zone, date)};

    break_down(&week);
    return week;
}

/**
 * A meeting from Monday 00:00 to the next one takes the whole week, however long that is: `day`
 * (0 = Monday) has `length` hours, all others 24, and the working hours are 40 as always.
 */
static void whole_week(const char *zone, const char *monday, const char *next, int day,
                       double length)
{
    char *inside = talloc_asprintf(NULL,
                                   "BEGIN:VEVENT\n" ADA "DTSTART;TZID=%s:%sT000000\n"
                                   "DTEND;TZID=%s:%sT000000\nEND:VEVENT\n",
                                   zone, monday, zone, next);
    char date[16];
    struct week week;
    const struct kt_breakdown *breakdown = &week.breakdown;
    int64_t by_day = 0, by_hour = 0;

    snprintf(date, sizeof(date), "%.4s-%.2s-%.2s", monday, monday + 4, monday + 6);
    week = make_week(inside, zone, date);
    assert_int_equal(breakdown->meetings.count, 1);
    assert_int_equal(breakdown->meetings.seconds, HOURS(6 * 24 + length));
    assert_int_equal(breakdown->real, HOURS(6 * 24 + length));
    for (int index = 0; index < 7; index++) {
        assert_int_equal(breakdown->days[index].real, HOURS(index == day ? length : 24));
        by_day += breakdown->days[index].real;
    }
    for (int hour = 0; hour < KT_HOURS_OF_DAY; hour++)
        by_hour += breakdown->hours[hour];
    assert_int_equal(by_day, breakdown->real);
    assert_int_equal(by_hour, breakdown->real);
    assert_int_equal(breakdown->working, HOURS(40));
    assert_int_equal(breakdown->after_hours, HOURS(6 * 24 + length - 40));
    assert_int_equal(breakdown->focusable.seconds + breakdown->fragmented.seconds, 0);
    assert_int_equal(breakdown->people[0].seconds, breakdown->real);
    found_free(&week.found);
    talloc_free(inside);
}

static void weeks_in_which_clocks_change_add_up(void **state)
{
    (void)state;
    whole_week("Europe/Berlin", "20260323", "20260330", 6, 23);
    whole_week("Europe/Berlin", "20261019", "20261026", 6, 25);
    whole_week("America/New_York", "20260302", "20260309", 6, 23);
    whole_week("America/New_York", "20261026", "20261102", 6, 25);
    whole_week("Australia/Lord_Howe", "20260330", "20260406", 6, 24.5);
    whole_week("Australia/Lord_Howe", "20260928", "20261005", 6, 23.5);
    whole_week("Pacific/Auckland", "20260330", "20260406", 6, 25);
    whole_week("Pacific/Auckland", "20260921", "20260928", 6, 23);
    whole_week("Africa/Cairo", "20260420", "20260427", 4, 23); /* Friday has no midnight */
    whole_week("Africa/Cairo", "20261026", "20261102", 3, 25); /* Thursday has two */
    whole_week("Asia/Kolkata", "20260323", "20260330", 6, 24); /* never */
}

static void daily_meetings_stay_at_nine(void **state)
{
    static const char *const zones[] = {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
                                        "Pacific/Auckland", "Africa/Cairo"};
    static const char *const dates[] = {"2026-03-25", "2026-03-04", "2026-04-01", "2026-04-01",
                                        "2026-04-22"};

    (void)state;
    for (size_t index = 0; index < sizeof(zones) / sizeof(*zones); index++) {
        char *inside =
            talloc_asprintf(NULL,
                            "BEGIN:VEVENT\nUID:s\n" ADA "DTSTART;TZID=%s:20260101T090000\n"
                            "DURATION:PT1H\nRRULE:FREQ=DAILY\nEND:VEVENT\n",
                            zones[index]);
        struct week week = make_week(inside, zones[index], dates[index]);

        assert_int_equal(week.breakdown.hours[9], HOURS(7));
        assert_int_equal(week.breakdown.real, HOURS(7));
        assert_int_equal(week.breakdown.after_hours, HOURS(2)); /* the weekend's */
        found_free(&week.found);
        talloc_free(inside);
    }
}

static void weeks_may_begin_on_sunday(void **state)
{
    struct kt_window window;
    struct kt_zone *zone;
    int32_t day, first;

    (void)state;
    assert_int_equal(kt_zone_open(NULL, "Europe/Berlin", &zone), 0);
    kt_date_parse("2026-03-29", &first); /* a Sunday, the one on which clocks change */
    for (day = first; day < first + 7; day++) {
        assert_int_equal(kt_window_week(zone, zone, day, 6, &window), 0);
        assert_int_equal(window.first_day, first);
        assert_int_equal(kt_window_end(&window) - kt_window_start(&window), HOURS(167));
    }
    assert_int_equal(kt_window_week(zone, zone, first - 1, 6, &window), 0);
    assert_int_equal(window.first_day, first - 7);
    assert_int_equal(kt_window_end(&window) - kt_window_start(&window), HOURS(168));
    talloc_free(zone);
}

/** An all-day event is on its date wherever one is, and takes no hours. */
static void days_are_the_same_everywhere(void **state)
{
    static const char *const zones[] = {"Pacific/Kiritimati", "Asia/Tokyo", "UTC",
                                        "America/Los_Angeles", "Pacific/Niue"};

    (void)state;
    for (size_t index = 0; index < sizeof(zones) / sizeof(*zones); index++) {
        struct week week =
            make_week(EVENT("Fair", "DTSTART;VALUE=DATE:20260318\nDTEND;VALUE=DATE:20260320\n"),
                      zones[index], "2026-03-16");

        assert_string_equal(week.found.text, "2026-03-18 to 2026-03-20 Fair\n");
        assert_int_equal(week.breakdown.all_day_days, 2);
        assert_int_equal(week.breakdown.real, 0);
        found_free(&week.found);
    }
}

/** A meeting to which so many are invited besides the owner, who is not on the list. */
static bool is_large(int invited)
{
    char *inside = talloc_strdup(NULL, "BEGIN:VEVENT\nDTSTART:20260317T090000\nDURATION:PT1H\n");
    struct week week;
    bool result;

    for (int index = 0; index < invited; index++)
        inside = talloc_asprintf_append(inside, "ATTENDEE:mailto:p%d@example.org\n", index);
    inside = talloc_strdup_append(inside, "END:VEVENT\n");
    week = make_week(inside, "Europe/Berlin", "2026-03-16");
    result = week.breakdown.counted[0].is_large;
    found_free(&week.found);
    talloc_free(inside);
    return result;
}

static void a_hundred_is_not_over_a_hundred(void **state)
{
    (void)state;
    assert_false(is_large(99));
    assert_false(is_large(100));
    assert_true(is_large(101));
}

/** Only the UID and the original start together say that two are one. */
static void other_meetings_at_the_same_time_are_others(void **state)
{
    (void)state;
    struct week week =
        make_week(EVENT("a", "UID:1\n" ADA "DTSTART:20260317T090000\nDURATION:PT1H\n")
                      EVENT("b", "UID:2\n" ADA "DTSTART:20260317T090000\nDURATION:PT1H\n")
                          EVENT("s", "UID:3\n" ADA "DTSTART:20260318T090000\nDURATION:PT1H\n"
                                     "RRULE:FREQ=DAILY;COUNT=2\n")
                              EVENT("s", "UID:3\nRECURRENCE-ID:20260319T090000\n" ADA
                                         "DTSTART:20260318T090000\nDURATION:PT1H\n"),
                  "Europe/Berlin", "2026-03-16");

    /* the second day's instance was moved onto the first one's */
    assert_int_equal(week.breakdown.meetings.count, 4);
    assert_int_equal(week.breakdown.meetings.seconds, HOURS(4));
    assert_int_equal(week.breakdown.real, HOURS(2));
    assert_int_equal(week.breakdown.conflict, HOURS(2));
    found_free(&week.found);
}

/** What lies over a weekend and both ends of a month is there once, and whole. */
static void ranges_need_not_be_weeks(void **state)
{
    struct kt_error error;
    struct week week;
    const char *const text =
        "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\n" ADA
        "DTSTART;TZID=Europe/Berlin:20260331T220000\n"
        "DTEND;TZID=Europe/Berlin:20260401T020000\nEND:VEVENT\nEND:VCALENDAR\n";

    (void)state;
    assert_int_equal(found_read(&week.found, text, strlen(text), &test_options, &error), 0);
    found_days(&week.found, "Europe/Berlin", kt_day_from_date(2026, 1, 1), 181);
    break_down(&week);
    assert_int_equal(week.breakdown.day_count, 181);
    assert_int_equal(week.breakdown.meetings.count, 1);
    assert_int_equal(week.breakdown.real, HOURS(4));
    assert_int_equal(week.breakdown.days[89].real, HOURS(2)); /* 31 March is day 90 of the year */
    assert_int_equal(week.breakdown.days[90].real, HOURS(2));
    assert_int_equal(kt_window_end(&week.found.window) - kt_window_start(&week.found.window),
                     HOURS(181 * 24 - 1));
    found_free(&week.found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weeks_in_which_clocks_change_add_up),
        cmocka_unit_test(daily_meetings_stay_at_nine),
        cmocka_unit_test(weeks_may_begin_on_sunday),
        cmocka_unit_test(days_are_the_same_everywhere),
        cmocka_unit_test(a_hundred_is_not_over_a_hundred),
        cmocka_unit_test(other_meetings_at_the_same_time_are_others),
        cmocka_unit_test(ranges_need_not_be_weeks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
