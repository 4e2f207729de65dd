/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: changed, added or excluded instances would be doubled or missed where forms of
 * time mix, or where clocks change. */
#include "calendar_text.h"

#define DAILY "UID:d\nDTSTART;TZID=Europe/Berlin:20260316T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY\n"
#define FLOATING "UID:f\nDTSTART:20260316T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3\n"
#define DAYS "UID:a\nDTSTART;VALUE=DATE:20260316\nRRULE:FREQ=DAILY;COUNT=4\n"

static void a_start_in_a_gap_counts_once(void **state)
{
    (void)state;
    const char *const count = EVENT("Night", "DTSTART;TZID=Europe/Berlin:20260329T023000\n"
                                             "DURATION:PT30M\nRRULE:FREQ=DAILY;COUNT=2\n");

    assert_week(count, "Europe/Berlin", "2026-03-29", "2026-03-29 03:30-04:00 Night\n", 0);
    assert_week(count, "Europe/Berlin", "2026-03-30", "2026-03-30 02:30-03:00 Night\n", 0);
    /* the repetition an hour later is the same moment */
    assert_week(EVENT("Hourly", "DTSTART;TZID=Europe/Berlin:20260329T023000\nDURATION:PT30M\n"
                                "RRULE:FREQ=HOURLY;UNTIL=20260329T023000Z\n"),
                "Europe/Berlin", "2026-03-29",
                "2026-03-29 03:30-04:00 Hourly\n2026-03-29 04:30-05:00 Hourly\n", 0);
}

static void additions_in_an_overlap(void **state)
{
    (void)state;
    /* half past two comes twice: the rule has the first, the addition is the second */
    assert_week(EVENT("Night", "DTSTART;TZID=Europe/Berlin:20261024T023000\nDURATION:PT30M\n"
                               "RRULE:FREQ=DAILY;COUNT=2\nRDATE:20261025T013000Z\n"),
                "UTC", "2026-10-25",
                "2026-10-24 00:30-01:00 Night\n2026-10-25 00:30-01:00 Night\n"
                "2026-10-25 01:30-02:00 Night\n",
                0);
}

static void additions_in_other_forms(void **state)
{
    (void)state;
    /* no rule; another zone; a date has the time of the series; one before the start */
    assert_week(EVENT("R", "UID:r\nDTSTART;TZID=Europe/Berlin:20260317T090000\nDURATION:PT1H\n"
                           "RDATE;TZID=America/New_York:20260318T090000\n"
                           "RDATE;VALUE=DATE:20260319\nRDATE;TZID=Europe/Berlin:20260316T120000\n"),
                "Europe/Berlin", "2026-03-18",
                "2026-03-16 12:00-13:00 R\n2026-03-17 09:00-10:00 R\n2026-03-18 14:00-15:00 R\n"
                "2026-03-19 09:00-10:00 R\n",
                0);
    /* periods in a zone, one of them longer than the week is away */
    assert_week(EVENT("P", "UID:p\nDTSTART;TZID=Europe/Berlin:20260301T090000\nDURATION:PT1H\n"
                           "RDATE;VALUE=PERIOD;TZID=Europe/Berlin:20260317T100000/P1DT1H,"
                           "20260302T080000/20260316T100000\n"),
                "Europe/Berlin", "2026-03-18",
                "2026-03-02 08:00-10:00 P\n2026-03-17 10:00-11:00 P\n", 0);
    assert_week(EVENT("A", "UID:a\nDTSTART;VALUE=DATE:20260316\nRDATE;VALUE=DATE:20260318,"
                           "20260320\nEXDATE;VALUE=DATE:20260320\n"),
                "Europe/Berlin", "2026-03-18",
                "2026-03-16 to 2026-03-17 A\n2026-03-18 to 2026-03-19 A\n", 0);
}

static void exclusions_of_all_that_there_is(void **state)
{
    (void)state;
    /* the start, an addition, and what isn't there */
    assert_week(EVENT("R", "UID:r\nDTSTART:20260316T090000Z\nDURATION:PT1H\n"
                           "RDATE:20260317T090000Z,20260318T090000Z\n"
                           "EXDATE;TZID=Europe/Berlin:20260316T100000\nEXDATE:20260318T090000Z\n"
                           "EXDATE:20260317T090001Z\n"),
                "UTC", "2026-03-18", "2026-03-17 09:00-10:00 R\n", 0);
    assert_week(EVENT("F", FLOATING "EXDATE:20260317T090000\n"), "Asia/Tokyo", "2026-03-18",
                "2026-03-16 09:00-10:00 F\n2026-03-18 09:00-10:00 F\n", 0);
    /* a time excludes the day that it lies in */
    assert_week(EVENT("A", DAYS "EXDATE;VALUE=DATE:20260317\nEXDATE:20260318T000000\n"), "UTC",
                "2026-03-18", "2026-03-16 to 2026-03-17 A\n2026-03-19 to 2026-03-20 A\n", 0);
    /* an instance that was moved stays, even if its old place is excluded too */
    assert_week(EVENT("F", FLOATING "EXDATE:20260317T090000\n")
                    EVENT("M", "UID:f\nRECURRENCE-ID:20260317T090000\nDTSTART:20260317T150000\n"
                               "DURATION:PT1H\n"),
                "UTC", "2026-03-18",
                "2026-03-16 09:00-10:00 F\n2026-03-17 15:00-16:00 M\n2026-03-18 09:00-10:00 F\n",
                0);
}

