/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * If this failed: people would be told the wrong hours of their days, free time that they don't
 * have, or the wrong colleagues. One test per rule, changes of clocks in five zones, and a week.
 */
#include "calendar_text.h"

#include "calendar/breakdown.h"
#include "calendar/compare.h"

#define MINUTES(count) ((int64_t)(count)*60)
#define ADA "ATTENDEE;CN=Ada:mailto:ada@example.org\n"
#define BOB "ATTENDEE;CN=Bob:mailto:bob@example.org\n"
#define ME "ATTENDEE;PARTSTAT=ACCEPTED:mailto:me@example.org\n"

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

/** The local time of an instant on its day, in minutes. */
static int minute_of_day(const struct week *week, int64_t instant)
{
    int64_t local = kt_zone_to_local(week->found.zone, instant);

    return (int)((local - (int64_t)kt_local_day(local) * KT_DAY_SECONDS) / 60);
}

static void meetings_have_a_size(void **state)
{
    (void)state;
    /* Bob declined, so that the second one is one-to-one; a room is nobody */
    struct week week =
        make_week(EVENT("two", ADA ME "DTSTART:20260317T090000\nDURATION:PT30M\n")
                      EVENT("left", ADA ME "ATTENDEE;PARTSTAT=DECLINED:mailto:bob@example.org\n"
                                           "ATTENDEE;CUTYPE=ROOM:mailto:room@example.org\n"
                                           "DTSTART:20260317T100000\nDURATION:PT1H\n")
                          EVENT("three", ADA BOB ME "DTSTART:20260317T110000\nDURATION:PT2H\n"),
                  "Europe/Berlin", "2026-03-16");

    assert_int_equal(week.breakdown.sizes[KT_SIZE_ONE_TO_ONE].count, 2);
    assert_int_equal(week.breakdown.sizes[KT_SIZE_ONE_TO_ONE].seconds, MINUTES(90));
    assert_int_equal(week.breakdown.sizes[KT_SIZE_GROUP].count, 1);
    assert_int_equal(week.breakdown.sizes[KT_SIZE_GROUP].seconds, MINUTES(120));
    assert_int_equal(week.breakdown.sizes[KT_SIZE_LARGE].count, 0);
    found_free(&week.found);
}

static void free_time_is_whole_or_fragmented(void **state)
{
    (void)state;
    /* Tuesday: 9-11 free (just long enough), 11-12, 12-13:30 free (too short), 13:30-14:30 away,
     * 14:30-17 free; own time takes nothing. The other four days are free as a whole. */
    struct week week = make_week(EVENT("a", ADA "DTSTART:20260317T110000\nDURATION:PT1H\n")
                                     EVENT("away", ADA "X-MICROSOFT-CDO-BUSYSTATUS:OOF\n"
                                                       "DTSTART:20260317T133000\nDURATION:PT1H\n")
                                         EVENT("own", "DTSTART:20260317T150000\nDURATION:PT1H\n"),
                                 "Europe/Berlin", "2026-03-16");
    const struct kt_breakdown_day *day = &week.breakdown.days[1];

    assert_int_equal(day->working, MINUTES(480));
    assert_int_equal(day->focusable.count, 2);
    assert_int_equal(day->focusable.seconds, MINUTES(120 + 150));
    assert_int_equal(day->fragmented.count, 1);
    assert_int_equal(day->fragmented.seconds, MINUTES(90));
    assert_int_equal(minute_of_day(&week, day->longest.start), 14 * 60 + 30);
    assert_int_equal(minute_of_day(&week, day->longest.end), 17 * 60);
    assert_int_equal(week.breakdown.working, MINUTES(5 * 480));
    assert_int_equal(week.breakdown.focusable.seconds, MINUTES(4 * 480 + 270));
    assert_int_equal(week.breakdown.longest.end - week.breakdown.longest.start, MINUTES(480));
    assert_int_equal(week.breakdown.days[5].working, 0);
    found_free(&week.found);
}

