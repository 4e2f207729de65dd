/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: the hours that people are shown would be wrong. One test per rule, and a week. */
#include "calendar_text.h"

#include "calendar/breakdown.h"

#define MINUTES(count) ((int64_t)(count)*60)
#define TO_ADA "ATTENDEE;CN=Ada:mailto:Ada@Example.org\n"
#define TO_BOB "ATTENDEE;CN=Bob:mailto:bob@example.org\n"
#define TO_ME(answer) "ATTENDEE;PARTSTAT=" answer ":mailto:Me@Example.org\n"

/** A week and its breakdown. */
struct week {
    struct found found;
    struct kt_breakdown breakdown;
};

static void break_down(struct week *week)
{
    static const struct kt_breakdown_options options = {.large_over = 100};

    assert_int_equal(kt_breakdown_make(week->found.memory, &week->found.events, &week->found.window,
                                       &options, &week->breakdown),
                     0);
}

/** The week of Monday, 16 March 2026, in Berlin unless another is given. */
static struct week make_week(const char *inside, const char *zone, const char *date)
{
    struct week week = {
        .found = find(inside, zone ? zone : "Europe/Berlin", date ? date : "2026-03-16")};

    break_down(&week);
    return week;
}

static void overlaps_are_summed_united_and_told(void **state)
{
    (void)state;
    /* 9-11, 10-12, 10:30-10:45 and 14-15: sum 5:15, union 4:00, two or more at once 10-11 */
    struct week week =
        make_week(EVENT("a", TO_ADA "DTSTART:20260317T090000\nDTEND:20260317T110000\n")
                      EVENT("b", TO_ADA "DTSTART:20260317T100000\nDTEND:20260317T120000\n")
                          EVENT("c", TO_ADA "DTSTART:20260317T103000\nDTEND:20260317T104500\n")
                              EVENT("d", TO_ADA "DTSTART:20260317T140000\nDTEND:20260317T150000\n"),
                  NULL, NULL);

    assert_int_equal(week.breakdown.meetings.count, 4);
    assert_int_equal(week.breakdown.meetings.seconds, MINUTES(315));
    assert_int_equal(week.breakdown.real, MINUTES(240));
    assert_int_equal(week.breakdown.conflict, MINUTES(60));
    assert_int_equal(week.breakdown.days[1].real, MINUTES(240));
    assert_int_equal(week.breakdown.days[1].conflict, MINUTES(60));
    found_free(&week.found);
}

static void back_to_back_is_no_conflict(void **state)
{
    (void)state;
    struct week week =
        make_week(EVENT("a", TO_ADA "DTSTART:20260317T090000\nDTEND:20260317T100000\n")
                      EVENT("b", TO_ADA "DTSTART:20260317T100000\nDTEND:20260317T110000\n"),
                  NULL, NULL);

    assert_int_equal(week.breakdown.real, MINUTES(120));
    assert_int_equal(week.breakdown.conflict, 0);
    found_free(&week.found);
}

static void edges_of_the_week_clip(void **state)
{
    (void)state;
    /* Sunday 23:00 to Monday 01:00 at both ends: one hour each */
    struct week week = make_week(
        EVENT("in", TO_ADA "DTSTART:20260315T230000\nDTEND:20260316T010000\n")
            EVENT("out", TO_ADA "DTSTART:20260322T230000\nDTEND:20260323T010000\n")
                EVENT("before", TO_ADA "DTSTART:20260315T230000\nDTEND:20260316T000000\n")
                    EVENT("after", TO_ADA "DTSTART:20260323T000000\nDTEND:20260323T010000\n"),
        NULL, NULL);

    assert_int_equal(week.breakdown.meetings.count, 2);
    assert_int_equal(week.breakdown.meetings.seconds, MINUTES(120));
    assert_int_equal(week.breakdown.days[0].real, MINUTES(60));
    assert_int_equal(week.breakdown.days[6].real, MINUTES(60));
    found_free(&week.found);
}

static void nights_are_split_per_day(void **state)
{
    (void)state;
    struct week week = make_week(
        EVENT("night", TO_ADA "DTSTART:20260318T220000\nDTEND:20260319T030000\n"), NULL, NULL);

    assert_int_equal(week.breakdown.days[2].seconds[KT_KIND_ONE_OFF], MINUTES(120));
    assert_int_equal(week.breakdown.days[3].seconds[KT_KIND_ONE_OFF], MINUTES(180));
    assert_int_equal(week.breakdown.meetings.count, 1);
    found_free(&week.found);
}

