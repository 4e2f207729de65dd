/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: moved, cancelled or added instances of series would be counted wrongly. */
#include "calendar_text.h"

#define DAILY                                                                                      \
    "UID:daily\nDTSTART;TZID=Europe/Berlin:20260302T090000\n"                                      \
    "DTEND;TZID=Europe/Berlin:20260302T093000\nRRULE:FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR\n"
#define MONDAY "2026-03-16 09:00-09:30 Daily\n"
#define TUESDAY "2026-03-17 09:00-09:30 Daily\n"
#define WEDNESDAY "2026-03-18 09:00-09:30 Daily\n"
#define THURSDAY "2026-03-19 09:00-09:30 Daily\n"
#define FRIDAY "2026-03-20 09:00-09:30 Daily\n"

static void a_series_fills_the_week(void **state)
{
    (void)state;
    assert_week(EVENT("Daily", DAILY), "Europe/Berlin", "2026-03-18",
                MONDAY TUESDAY WEDNESDAY THURSDAY FRIDAY, 0);
    assert_week(EVENT("Daily", DAILY), "Europe/Berlin", "2026-02-18", "", 0);
}

static void exclusions_in_any_form(void **state)
{
    (void)state;
    /* in another zone, in UTC, several in one line, and as a date for the whole day */
    assert_week(EVENT("Daily", DAILY "EXDATE;TZID=America/New_York:20260316T040000\n"
                                     "EXDATE:20260317T080000Z,20260318T080000Z\n"
                                     "EXDATE;VALUE=DATE:20260320\n"),
                "Europe/Berlin", "2026-03-18", THURSDAY, 0);
}

static void a_moved_instance_leaves_its_place(void **state)
{
    (void)state;
    assert_week(EVENT("Daily", DAILY)
                    EVENT("Moved", "UID:daily\nRECURRENCE-ID;TZID=Europe/Berlin:20260317T090000\n"
                                   "DTSTART;TZID=Europe/Berlin:20260317T140000\n"
                                   "DTEND;TZID=Europe/Berlin:20260317T150000\n"),
                "Europe/Berlin", "2026-03-18",
                MONDAY "2026-03-17 14:00-15:00 Moved\n" WEDNESDAY THURSDAY FRIDAY, 0);
}

static void moved_into_and_out_of_the_week(void **state)
{
    (void)state;
    const char *const calendar =
        EVENT("Weekly", "UID:w\nDTSTART:20260302T090000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY\n")
            EVENT("Late", "UID:w\nRECURRENCE-ID:20260316T090000Z\nDTSTART:20260323T120000Z\n"
                          "DURATION:PT1H\n");

    assert_week(calendar, "UTC", "2026-03-18", "", 0);
    assert_week(calendar, "UTC", "2026-03-25",
                "2026-03-23 09:00-10:00 Weekly\n2026-03-23 12:00-13:00 Late\n", 0);
}

static void cancelled_instances_and_series(void **state)
{
    (void)state;
    assert_week(EVENT("Daily", DAILY)
                    EVENT("x", "UID:daily\nRECURRENCE-ID:20260318T080000Z\nSTATUS:CANCELLED\n"),
                "Europe/Berlin", "2026-03-18", MONDAY TUESDAY THURSDAY FRIDAY, 0);
    assert_week(EVENT("Daily", DAILY "STATUS:CANCELLED\n"), "Europe/Berlin", "2026-03-18", "", 0);
}

static void this_and_future(void **state)
{
    (void)state;
    assert_week(EVENT("Daily", DAILY)
                    EVENT("Later", "UID:daily\n"
                                   "RECURRENCE-ID;RANGE=THISANDFUTURE:20260318T080000Z\n"
                                   "DTSTART;TZID=Europe/Berlin:20260318T100000\nDURATION:PT1H\n"),
                "Europe/Berlin", "2026-03-18",
                MONDAY TUESDAY "2026-03-18 10:00-11:00 Later\n2026-03-19 10:00-11:00 Later\n"
                               "2026-03-20 10:00-11:00 Later\n",
                0);
}

static void an_instance_without_its_series(void **state)
{
    (void)state;
    assert_week(EVENT("Alone", "UID:a\nRECURRENCE-ID:20260317T080000Z\n"
                               "DTSTART:20260318T080000Z\nDURATION:PT30M\n"),
                "UTC", "2026-03-18", "2026-03-18 08:00-08:30 Alone\n", 0);
}

static void additional_dates_and_periods(void **state)
{
    (void)state;
    /* the second addition repeats an instance of the rule, the third one another addition */
    assert_week(EVENT("Weekly", "UID:r\nDTSTART:20260316T090000Z\nDURATION:PT1H\n"
                                "RRULE:FREQ=WEEKLY\n"
                                "RDATE:20260317T090000Z,20260323T090000Z,20260317T090000Z\n"
                                "RDATE;VALUE=PERIOD:20260318T090000Z/20260318T120000Z,"
                                "20260319T090000Z/PT15M\n"),
                "UTC", "2026-03-18",
                "2026-03-16 09:00-10:00 Weekly\n2026-03-17 09:00-10:00 Weekly\n"
                "2026-03-18 09:00-12:00 Weekly\n2026-03-19 09:00-09:15 Weekly\n",
                0);
    assert_week(EVENT("Once", "UID:o\nDTSTART:20260316T090000Z\nDURATION:PT1H\n"
                              "RDATE:20260316T090000Z\n"),
                "UTC", "2026-03-18", "2026-03-16 09:00-10:00 Once\n", 0);
}

