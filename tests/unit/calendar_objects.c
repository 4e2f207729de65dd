/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: what one event's calendar object says, or lacks, would move or hide others. */
#include "calendar_text.h"

#include <errno.h>

/** A VTIMEZONE as Exchange writes it for whoever made up a zone of their own: always this name. */
#define ZONE(offset)                                                                               \
    "BEGIN:VTIMEZONE\nTZID:Customized Time Zone\nBEGIN:STANDARD\nDTSTART:16010101T000000\n"        \
    "TZOFFSETFROM:" offset "\nTZOFFSETTO:" offset "\nEND:STANDARD\nEND:VTIMEZONE\n"
#define AT(name, hour)                                                                             \
    EVENT(name, "UID:" name "\nDTSTART;TZID=Customized Time Zone:20261118T" hour                   \
                "0000\nDURATION:PT1H\n")
#define BEGIN "BEGIN:VCALENDAR\nVERSION:2.0\n"
#define END "END:VCALENDAR\n"
#define WEST BEGIN ZONE("-0500") AT("West", "09") END
#define EAST BEGIN ZONE("+0100") AT("East", "10") END
#define OPEN BEGIN ZONE("-0500") "BEGIN:VEVENT\nUID:Open\nDTSTART:20261118T090000Z\n"

#define PART_BEGIN "BEGIN:STANDARD\nDTSTART:16010101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n"

/** The week of many texts. */
static struct found find_all(const char *const *texts, size_t count,
                             const struct kt_ics_options *options)
{
    struct kt_ics_text *list = talloc_array(NULL, struct kt_ics_text, (unsigned)count);
    struct found found = {.memory = talloc_new(NULL)};
    struct kt_error error;

    for (size_t index = 0; index < count; index++)
        list[index] = (struct kt_ics_text){texts[index], strlen(texts[index])};
    assert_int_equal(kt_ics_read_all(found.memory, list, count, options, &found.calendar, &error),
                     0);
    talloc_free(list);
    found_week(&found, "UTC", "2026-11-18");
    return found;
}

static void assert_all(const char *const *texts, size_t count, const char *expected,
                       const char *warning)
{
    struct found found = find_all(texts, count, &test_options);

    assert_string_equal(found.text, expected);
    assert_int_equal(found.warnings.count, warning ? 1 : 0);
    if (warning)
        assert_non_null(strstr(found.warnings.texts[0], warning));
    found_free(&found);
}

/** The same, as texts of their own and as one file. */
static void assert_both(const char *const *texts, size_t count, const char *expected,
                        const char *warning)
{
    char *file = talloc_strdup(NULL, "");
    struct found found;
    struct kt_error error;

    assert_all(texts, count, expected, warning);
    for (size_t index = 0; index < count; index++)
        file = talloc_strdup_append(file, texts[index]);
    assert_int_equal(found_read(&found, file, strlen(file), &test_options, &error), 0);
    found_week(&found, "UTC", "2026-11-18");
    assert_string_equal(found.text, expected);
    assert_int_equal(found.warnings.count, warning ? 1 : 0);
    found_free(&found);
    talloc_free(file);
}

#define ASSERT_BOTH(expected, warning, ...)                                                        \
    assert_both((const char *const[]){__VA_ARGS__},                                                \
                sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), expected, warning)