static void what_lies_outside_of_working_hours_is_told(void **state)
{
    (void)state;
    /* Tuesday 8-10: one hour; 16:30-17:30 and 17:00-18:00 overlap: one hour; Saturday: two hours */
    struct week week =
        make_week(EVENT("early", ADA "DTSTART:20260317T080000\nDURATION:PT2H\n")
                      EVENT("late", ADA "DTSTART:20260317T163000\nDURATION:PT1H\n")
                          EVENT("later", ADA "DTSTART:20260317T170000\nDURATION:PT1H\n")
                              EVENT("weekend", ADA "DTSTART:20260321T100000\nDURATION:PT2H\n"),
                  "Europe/Berlin", "2026-03-16");

    assert_int_equal(week.breakdown.days[1].after_hours, MINUTES(120));
    assert_int_equal(week.breakdown.days[5].after_hours, MINUTES(120));
    assert_int_equal(week.breakdown.after_hours, MINUTES(240));
    found_free(&week.found);
}

static void days_out_of_office_are_no_working_days(void **state)
{
    (void)state;
    struct week week =
        make_week(EVENT("holiday", "X-MICROSOFT-CDO-BUSYSTATUS:OOF\nDTSTART;VALUE=DATE:20260317\n"
                                   "DTEND;VALUE=DATE:20260319\n")
                      EVENT("call", ADA "DTSTART:20260317T100000\nDURATION:PT1H\n"),
                  "Europe/Berlin", "2026-03-16");

    assert_int_equal(week.breakdown.working, MINUTES(3 * 480));
    assert_int_equal(week.breakdown.days[1].working, 0);
    assert_int_equal(week.breakdown.days[1].after_hours, MINUTES(60));
    assert_int_equal(week.breakdown.days[1].longest.end, 0);
    found_free(&week.found);
}

static void conflicts_are_those_of_two_or_more(void **state)
{
    (void)state;
    /* 9-12 holds 9:30-10 and 11-11:30; 11:15-13 meets both: 30 + 11:00-12:00 = 90 minutes */
    struct week week =
        make_week(EVENT("long", ADA "DTSTART:20260317T090000\nDURATION:PT3H\n")
                      EVENT("a", ADA "DTSTART:20260317T093000\nDURATION:PT30M\n")
                          EVENT("b", ADA "DTSTART:20260317T110000\nDURATION:PT30M\n")
                              EVENT("c", ADA "DTSTART:20260317T111500\nDURATION:PT1H45M\n"),
                  "Europe/Berlin", "2026-03-16");

    assert_int_equal(week.breakdown.real, MINUTES(240));
    assert_int_equal(week.breakdown.conflict, MINUTES(90));
    found_free(&week.found);
}

/**
 * From Sunday 00:00 on, or from the first moment that there is, until 05:00, when clocks change:
 * how long that is, and how much of it lies in the hour that is missing or comes twice.
 */
static void clocks_change(const char *zone, const char *sunday, int hour, int in_hour, int hours)
{
    struct week week;
    char *inside = talloc_asprintf(
        NULL, "BEGIN:VEVENT\n" ADA "DTSTART:%sT000000\nDTEND:%sT050000\nEND:VEVENT\n", sunday,
        sunday);
    char date[16];

    snprintf(date, sizeof(date), "%.4s-%.2s-%.2s", sunday, sunday + 4, sunday + 6);
    week = make_week(inside, zone, date);
    assert_int_equal(week.breakdown.days[6].hours[hour], MINUTES(in_hour));
    assert_int_equal(week.breakdown.days[6].hours[4], MINUTES(60));
    assert_int_equal(week.breakdown.days[6].hours[5], 0);
    assert_int_equal(week.breakdown.real, MINUTES(hours));
    assert_int_equal(week.breakdown.days[6].length, MINUTES(24 * 60 - 5 * 60 + hours));
    talloc_free(inside);
    found_free(&week.found);
}

static void hours_of_the_day_follow_the_clock_on_the_wall(void **state)
{
    (void)state;
    clocks_change("Europe/Berlin", "20260329", 2, 0, 240);   /* 02 is missing */
    clocks_change("Europe/Berlin", "20261025", 2, 120, 360); /* 02 comes twice */
    clocks_change("America/New_York", "20260308", 2, 0, 240);
    clocks_change("America/New_York", "20261101", 1, 120, 360);
    clocks_change("Australia/Lord_Howe", "20260405", 1, 90, 330); /* 01:30 comes twice */
    clocks_change("Australia/Lord_Howe", "20261004", 2, 30, 270); /* 02:00-02:30 is missing */
    clocks_change("Pacific/Auckland", "20260405", 2, 120, 360);
    clocks_change("Pacific/Auckland", "20260927", 2, 0, 240);
    clocks_change("America/Sao_Paulo", "20181104", 0, 0, 240); /* midnight is missing */
}