static void nights_when_clocks_change(void **state)
{
    (void)state;
    const char *const night = EVENT("night", TO_ADA "DTSTART;TZID=Europe/Berlin:20260328T220000\n"
                                                    "DTEND;TZID=Europe/Berlin:20260329T060000\n");
    struct week week = make_week(night, NULL, "2026-03-29");

    /* from 22 to 6 there are seven hours, five of them on a Sunday of 23 */
    assert_int_equal(week.breakdown.meetings.seconds, MINUTES(420));
    assert_int_equal(week.breakdown.days[5].real, MINUTES(120));
    assert_int_equal(week.breakdown.days[6].real, MINUTES(300));
    assert_int_equal(week.breakdown.days[6].length, MINUTES(23 * 60));
    found_free(&week.found);
}

static void all_day_events_are_days(void **state)
{
    (void)state;
    /* Saturday to Tuesday before, Tuesday only, and Friday to the next Monday */
    struct week week =
        make_week(EVENT("a", TO_ADA "DTSTART;VALUE=DATE:20260314\nDTEND;VALUE=DATE:20260318\n")
                      EVENT("b", "DTSTART;VALUE=DATE:20260317\nTRANSP:TRANSPARENT\n")
                          EVENT("c", "DTSTART;VALUE=DATE:20260320\nDTEND;VALUE=DATE:20260324\n"),
                  "Pacific/Auckland", NULL);

    assert_int_equal(week.breakdown.kinds[KT_KIND_ALL_DAY].count, 3);
    assert_int_equal(week.breakdown.kinds[KT_KIND_ALL_DAY].seconds, 0);
    assert_int_equal(week.breakdown.all_day_event_days, 2 + 1 + 3);
    assert_int_equal(week.breakdown.all_day_days, 2 + 3);
    assert_int_equal(week.breakdown.meetings.count, 0);
    assert_int_equal(week.breakdown.people_count, 0);
    found_free(&week.found);
}

static void answers_other_than_yes_are_apart(void **state)
{
    (void)state;
    struct week week = make_week(
        EVENT("no", TO_ADA TO_ME("DECLINED") "DTSTART:20260317T090000\nDURATION:PT1H\n")
            EVENT("maybe", TO_ADA TO_ME("TENTATIVE") "DTSTART:20260317T100000\nDURATION:PT2H\n")
                EVENT("silence",
                      TO_ADA TO_ME("NEEDS-ACTION") "DTSTART:20260317T120000\nDURATION:PT3H\n")
                    EVENT("perhaps",
                          TO_ADA "STATUS:TENTATIVE\nDTSTART:20260317T150000\nDURATION:PT4H\n")
                        EVENT("yes",
                              TO_ADA TO_ME("ACCEPTED") "DTSTART:20260318T090000\nDURATION:PT5H\n")
                            EVENT("mine",
                                  TO_ADA TO_ME(
                                      "NEEDS-ACTION") "ORGANIZER:MAILTO:me@example.org\n"
                                                      "DTSTART:20260319T090000\nDURATION:PT6H\n"),
        NULL, NULL);

    assert_int_equal(week.breakdown.kinds[KT_KIND_DECLINED].count, 1);
    assert_int_equal(week.breakdown.kinds[KT_KIND_DECLINED].seconds, MINUTES(60));
    assert_int_equal(week.breakdown.kinds[KT_KIND_TENTATIVE].count, 2);
    assert_int_equal(week.breakdown.kinds[KT_KIND_TENTATIVE].seconds, MINUTES(360));
    assert_int_equal(week.breakdown.kinds[KT_KIND_UNANSWERED].seconds, MINUTES(180));
    assert_int_equal(week.breakdown.meetings.seconds, MINUTES(660));
    assert_int_equal(week.breakdown.people[0].seconds, MINUTES(660));
    found_free(&week.found);
}

static void time_alone_is_no_meeting(void **state)
{
    (void)state;
    struct week week = make_week(
        EVENT("alone", "DTSTART:20260317T090000\nDURATION:PT1H\n")
            EVENT("only me", TO_ME("ACCEPTED") "ORGANIZER:mailto:me@example.org\n"
                                               "DTSTART:20260317T100000\nDURATION:PT1H\n")
                EVENT("me and a room",
                      TO_ME("ACCEPTED") "ATTENDEE;CUTYPE=ROOM:mailto:room@example.org\n"
                                        "DTSTART:20260317T110000\nDURATION:PT1H\n")
                    EVENT("she declined",
                          TO_ME("ACCEPTED") "ATTENDEE;PARTSTAT=DECLINED:mailto:a@example.org\n"
                                            "DTSTART:20260317T120000\nDURATION:PT1H\n")
                        EVENT("Focus time", "DTSTART:20260318T090000\nDURATION:PT2H\n") EVENT(
                            "writing",
                            "CATEGORIES:Work,Focus time\nDTSTART:20260318T120000\nDURATION:PT2H\n"),
        NULL, NULL);

    assert_int_equal(week.breakdown.kinds[KT_KIND_OWN].count, 4);
    assert_int_equal(week.breakdown.kinds[KT_KIND_OWN].seconds, MINUTES(240));
    assert_int_equal(week.breakdown.kinds[KT_KIND_FOCUS].count, 2);
    assert_int_equal(week.breakdown.kinds[KT_KIND_FOCUS].seconds, MINUTES(240));
    assert_int_equal(week.breakdown.meetings.count, 0);
    assert_int_equal(week.breakdown.real, 0);
    found_free(&week.found);
}

