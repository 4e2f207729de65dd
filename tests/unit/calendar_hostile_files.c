/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: a broken or malicious calendar could stop the server or be shown as an empty
 * week. */
#include "calendar_text.h"

#include "calendar/ics_lines.h"

#include <errno.h>

/** Read a whole text. @return what the reader says; the error's text must then say something */
static int read_text(struct found *found, const char *text, size_t size)
{
    struct kt_error error = {0, ""};
    int result = found_read(found, text, size, &test_options, &error);

    assert_true(result == 0 || strlen(error.text) > 10);
    return result;
}

static int read_once(const char *text)
{
    struct found found;
    int result = read_text(&found, text, strlen(text));

    found_free(&found);
    return result;
}

static void what_is_no_calendar(void **state)
{
    (void)state;
    assert_int_equal(read_once(""), -EBADMSG);
    assert_int_equal(read_once("\r\n\r\n"), -EBADMSG);
    assert_int_equal(read_once("<!DOCTYPE html><title>Sign in</title>"), -EBADMSG);
    assert_int_equal(read_once("BEGIN:VCARD\nEND:VCARD\n"), -EBADMSG);
    assert_int_equal(read_once("\xef\xbb\xbf\r\nbegin:vcalendar\r\nEND:VCALENDAR\r\n"), 0);
    assert_int_equal(read_once("BEGIN:VCALENDAR\nEND:VCALENDAR"), 0);
}

static void a_truncated_file_is_told(void **state)
{
    (void)state;
    const char *const text = "BEGIN:VCALENDAR\n" EVENT(
        "Whole", "DTSTART:20260317T090000Z\nDURATION:PT1H\n") "BEGIN:VEVENT\nSUMMARY:Half\nDTSTART:"
                                                              "20260318T09";
    struct found found;

    assert_int_equal(read_text(&found, text, strlen(text)), 0);
    found_week(&found, "UTC", "2026-03-18");
    assert_string_equal(found.text, "2026-03-17 09:00-10:00 Whole\n");
    assert_int_equal(found.warnings.count, 1);
    found_free(&found);
}

static void deep_nesting_is_only_counted(void **state)
{
    (void)state;
    enum { DEPTH = 300000 };
    char *text = talloc_strdup(NULL, "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Deep\n"
                                     "DTSTART:20260317T090000Z\nDURATION:PT1H\n");
    char *nested = talloc_array(NULL, char, DEPTH * 13 + 1);
    struct found found;

    for (int index = 0; index < DEPTH; index++)
        memcpy(nested + index * 13, "BEGIN:VALARM\n", 13);
    nested[DEPTH * 13] = '\0';
    text = talloc_strdup_append(text, nested);
    for (int index = 0; index < DEPTH; index++)
        memcpy(nested + index * 13, "END:VALARM \n\n", 13);
    text = talloc_strdup_append(text, nested);
    text = talloc_strdup_append(text, "END:VEVENT\nEND:VCALENDAR\n");
    assert_int_equal(read_text(&found, text, strlen(text)), 0);
    found_week(&found, "UTC", "2026-03-18");
    assert_string_equal(found.text, "2026-03-17 09:00-10:00 Deep\n");
    found_free(&found);
    talloc_free(nested);
    talloc_free(text);
}

static void endless_rules_are_cut(void **state)
{
    (void)state;
    /* more instances in the week than are shown */
    struct found found =
        find(EVENT("Tick", "DTSTART:20200101T000000Z\nRRULE:FREQ=SECONDLY\n"), "UTC", "2026-03-18");

    assert_int_equal(found.events.count, INSTANCES_MAX);
    assert_int_equal(found.warnings.count, 1);
    found_free(&found);
    /* with a COUNT everything before the week has to be counted: the budget ends it */
    found = find(EVENT("Tick", "DTSTART:20200101T000000Z\n"
                               "RRULE:FREQ=SECONDLY;COUNT=999999999\n"),
                 "UTC", "2026-03-18");
    assert_int_equal(found.events.count, 0);
    assert_int_equal(found.warnings.count, 1);
    found_free(&found);
    /* days that never come, looked for in every second of the week and in every year */
    assert_week(EVENT("Never", "DTSTART:20200101T000000Z\n"
                               "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30\n"),
                "UTC", "2026-03-18", "", 0);
    assert_week(EVENT("Never", "DTSTART:20200101T000000Z\n"
                               "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=5\n"),
                "UTC", "2026-03-18", "", 0);
}