static void people_have_shares(void **state)
{
    (void)state;
    struct week week =
        make_week(EVENT("group", ADA BOB ME "ORGANIZER:mailto:BOB@example.org\n"
                                            "DTSTART:20260317T090000\nDURATION:PT1H\n")
                      EVENT("two", ADA ME "ORGANIZER:mailto:me@example.org\n"
                                          "DTSTART:20260316T100000\nDURATION:PT30M\n"),
                  "Europe/Berlin", "2026-03-16");
    const struct kt_person_sum *ada = &week.breakdown.people[0], *bob = &week.breakdown.people[1];

    assert_string_equal(ada->person->name, "Ada");
    assert_int_equal(ada->seconds, MINUTES(90));
    assert_int_equal(ada->one_to_one.count, 1);
    assert_int_equal(ada->one_to_one.seconds, MINUTES(30));
    assert_int_equal(ada->organised, 0);
    assert_int_equal(minute_of_day(&week, ada->first), 10 * 60);
    assert_int_equal(bob->one_to_one.count, 0);
    assert_int_equal(bob->organised, 1);
    assert_int_equal(week.breakdown.organised.count, 1);
    assert_int_equal(week.breakdown.organised.seconds, MINUTES(30));
    found_free(&week.found);
}

static void series_are_ranked_by_what_they_cost(void **state)
{
    (void)state;
    /* Daily: 5 × 30 minutes of two people, 300; weekly: 2 hours of three, 360; one instance of the
     * daily one was renamed and belongs to it. */
    struct week week = make_week(
        EVENT("daily", "UID:d\n" ADA "DTSTART:20260316T090000\nDURATION:PT30M\n"
                       "RRULE:FREQ=DAILY;COUNT=5\n")
            EVENT("renamed", "UID:d\nRECURRENCE-ID:20260317T090000\n" ADA
                             "DTSTART:20260317T093000\nDURATION:PT30M\n")
                EVENT("weekly", "UID:w\n" ADA BOB "DTSTART:20260316T130000\nDURATION:PT2H\n"
                                "RRULE:FREQ=WEEKLY\n")
                    EVENT("once", "UID:o\n" ADA "DTSTART:20260318T130000\nDURATION:PT8H\n"),
        "Europe/Berlin", "2026-03-16");

    assert_int_equal(week.breakdown.series_count, 2);
    assert_string_equal(week.breakdown.series[0].details->summary, "weekly");
    assert_int_equal(week.breakdown.series[0].cost, MINUTES(360));
    assert_string_equal(week.breakdown.series[1].details->summary, "daily");
    assert_int_equal(week.breakdown.series[1].sum.count, 5);
    assert_int_equal(week.breakdown.series[1].sum.seconds, MINUTES(150));
    assert_int_equal(week.breakdown.series[1].cost, MINUTES(300));
    found_free(&week.found);
}

static void weeks_are_compared(void **state)
{
    (void)state;
    /* Ada weekly, one hour, from two weeks before on; Bob new this week, another hour */
    const char *const inside =
        EVENT("weekly", ADA "DTSTART:20260302T100000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY\n")
            EVENT("new", BOB "DTSTART:20260317T180000\nDURATION:PT1H\n");
    static const char *const dates[KT_COMPARED_WEEKS] = {"2026-03-09", "2026-03-02", "2026-02-23",
                                                         "2026-02-16"};
    struct week now = make_week(inside, "Europe/Berlin", "2026-03-16"), before[KT_COMPARED_WEEKS];
    struct kt_breakdown earlier[KT_COMPARED_WEEKS];
    struct kt_comparison comparison;

    for (int week = 0; week < KT_COMPARED_WEEKS; week++) {
        before[week] = make_week(inside, "Europe/Berlin", dates[week]);
        earlier[week] = before[week].breakdown;
    }
    assert_int_equal(
        kt_compare(now.found.memory, &now.breakdown, earlier, KT_COMPARED_WEEKS, &comparison), 0);
    assert_int_equal(comparison.real.now, MINUTES(120));
    assert_int_equal(comparison.real.last, MINUTES(60));
    assert_int_equal(comparison.real.mean, MINUTES(30));
    assert_int_equal(comparison.after_hours.now, MINUTES(60));
    assert_int_equal(comparison.after_hours.last, 0);
    assert_int_equal(comparison.new_people_count, 1);
    assert_string_equal(comparison.new_people[0]->person->name, "Bob");
    assert_int_equal(kt_compare(now.found.memory, &now.breakdown, NULL, 0, &comparison), 0);
    assert_int_equal(comparison.new_people_count, 0);
    assert_int_equal(comparison.real.mean, 0);
    for (int week = 0; week < KT_COMPARED_WEEKS; week++)
        found_free(&before[week].found);
    found_free(&now.found);
}