static void each_has_zones_of_its_own(void **state)
{
    (void)state;
    ASSERT_BOTH("2026-11-18 09:00-10:00 East\n2026-11-18 14:00-15:00 West\n", NULL, WEST, EAST);
    ASSERT_BOTH("2026-11-18 09:00-10:00 East\n2026-11-18 14:00-15:00 West\n", NULL, EAST, WEST);
    /* the same words again mean the same again */
    ASSERT_BOTH("2026-11-18 09:00-10:00 East\n2026-11-18 14:00-15:00 West\n"
                "2026-11-18 15:00-16:00 Later\n",
                NULL, WEST, EAST, BEGIN AT("Later", "10") ZONE("-0500") END);
    /* who has none doesn't get another's */
    ASSERT_BOTH("2026-11-18 10:00-11:00 None\n2026-11-18 14:00-15:00 West\n", "unknown time zone",
                WEST, BEGIN AT("None", "10") END);
    ASSERT_BOTH("2026-11-18 10:00-11:00 None\n2026-11-18 14:00-15:00 West\n", "unknown time zone",
                BEGIN AT("None", "10") END, WEST);
    /* nor another's zone of all its events */
    ASSERT_BOTH("2026-11-18 10:00-11:00 None\n2026-11-18 14:00-15:00 West\n", "unknown time zone",
                BEGIN "X-WR-TIMEZONE:Asia/Tokyo\n" ZONE("-0500") AT("West", "09") END,
                BEGIN AT("None", "10") END);
}

static void one_without_an_end_is_the_only_one_that_is_missing(void **state)
{
    (void)state;
    ASSERT_BOTH("2026-11-18 09:00-10:00 East\n", "incomplete", OPEN, EAST);
    ASSERT_BOTH("2026-11-18 09:00-10:00 East\n", "incomplete", EAST, OPEN);
    ASSERT_BOTH("2026-11-18 09:00-10:00 East\n", "incomplete", OPEN "BEGIN:VALARM\nBEGIN:X\n",
                EAST);
    ASSERT_BOTH("2026-11-18 09:00-10:00 East\n", "incomplete",
                BEGIN "BEGIN:VTIMEZONE\nTZID:Customized Time Zone\nBEGIN:STANDARD\n", EAST);
    /* one with an end too many */
    ASSERT_BOTH("2026-11-18 09:00-10:00 East\n2026-11-18 14:00-15:00 West\n", "behind its end",
                BEGIN ZONE("-0500") AT("West", "09") "END:VCALENDAR\n" AT("Lost", "11") END, EAST);
}

static void what_is_no_calendar_is_told(void **state)
{
    static const char *const texts[] = {"<html>Sign in</html>", EAST, "", "BEGIN:VCARD\nEND:VCARD"};
    static const char *const only[] = {"x"};

    (void)state;
    assert_all(texts, 4, "2026-11-18 09:00-10:00 East\n", "no iCalendar text");
    assert_all(only, 1, "", "no iCalendar text");
    assert_all(texts, 0, "", NULL);
}

/** A text ends where it ends, not at a NUL, nor where the next one begins. */
static void each_has_its_size(void **state)
{
    const char *const text = EAST "BEGIN:VCALENDAR\nBEGIN:VEVENT\n";
    const struct kt_ics_text texts[] = {{text, strlen(EAST) - 1}, {text, strlen(EAST)}};
    struct found found = {.memory = talloc_new(NULL)};
    struct kt_error error;

    (void)state;
    assert_int_equal(
        kt_ics_read_all(found.memory, texts, 2, &test_options, &found.calendar, &error), 0);
    assert_int_equal(found.calendar.warnings.count, 0);
    talloc_free(found.memory);
}

/** The number of entries is that of all. */
static void the_bound_is_for_all(void **state)
{
    struct kt_ics_options options = test_options;
    const struct kt_ics_text texts[] = {{EAST, strlen(EAST)}, {WEST, strlen(WEST)}};
    TALLOC_CTX *memory = talloc_new(NULL);
    struct kt_calendar calendar;
    struct kt_error error;

    (void)state;
    options.entries_max = 2;
    assert_int_equal(kt_ics_read_all(memory, texts, 2, &options, &calendar, &error), 0);
    options.entries_max = 1;
    assert_int_equal(kt_ics_read_all(memory, texts, 2, &options, &calendar, &error), -E2BIG);
    assert_non_null(strstr(error.text, "more than 1 entries"));
    talloc_free(memory);
}