static void huge_sets_need_no_memory(void **state)
{
    (void)state;
    char hours[256] = "0", minutes[512] = "0";

    for (int index = 1; index < 24; index++)
        snprintf(hours + strlen(hours), sizeof(hours) - strlen(hours), ",%d", index);
    for (int index = 1; index < 60; index++)
        snprintf(minutes + strlen(minutes), sizeof(minutes) - strlen(minutes), ",%d", index);
    char *inside = talloc_asprintf(NULL,
                                   "BEGIN:VEVENT\nSUMMARY:All\nDTSTART:20200101T000000Z\n"
                                   "RRULE:FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR=%s;"
                                   "BYMINUTE=%s;BYSECOND=%s\nEND:VEVENT\n",
                                   hours, minutes, minutes);
    struct found found = find(inside, "UTC", "2026-03-18");

    assert_int_equal(found.events.count, INSTANCES_MAX);
    found_free(&found);
    talloc_free(inside);
}

static void thousands_of_additions_are_bounded(void **state)
{
    (void)state;
    enum { ADDITIONS = 15000 };
    char *inside = talloc_strdup(NULL, "BEGIN:VEVENT\nSUMMARY:Often\nDTSTART:20260317T090000Z\n");
    struct found found;

    for (int index = 0; index < ADDITIONS; index++)
        inside = talloc_asprintf_append_buffer(inside, "RDATE:202603%02dT%02d%02d%02dZ\n",
                                               16 + index % 7, index / 7 % 24, index / 168 % 60,
                                               index / 10080);
    inside = talloc_strdup_append(inside, "END:VEVENT\n");
    found = find(inside, "UTC", "2026-03-18");
    assert_int_equal(found.events.count, INSTANCES_MAX);
    assert_int_equal(found.warnings.count, 2); /* more than are read, more than are shown */
    assert_int_equal(found.calendar.entries[0].addition_count, KT_ICS_DATES_MAX);
    found_free(&found);
    talloc_free(inside);
}

static void gigantic_lines_are_cut(void **state)
{
    (void)state;
    enum { SIZE = 5000000 };
    char *filling = talloc_array(NULL, char, SIZE + 1);
    char *inside;
    struct found found;

    memset(filling, 'x', SIZE);
    filling[SIZE] = '\0';
    inside = talloc_asprintf(NULL,
                             "BEGIN:VEVENT\nSUMMARY:%s\nDTSTART:20260317T090000Z\n"
                             "DESCRIPTION:%s\nEND:VEVENT\n",
                             filling, filling);
    found = find(inside, "UTC", "2026-03-18");
    assert_int_equal(found.events.count, 1);
    assert_true(strlen(found.events.items[0].details->summary) <= KT_ICS_LINE_MAX);
    assert_int_equal(found.warnings.count, 0);
    found_free(&found);
    talloc_free(inside);
    /* a line of times that is cut is left out as a whole, and that is told */
    inside = talloc_asprintf(NULL,
                             "BEGIN:VEVENT\nSUMMARY:E\nDTSTART:20260317T090000Z\n"
                             "RDATE:20260318T090000Z,%s\nEND:VEVENT\n",
                             filling);
    assert_week(inside, "UTC", "2026-03-18", "2026-03-17 09:00-09:00 E\n", 1);
    talloc_free(inside);
    talloc_free(filling);
}

static void rules_that_are_none_are_told(void **state)
{
    (void)state;
    static const char *const rules[] = {
        "FREQ=SOMETIMES",
        "INTERVAL=2",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;COUNT=-1",
        "FREQ",
        "FREQ=DAILY;BYHOUR=24",
        "FREQ=DAILY;UNTIL=soon",
        "FREQ=WEEKLY;BYDAY=XX",
        "RSCALE=HEBREW;FREQ=YEARLY",
        "FREQ=DAILY;BYMONTHDAY=0,1",
        "FREQ=DAILY;BYSECOND=",
    };

    for (size_t index = 0; index < sizeof(rules) / sizeof(rules[0]); index++) {
        char *inside = talloc_asprintf(NULL,
                                       "BEGIN:VEVENT\nSUMMARY:Odd\nDTSTART:20260317T090000Z\n"
                                       "DURATION:PT1H\nRRULE:%s\nEND:VEVENT\n",
                                       rules[index]);

        assert_week(inside, "UTC", "2026-03-18", "2026-03-17 09:00-10:00 Odd\n", 1);
        talloc_free(inside);
    }
}