/*
 * The week of calendar_breakdown.c's last test again (tests/data/week.ics; Berlin, 169 hours).
 * Working hours are 5 × 480 = 2400 minutes:
 *
 *   Mon  09:00-10:15 taken, 405 free        Thu  09:00-09:30 taken, 450 free; 23-24 after hours
 *   Tue  480 free                           Fri  09:00-09:30 taken, 450 free; 00-02 after hours
 *   Wed  120 free, 11:00-11:45, 315 free    Sun  01:30-03:30 (180) and 23-24: after hours
 *
 * Free 405 + 480 + 120 + 315 + 450 + 450 = 2220 in six stretches, none shorter than two hours.
 * After hours 60 + 120 + 180 + 60 = 420, at work 180, together the union of 600.
 * By hour: 0: 60; 1: 60 + 30; 2: 120 (twice); 3: 30; 9: 60 + 30 + 30; 10: 15; 11: 45; 23: 120.
 * One-to-one: all but the release of 180 with Ada and Bob. The series: 135 minutes of two people.
 */
static void a_week_with_everything(void **state)
{
    (void)state;
    static const int by_hour[KT_HOURS_OF_DAY] = {
        [0] = 60, [1] = 90, [2] = 120, [3] = 30, [9] = 120, [10] = 15, [11] = 45, [23] = 120};
    static char text[65536];
    struct kt_error error;
    struct week week;
    const struct kt_breakdown *breakdown = &week.breakdown;
    FILE *file = fopen(TEST_DATA "/week.ics", "rb");
    size_t size;

    assert_non_null(file);
    size = fread(text, 1, sizeof(text), file);
    fclose(file);
    assert_int_equal(found_read(&week.found, text, size, &test_options, &error), 0);
    found_week(&week.found, "Europe/Berlin", "2026-10-21");
    break_down(&week);
    assert_int_equal(breakdown->working, MINUTES(2400));
    assert_int_equal(breakdown->focusable.count, 6);
    assert_int_equal(breakdown->focusable.seconds, MINUTES(2220));
    assert_int_equal(breakdown->fragmented.count, 0);
    assert_int_equal(breakdown->after_hours, MINUTES(420));
    assert_int_equal(breakdown->longest.start, breakdown->days[1].longest.start);
    for (int hour = 0; hour < KT_HOURS_OF_DAY; hour++)
        assert_int_equal(breakdown->hours[hour], MINUTES(by_hour[hour]));
    assert_int_equal(breakdown->sizes[KT_SIZE_ONE_TO_ONE].seconds, MINUTES(435));
    assert_int_equal(breakdown->sizes[KT_SIZE_GROUP].count, 1);
    assert_int_equal(breakdown->series_count, 1);
    assert_int_equal(breakdown->series[0].cost, MINUTES(270));
    found_free(&week.found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(meetings_have_a_size),
        cmocka_unit_test(free_time_is_whole_or_fragmented),
        cmocka_unit_test(what_lies_outside_of_working_hours_is_told),
        cmocka_unit_test(days_out_of_office_are_no_working_days),
        cmocka_unit_test(conflicts_are_those_of_two_or_more),
        cmocka_unit_test(hours_of_the_day_follow_the_clock_on_the_wall),
        cmocka_unit_test(people_have_shares),
        cmocka_unit_test(series_are_ranked_by_what_they_cost),
        cmocka_unit_test(weeks_are_compared),
        cmocka_unit_test(a_week_with_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