static void one_instance_changed_twice(void **state)
{
    (void)state;
    /* the same instance, once named in its zone and once in UTC: the newer change is valid */
    assert_week(EVENT("D", DAILY "EXDATE;VALUE=DATE:20260316,20260318,20260319,20260320,20260321,"
                                 "20260322\n")
                    EVENT("Old", "UID:d\nSEQUENCE:1\n"
                                 "RECURRENCE-ID;TZID=Europe/Berlin:20260317T090000\n"
                                 "DTSTART:20260317T120000Z\nDURATION:PT1H\n")
                        EVENT("New", "UID:d\nSEQUENCE:2\nRECURRENCE-ID:20260317T080000Z\n"
                                     "DTSTART:20260317T140000Z\nDURATION:PT1H\n"),
                "UTC", "2026-03-18", "2026-03-17 14:00-15:00 New\n", 0);
}

static void changes_named_by_their_day(void **state)
{
    (void)state;
    assert_week(EVENT("F", FLOATING) EVENT("M", "UID:f\nRECURRENCE-ID;VALUE=DATE:20260317\n"
                                                "DTSTART:20260317T150000\nDURATION:PT1H\n"),
                "UTC", "2026-03-18",
                "2026-03-16 09:00-10:00 F\n2026-03-17 15:00-16:00 M\n2026-03-18 09:00-10:00 F\n",
                0);
    /* a day of an all-day series becomes a meeting, another one is cancelled */
    assert_week(EVENT("A", DAYS) EVENT("M", "UID:a\nRECURRENCE-ID;VALUE=DATE:20260317\n"
                                            "DTSTART:20260317T150000Z\nDURATION:PT1H\n")
                    EVENT("C", "UID:a\nRECURRENCE-ID;VALUE=DATE:20260318\nSTATUS:CANCELLED\n"),
                "UTC", "2026-03-18",
                "2026-03-16 to 2026-03-17 A\n2026-03-17 15:00-16:00 M\n"
                "2026-03-19 to 2026-03-20 A\n",
                0);
    /* an added instance can be moved */
    assert_week(EVENT("R", "UID:r\nDTSTART:20260316T090000Z\nDURATION:PT1H\n"
                           "RDATE:20260318T090000Z\n")
                    EVENT("M", "UID:r\nRECURRENCE-ID:20260318T090000Z\n"
                               "DTSTART:20260319T090000Z\nDURATION:PT1H\n"),
                "UTC", "2026-03-18", "2026-03-16 09:00-10:00 R\n2026-03-19 09:00-10:00 M\n", 0);
}

#define FROM_WEDNESDAY                                                                             \
    EVENT("Late", "UID:d\nRECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20260318T090000\n"  \
                  "DTSTART;TZID=Europe/Berlin:20260318T110000\nDURATION:PT2H\n")

static void several_changes_of_all_that_follows(void **state)
{
    (void)state;
    /* a second change, one instance in the range that has a change of its own, one excluded */
    assert_week(EVENT("D", DAILY "EXDATE;TZID=Europe/Berlin:20260321T090000\n")
                    FROM_WEDNESDAY EVENT(
                        "One", "UID:d\nRECURRENCE-ID;TZID=Europe/Berlin:20260319T090000\n"
                               "DTSTART;TZID=Europe/Berlin:20260319T200000\nDURATION:PT1H\n")
                        EVENT("Last", "UID:d\nRECURRENCE-ID;RANGE=THISANDFUTURE;"
                                      "TZID=Europe/Berlin:20260320T090000\n"
                                      "DTSTART;TZID=Europe/Berlin:20260320T080000\n"
                                      "DURATION:PT1H\n"),
                "Europe/Berlin", "2026-03-18",
                "2026-03-16 09:00-10:00 D\n2026-03-17 09:00-10:00 D\n"
                "2026-03-18 11:00-13:00 Late\n2026-03-19 20:00-21:00 One\n"
                "2026-03-20 08:00-09:00 Last\n2026-03-22 08:00-09:00 Last\n",
                0);
    /* all that follows is cancelled */
    assert_week(
        EVENT("D", DAILY) EVENT("End", "UID:d\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260318T080000Z\n"
                                       "STATUS:CANCELLED\n"),
        "Europe/Berlin", "2026-03-18", "2026-03-16 09:00-10:00 D\n2026-03-17 09:00-10:00 D\n", 0);
}