static void unreadable_times_are_told(void **state)
{
    (void)state;
    assert_week(EVENT("Never", "DTSTART:20261399T996199Z\n"), "UTC", "2026-03-18", "", 1);
    assert_week(EVENT("Never", "DTSTART:tomorrow\n"), "UTC", "2026-03-18", "", 1);
    assert_week(EVENT("Never", "DTEND:20260317T090000Z\n"), "UTC", "2026-03-18", "", 1);
    assert_week(EVENT("Back", "DTSTART:20260317T090000Z\nDTEND:20260317T080000Z\n"), "UTC",
                "2026-03-18", "2026-03-17 09:00-09:00 Back\n", 0);
    assert_week(EVENT("Long", "DTSTART:20260317T090000Z\nDURATION:P999999999W\n"), "UTC",
                "2026-03-25", "2026-03-17 09:00-09:00 Long\n", 0);
}

static void too_many_entries_are_refused(void **state)
{
    (void)state;
    const char *const text = "BEGIN:VCALENDAR\n" EVENT("1", "DTSTART:20260317T090000Z\n")
        EVENT("2", "DTSTART:20260317T090000Z\n")
            EVENT("3", "DTSTART:20260317T090000Z\n") "END:VCALENDAR\n";
    struct kt_ics_options options = test_options;
    struct kt_error error;
    struct found found;

    options.entries_max = 2;
    assert_int_equal(found_read(&found, text, strlen(text), &options, &error), -E2BIG);
    found_free(&found);
}

static void thousands_of_attendees_are_bounded(void **state)
{
    (void)state;
    char *inside = talloc_strdup(NULL, "BEGIN:VEVENT\nSUMMARY:Crowd\nDTSTART:20260317T090000Z\n");
    struct found found;

    for (int index = 0; index < 5000; index++)
        inside = talloc_asprintf_append_buffer(inside, "ATTENDEE:mailto:p%d@example.org\n", index);
    inside = talloc_strdup_append(inside, "END:VEVENT\n");
    found = find(inside, "UTC", "2026-03-18");
    assert_int_equal(found.events.items[0].details->people_count, KT_ICS_ATTENDEES_MAX);
    assert_int_equal(found.warnings.count, 1);
    found_free(&found);
    talloc_free(inside);
}

static void bytes_that_are_no_text(void **state)
{
    (void)state;
    static const char text[] = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:a\xff\xc3(\x01z\0y\n"
                               "DTSTART:20260317T090000Z\n"
                               "ATTENDEE;CN=\"\xfe:mailto:\xff@example.org\n"
                               "\n;;;\n:::\n=\n \n\t\nEND:VEVENT\nEND:VEVENT\nEND:VCALENDAR\n"
                               "END:VCALENDAR\n";
    struct found found;

    assert_int_equal(read_text(&found, text, sizeof(text) - 1), 0);
    found_week(&found, "UTC", "2026-03-18");
    assert_string_equal(found.text, "2026-03-17 09:00-09:00 a\xef\xbf\xbd\xef\xbf\xbd( z y\n");
    found_free(&found);
}

/** Every beginning of a file, and every file with one byte changed, is read without harm. */
static void mutilated_files(void **state)
{
    (void)state;
    static char text[65536], changed[65536];
    struct found found;
    FILE *file = fopen(TEST_DATA "/week.ics", "rb");
    size_t size;

    assert_non_null(file);
    size = fread(text, 1, sizeof(text), file);
    fclose(file);
    for (size_t length = 0; length < size; length += 7) {
        (void)read_text(&found, text, length);
        found_free(&found);
    }
    for (size_t at = 0; at < size; at += 3) {
        memcpy(changed, text, size);
        changed[at] = (char)(changed[at] ^ (1 << at % 8));
        if (read_text(&found, changed, size) == 0)
            found_week(&found, "Europe/Berlin", "2026-10-21");
        found_free(&found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_calendar),
        cmocka_unit_test(a_truncated_file_is_told),
        cmocka_unit_test(deep_nesting_is_only_counted),
        cmocka_unit_test(endless_rules_are_cut),
        cmocka_unit_test(huge_sets_need_no_memory),
        cmocka_unit_test(thousands_of_additions_are_bounded),
        cmocka_unit_test(gigantic_lines_are_cut),
        cmocka_unit_test(rules_that_are_none_are_told),
        cmocka_unit_test(unreadable_times_are_told),
        cmocka_unit_test(too_many_entries_are_refused),
        cmocka_unit_test(thousands_of_attendees_are_bounded),
        cmocka_unit_test(bytes_that_are_no_text),
        cmocka_unit_test(mutilated_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