/** Hundreds that repeat a definition cost no more than one, and one without an end leaves room. */
static void definitions_share_what_they_may_cost(void **state)
{
    enum { COUNT = 900 };
    static const char rule[] = "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30\n";
    static const char yearly[] =
        BEGIN "BEGIN:VTIMEZONE\nTZID:Customized Time Zone\nBEGIN:STANDARD\n"
              "DTSTART:16010101T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n"
              "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\nEND:STANDARD\nBEGIN:DAYLIGHT\n"
              "DTSTART:16010101T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n"
              "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\nEND:DAYLIGHT\nEND:VTIMEZONE\n"
              "BEGIN:VEVENT\nSUMMARY:Yearly\nDTSTART;TZID=Customized Time Zone:20261118T100000\n"
              "DURATION:PT1H\nUID:%zu\nEND:VEVENT\n" END;
    const char **texts = talloc_array(NULL, const char *, COUNT);
    struct found found;
    char *text;

    (void)state;
    text = talloc_strdup(texts, BEGIN "BEGIN:VTIMEZONE\nTZID:Endless\n");
    for (int part = 0; part < 100; part++)
        text = talloc_asprintf_append_buffer(text, PART_BEGIN "%s%s%s%s%s%s%s%sEND:STANDARD\n",
                                             rule, rule, rule, rule, rule, rule, rule, rule);
    texts[0] =
        talloc_strdup_append_buffer(text, "END:VTIMEZONE\nBEGIN:VEVENT\nSUMMARY:Endless\n"
                                          "DTSTART;TZID=Endless:20261111T090000\nEND:VEVENT\n" END);
    for (size_t index = 1; index < COUNT; index++)
        texts[index] = talloc_asprintf(texts, yearly, index);
    found = find_all(texts, COUNT, &test_options);
    assert_int_equal(found.events.count, COUNT - 1);
    for (size_t index = 0; index < COUNT - 1; index++)
        assert_memory_equal(found.text + index * strlen("2026-11-18 09:00-10:00 Yearly\n"),
                            "2026-11-18 09:00-10:00 Yearly\n",
                            strlen("2026-11-18 09:00-10:00 Yearly\n"));
    for (size_t index = 0; index < found.warnings.count; index++)
        assert_null(strstr(found.warnings.texts[index], "Customized"));
    found_free(&found);
    talloc_free(texts);
}

/** Whose calendar it is says each of its own. */
static void each_has_an_owner_of_its_own(void **state)
{
    static const char *const nobody[] = {NULL};
    struct kt_ics_options options = test_options;
    static const char *const texts[] = {
        BEGIN "X-OWNER:mailto:ada@example.org\n" EVENT(
            "A", "UID:A\nDTSTART:20261118T090000Z\nDURATION:PT1H\n"
                 "ATTENDEE:mailto:ada@example.org\nATTENDEE:mailto:bob@example.org\n") END,
        BEGIN "X-OWNER:mailto:bob@example.org\n" EVENT(
            "B", "UID:B\nDTSTART:20261118T090000Z\nDURATION:PT1H\n"
                 "ATTENDEE:mailto:ada@example.org\nATTENDEE:mailto:bob@example.org\n") END,
    };
    struct found found;

    (void)state;
    options.owners = nobody;
    found = find_all(texts, 2, &options);
    assert_int_equal(found.events.count, 2);
    for (size_t index = 0; index < 2; index++) {
        const struct kt_details *details = found.events.items[index].details;

        assert_int_equal(details->people_count, 1);
        assert_string_equal(details->people[0].address,
                            *details->summary == 'A' ? "bob@example.org" : "ada@example.org");
    }
    found_free(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_has_zones_of_its_own),
        cmocka_unit_test(one_without_an_end_is_the_only_one_that_is_missing),
        cmocka_unit_test(what_is_no_calendar_is_told),
        cmocka_unit_test(each_has_its_size),
        cmocka_unit_test(the_bound_is_for_all),
        cmocka_unit_test(definitions_share_what_they_may_cost),
        cmocka_unit_test(each_has_an_owner_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