static void what_follows_keeps_its_new_local_time(void **state)
{
    (void)state;
    /* the clocks change eleven days after the series was moved */
    assert_week(EVENT("D", DAILY "EXDATE;VALUE=DATE:20260330,20260331,20260401,20260402,20260403,"
                                 "20260404\n") FROM_WEDNESDAY,
                "Europe/Berlin", "2026-03-30", "2026-04-05 11:00-13:00 Late\n", 0);
    /* moved by two weeks: what is in this week belongs to the week before last */
    assert_week(EVENT("W", "UID:w\nDTSTART:20260302T090000Z\nDURATION:PT1H\n"
                           "RRULE:FREQ=WEEKLY;COUNT=2\n")
                    EVENT("Far", "UID:w\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260302T090000Z\n"
                                 "DTSTART:20260316T100000Z\nDURATION:PT1H\n"),
                "UTC", "2026-03-25", "2026-03-23 10:00-11:00 Far\n", 0);
    /* days */
    assert_week(EVENT("A", DAYS)
                    EVENT("B", "UID:a\nRECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20260318\n"
                               "DTSTART;VALUE=DATE:20260319\n"),
                "UTC", "2026-03-18",
                "2026-03-16 to 2026-03-17 A\n2026-03-17 to 2026-03-18 A\n"
                "2026-03-19 to 2026-03-20 B\n2026-03-20 to 2026-03-21 B\n",
                0);
}

static void days_become_times_and_times_days(void **state)
{
    (void)state;
    /* on the right day, and at the right time, also after the clocks have changed */
    assert_week(EVENT("D", DAILY) EVENT("Day", "UID:d\nRECURRENCE-ID;RANGE=THISANDFUTURE;"
                                               "TZID=Europe/Berlin:20260318T090000\n"
                                               "DTSTART;VALUE=DATE:20260318\n"),
                "Europe/Berlin", "2026-03-29",
                "2026-03-23 to 2026-03-24 Day\n2026-03-24 to 2026-03-25 Day\n"
                "2026-03-25 to 2026-03-26 Day\n2026-03-26 to 2026-03-27 Day\n"
                "2026-03-27 to 2026-03-28 Day\n2026-03-28 to 2026-03-29 Day\n"
                "2026-03-29 to 2026-03-30 Day\n",
                0);
    assert_week(EVENT("A", "UID:a\nDTSTART;VALUE=DATE:20260322\nRRULE:FREQ=WEEKLY\n")
                    EVENT("At", "UID:a\nRECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20260322\n"
                                "DTSTART;TZID=Europe/Berlin:20260323T090000\nDURATION:PT1H\n"),
                "Europe/Berlin", "2026-03-30", "2026-03-30 09:00-10:00 At\n", 0);
    /* a period added to days is a day */
    assert_week(EVENT("A", "UID:a\nDTSTART;VALUE=DATE:20260316\n"
                           "RDATE;VALUE=PERIOD:20260318T090000Z/PT1H\n"),
                "UTC", "2026-03-18", "2026-03-16 to 2026-03-17 A\n2026-03-18 to 2026-03-19 A\n", 0);
}

static void floating_ends_are_times_on_the_wall(void **state)
{
    (void)state;
    /* over the night in which an hour is missing: DTEND as written, hours of DURATION exact */
    assert_week(EVENT("End", "DTSTART:20260328T220000\nDTEND:20260329T100000\n"), "Europe/Berlin",
                "2026-03-28", "2026-03-28 22:00-10:00 End\n", 0);
    assert_week(EVENT("Exact", "DTSTART:20260328T220000\nDURATION:PT12H\n"), "Europe/Berlin",
                "2026-03-28", "2026-03-28 22:00-11:00 Exact\n", 0);
    assert_week(EVENT("End", "DTSTART:20260321T220000\nDTEND:20260322T100000\n"
                             "RRULE:FREQ=WEEKLY\n"),
                "Europe/Berlin", "2026-03-28", "2026-03-28 22:00-10:00 End\n", 0);
    /* a start in the gap is after an end that is not: it has no length, never a negative one */
    assert_week(EVENT("Gap", "DTSTART:20260329T023000\nDTEND:20260329T030000\n"), "Europe/Berlin",
                "2026-03-29", "2026-03-29 03:30-03:30 Gap\n", 0);
    assert_week(EVENT("Gap", "DTSTART;TZID=Europe/Berlin:20260329T023000\n"
                             "DTEND;TZID=Europe/Berlin:20260329T030000\n"),
                "Europe/Berlin", "2026-03-29", "2026-03-29 03:30-03:30 Gap\n", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_in_a_gap_counts_once),
        cmocka_unit_test(additions_in_an_overlap),
        cmocka_unit_test(additions_in_other_forms),
        cmocka_unit_test(exclusions_of_all_that_there_is),
        cmocka_unit_test(one_instance_changed_twice),
        cmocka_unit_test(changes_named_by_their_day),
        cmocka_unit_test(several_changes_of_all_that_follows),
        cmocka_unit_test(what_follows_keeps_its_new_local_time),
        cmocka_unit_test(days_become_times_and_times_days),
        cmocka_unit_test(floating_ends_are_times_on_the_wall),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