static void all_day_series(void **state)
{
    (void)state;
    assert_week(EVENT("Trip", "UID:t\nDTSTART;VALUE=DATE:20260306\nDTEND;VALUE=DATE:20260309\n"
                              "RRULE:FREQ=WEEKLY;INTERVAL=2\n"
                              "EXDATE;VALUE=DATE:20260403\n"),
                "America/Los_Angeles", "2026-03-20", "2026-03-20 to 2026-03-23 Trip\n", 0);
    /* one that began on the Friday before ends within the week */
    assert_week(EVENT("Long", "UID:l\nDTSTART;VALUE=DATE:20260313\nDURATION:P5D\n"), "Asia/Tokyo",
                "2026-03-18", "2026-03-13 to 2026-03-18 Long\n", 0);
    assert_week(EVENT("Day", "UID:d\nDTSTART;VALUE=DATE:20260318\n"), "UTC", "2026-03-18",
                "2026-03-18 to 2026-03-19 Day\n", 0);
}

/** DTSTART counts as the first instance, also where a date is added that the rule might yield. */
static void additional_dates_beside_a_counted_rule(void **state)
{
    (void)state;
    const char *const monday = "UID:x\nDTSTART:20260309T100000Z\nDURATION:PT1H\n"
                               "RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=2\n";
    char *with = talloc_asprintf(NULL,
                                 "BEGIN:VEVENT\nSUMMARY:E\n%sRDATE:20260317T100000Z\n"
                                 "END:VEVENT\n",
                                 monday);

    assert_week(with, "UTC", "2026-03-11", "2026-03-09 10:00-11:00 E\n2026-03-10 10:00-11:00 E\n",
                0);
    assert_week(with, "UTC", "2026-03-18", "2026-03-17 10:00-11:00 E\n", 0);
    talloc_free(with);
    /* with one more it is the rule's, and is there once */
    assert_week(EVENT("E", "UID:x\nDTSTART:20260309T100000Z\nDURATION:PT1H\n"
                           "RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=3\nRDATE:20260317T100000Z\n"),
                "UTC", "2026-03-18", "2026-03-17 10:00-11:00 E\n", 0);
}

static void ends_of_series(void **state)
{
    (void)state;
    /* UNTIL is inclusive, in UTC; as a date it means all of that day */
    assert_week(EVENT("A", "UID:a\nDTSTART;TZID=Europe/Berlin:20260316T090000\nDURATION:PT1H\n"
                           "RRULE:FREQ=DAILY;UNTIL=20260317T080000Z\n"),
                "Europe/Berlin", "2026-03-18",
                "2026-03-16 09:00-10:00 A\n2026-03-17 09:00-10:00 A\n", 0);
    assert_week(EVENT("B", "UID:b\nDTSTART;TZID=Europe/Berlin:20260316T090000\nDURATION:PT1H\n"
                           "RRULE:FREQ=DAILY;UNTIL=20260317\n"),
                "Europe/Berlin", "2026-03-18",
                "2026-03-16 09:00-10:00 B\n2026-03-17 09:00-10:00 B\n", 0);
    /* the start counts, even where the rule doesn't yield it: Monday, then two Tuesdays */
    assert_week(EVENT("C", "UID:c\nDTSTART:20260316T090000Z\nDURATION:PT1H\n"
                           "RRULE:FREQ=DAILY;BYDAY=TU,WE,TH;COUNT=3\n"),
                "UTC", "2026-03-18",
                "2026-03-16 09:00-10:00 C\n2026-03-17 09:00-10:00 C\n"
                "2026-03-18 09:00-10:00 C\n",
                0);
}

static void newer_versions_win(void **state)
{
    (void)state;
    assert_week(EVENT("New", "UID:v\nSEQUENCE:2\nDTSTART:20260317T090000Z\nDURATION:PT1H\n")
                    EVENT("Old", "UID:v\nSEQUENCE:1\nDTSTART:20260318T090000Z\nDURATION:PT1H\n"),
                "UTC", "2026-03-18", "2026-03-17 09:00-10:00 New\n", 0);
    assert_week(EVENT("First", "DTSTART:20260317T090000Z\nDURATION:PT1H\n")
                    EVENT("Second", "DTSTART:20260317T090000Z\nDURATION:PT1H\n"),
                "UTC", "2026-03-18",
                "2026-03-17 09:00-10:00 First\n2026-03-17 09:00-10:00 Second\n", 0);
}

static void two_rules_count_once(void **state)
{
    (void)state;
    assert_week(EVENT("Two", "UID:2\nDTSTART:20260316T090000Z\nDURATION:PT1H\n"
                             "RRULE:FREQ=WEEKLY;BYDAY=MO,TU\nRRULE:FREQ=WEEKLY;BYDAY=TU,WE\n"),
                "UTC", "2026-03-18",
                "2026-03-16 09:00-10:00 Two\n2026-03-17 09:00-10:00 Two\n"
                "2026-03-18 09:00-10:00 Two\n",
                0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_series_fills_the_week),
        cmocka_unit_test(exclusions_in_any_form),
        cmocka_unit_test(a_moved_instance_leaves_its_place),
        cmocka_unit_test(moved_into_and_out_of_the_week),
        cmocka_unit_test(cancelled_instances_and_series),
        cmocka_unit_test(this_and_future),
        cmocka_unit_test(an_instance_without_its_series),
        cmocka_unit_test(additional_dates_and_periods),
        cmocka_unit_test(all_day_series),
        cmocka_unit_test(additional_dates_beside_a_counted_rule),
        cmocka_unit_test(ends_of_series),
        cmocka_unit_test(newer_versions_win),
        cmocka_unit_test(two_rules_count_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