static void what_is_no_meeting(void **state)
{
    (void)state;
    struct week week = make_week(
        EVENT("free", TO_ADA "TRANSP:TRANSPARENT\nDTSTART:20260317T090000\nDURATION:PT1H\n")
            EVENT("away", TO_ADA "X-MICROSOFT-CDO-BUSYSTATUS:OOF\n"
                                 "DTSTART:20260317T100000\nDURATION:PT1H\n")
                EVENT("home", "X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE\n"
                              "DTSTART:20260317T100000\nDURATION:PT1H\n")
                    EVENT("cake", "CATEGORIES:Birthday\nDTSTART;VALUE=DATE:20260317\n"),
        NULL, NULL);

    assert_int_equal(week.breakdown.kinds[KT_KIND_FREE].count, 1);
    assert_int_equal(week.breakdown.kinds[KT_KIND_OUT_OF_OFFICE].count, 1);
    assert_int_equal(week.breakdown.kinds[KT_KIND_OTHER].count, 2);
    assert_int_equal(week.breakdown.kinds[KT_KIND_ALL_DAY].count, 0);
    assert_int_equal(week.breakdown.meetings.count, 0);
    found_free(&week.found);
}

static void people_are_ranked(void **state)
{
    (void)state;
    /* Ada: 60 + 30 (her address in another case); Bob, who only organises: 60; no room, not me */
    struct week week = make_week(
        EVENT("a", TO_ADA TO_ME("ACCEPTED") "ORGANIZER;CN=Bob:mailto:BOB@example.org\n"
                                            "ATTENDEE;CUTYPE=RESOURCE:mailto:beamer@example.org\n"
                                            "DTSTART:20260317T090000\nDURATION:PT1H\n")
            EVENT("b", "ATTENDEE:mailto:ADA@EXAMPLE.ORG\nATTENDEE:mailto:ada@example.org\n"
                       "DTSTART:20260318T090000\nDURATION:PT30M\n"),
        NULL, NULL);

    assert_int_equal(week.breakdown.people_count, 2);
    assert_string_equal(week.breakdown.people[0].person->address, "ada@example.org");
    assert_string_equal(week.breakdown.people[0].person->name, "Ada");
    assert_int_equal(week.breakdown.people[0].seconds, MINUTES(90));
    assert_int_equal(week.breakdown.people[0].meetings, 2);
    assert_string_equal(week.breakdown.people[1].person->address, "bob@example.org");
    assert_int_equal(week.breakdown.people[1].seconds, MINUTES(60));
    found_free(&week.found);
}

static void meetings_of_over_a_hundred_are_marked(void **state)
{
    (void)state;
    char *inside = talloc_strdup(NULL, "BEGIN:VEVENT\nDTSTART:20260317T090000\nDURATION:PT1H\n");
    struct week week;

    for (int index = 0; index < 101; index++)
        inside = talloc_asprintf_append(inside, "ATTENDEE:mailto:p%d@example.org\n", index);
    inside = talloc_strdup_append(inside, "END:VEVENT\n");
    week = make_week(inside, NULL, NULL);
    assert_int_equal(week.breakdown.large_meetings, 1);
    assert_true(week.breakdown.counted[0].is_large);
    assert_int_equal(week.breakdown.people_count, 101);
    found_free(&week.found);
    talloc_free(inside);
}

static void an_instance_of_two_calendars_counts_once(void **state)
{
    (void)state;
    struct week week = make_week(EVENT("a", "UID:same\n" TO_ADA "DTSTART:20260317T090000\n"
                                            "DURATION:PT1H\n"),
                                 NULL, NULL);
    struct kt_event twice[2] = {week.found.events.items[0], week.found.events.items[0]};
    struct kt_details details = *twice[0].details;

    twice[1].details = &details; /* as another source would have it */
    week.found.events = (struct kt_events){twice, 2};
    break_down(&week);
    assert_int_equal(week.breakdown.meetings.count, 1);
    assert_int_equal(week.breakdown.meetings.seconds, MINUTES(60));
    found_free(&week.found);
}

/** A file of tests/data as a week. */
static struct week read_file(const char *name, const char *zone, const char *date)
{
    struct week week;
    char path[512], text[65536];
    struct kt_error error;
    size_t size;
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", TEST_DATA, name);
    file = fopen(path, "rb");
    assert_non_null(file);
    size = fread(text, 1, sizeof(text), file);
    fclose(file);
    assert_int_equal(found_read(&week.found, text, size, &test_options, &error), 0);
    found_week(&week.found, zone, date);
    break_down(&week);
    return week;
}

/*
 * The week of 26 October 2026 minus one: Berlin's clocks go back on Sunday the 25th, 169 hours.
 *
 *   Mon 19  09:00-09:30 stand-up (series)                                  30 recurring
 *           09:15-10:15 review                                             60 one-off, 15 in
 * conflict Tue 20  stand-up excluded; 13:00-14:00 pitch, declined Wed 21  stand-up moved to
 * 11:00-11:45                                  45 recurring 14:00-16:00 focus time; 17:00-17:30
 * alone Thu 22  09:00-09:30 stand-up                                           30 recurring
 *           23:00-02:00 release                              60 on Thu, 120 on Fri, one-off
 *   Fri 23  09:00-09:30 stand-up                                           30 recurring
 *   Fri-Sun conference, all day: 3 days
 *   Sun 25  01:30-03:30, over the change of clocks                        180 one-off
 *   Sun 25  23:00-01:00, half of it in the next week                       60 one-off
 *
 * One-off 60 + 180 + 180 + 60 = 480, recurring 135, sum 615, union 600, conflict 15.
 * Ada: stand-ups 135 + review 60 + release 180 = 375 in 6; Bob: release, change of clocks, late:
 * 180 + 180 + 60 = 420 in 3.
 */
static void a_week_with_everything(void **state)
{
    (void)state;
    struct week week = read_file("week.ics", "Europe/Berlin", "2026-10-21");
    const struct kt_breakdown *breakdown = &week.breakdown;

    assert_int_equal(kt_window_end(&week.found.window) - kt_window_start(&week.found.window),
                     169 * 3600);
    assert_int_equal(week.found.warnings.count, 0);
    assert_int_equal(breakdown->kinds[KT_KIND_ONE_OFF].count, 4);
    assert_int_equal(breakdown->kinds[KT_KIND_ONE_OFF].seconds, MINUTES(480));
    assert_int_equal(breakdown->kinds[KT_KIND_RECURRING].count, 4);
    assert_int_equal(breakdown->kinds[KT_KIND_RECURRING].seconds, MINUTES(135));
    assert_int_equal(breakdown->meetings.seconds, MINUTES(615));
    assert_int_equal(breakdown->real, MINUTES(600));
    assert_int_equal(breakdown->conflict, MINUTES(15));
    assert_int_equal(breakdown->kinds[KT_KIND_DECLINED].seconds, MINUTES(60));
    assert_int_equal(breakdown->kinds[KT_KIND_FOCUS].seconds, MINUTES(120));
    assert_int_equal(breakdown->kinds[KT_KIND_OWN].seconds, MINUTES(30));
    assert_int_equal(breakdown->all_day_days, 3);
    assert_int_equal(breakdown->days[3].real, MINUTES(90));
    assert_int_equal(breakdown->days[4].real, MINUTES(150));
    assert_int_equal(breakdown->days[6].real, MINUTES(240));
    assert_int_equal(breakdown->days[6].length, MINUTES(25 * 60));
    assert_int_equal(breakdown->people_count, 2);
    assert_string_equal(breakdown->people[0].person->name, "Bob");
    assert_int_equal(breakdown->people[0].seconds, MINUTES(420));
    assert_int_equal(breakdown->people[0].meetings, 3);
    assert_int_equal(breakdown->people[1].seconds, MINUTES(375));
    assert_int_equal(breakdown->people[1].meetings, 6);
    found_free(&week.found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overlaps_are_summed_united_and_told),
        cmocka_unit_test(back_to_back_is_no_conflict),
        cmocka_unit_test(edges_of_the_week_clip),
        cmocka_unit_test(nights_are_split_per_day),
        cmocka_unit_test(nights_when_clocks_change),
        cmocka_unit_test(all_day_events_are_days),
        cmocka_unit_test(answers_other_than_yes_are_apart),
        cmocka_unit_test(time_alone_is_no_meeting),
        cmocka_unit_test(what_is_no_meeting),
        cmocka_unit_test(people_are_ranked),
        cmocka_unit_test(meetings_of_over_a_hundred_are_marked),
        cmocka_unit_test(an_instance_of_two_calendars_counts_once),
        cmocka_unit_test(a_week_with_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
