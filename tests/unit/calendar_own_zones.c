/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: meetings in a zone that only the calendar itself knows would be hours off. */
#include "calendar_text.h"

#include "calendar/ics_timezone.h"

#define PART(kind, start, from, to, more)                                                          \
    "BEGIN:" kind "\nDTSTART:" start "\nTZOFFSETFROM:" from "\nTZOFFSETTO:" to "\n" more           \
    "END:" kind "\n"
#define ZONE(name, inside) "BEGIN:VTIMEZONE\nTZID:" name "\n" inside "END:VTIMEZONE\n"
/** As Outlook writes it: the rules of Berlin, under a name of its own. */
#define OFFICE                                                                                     \
    ZONE("Our office", PART("STANDARD", "16011028T030000", "+0200", "+0100",                       \
                            "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\n")                           \
                           PART("DAYLIGHT", "16010325T020000", "+0100", "+0200",                   \
                                "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\n"))
#define SYNC                                                                                       \
    EVENT("Sync", "UID:s\nDTSTART;TZID=Our office:20260302T100000\nDURATION:PT1H\n"                \
                  "RRULE:FREQ=WEEKLY\n")

/** RFC 5545, 3.6.5: New York since 1967. */
static const char new_york[] =
    PART("DAYLIGHT", "19670430T020000", "-0500", "-0400",
         "RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=-1SU;UNTIL=19730429T070000Z\n")
        PART("STANDARD", "19671029T020000", "-0400", "-0500",
             "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU;UNTIL=20061029T060000Z\n")
            PART("DAYLIGHT", "19740106T020000", "-0500", "-0400", "RDATE:19750223T020000\n")
                PART("DAYLIGHT", "19760425T020000", "-0500", "-0400",
                     "RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=-1SU;UNTIL=19860427T070000Z\n")
                    PART("DAYLIGHT", "19870405T020000", "-0500", "-0400",
                         "RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU;UNTIL=20060402T070000Z\n")
                        PART("DAYLIGHT", "20070311T020000", "-0500", "-0400",
                             "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU\n")
                            PART("STANDARD", "20071104T020000", "-0400", "-0500",
                                 "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU\n");

static struct kt_zone *read_zone(TALLOC_CTX *memory, const char *definition, size_t warning_count)
{
    struct kt_ics_timezone_budget budget = {kt_effort_of(1000000), 100000};
    struct kt_warnings warnings = {.count = 0};
    struct kt_zone *zone = NULL;

    assert_int_equal(kt_ics_timezone_read(memory, "Mine", definition, strlen(definition), &budget,
                                          &warnings, &zone),
                     0);
    assert_int_equal(warnings.count, warning_count);
    return zone;
}

static void the_standards_example_agrees_with_the_system(void **state)
{
    (void)state;
    TALLOC_CTX *memory = talloc_new(NULL);
    struct kt_zone *mine = read_zone(memory, new_york, 0), *systems;
    int64_t first = (int64_t)kt_day_from_date(1967, 1, 1) * KT_DAY_SECONDS;
    int64_t end = (int64_t)kt_day_from_date(2037, 1, 1) * KT_DAY_SECONDS;

    assert_int_equal(kt_zone_open(memory, "America/New_York", &systems), 0);
    for (int64_t time = first; time < end; time += 1800) {
        if (kt_zone_offset(mine, time) != kt_zone_offset(systems, time) ||
            kt_zone_to_instant(mine, time) != kt_zone_to_instant(systems, time) ||
            kt_zone_has(mine, time) != kt_zone_has(systems, time))
            fail_msg("the zones differ at %lld", (long long)time);
    }
    assert_string_equal(kt_zone_name(mine), "Mine");
    talloc_free(memory);
}

static void series_keep_the_local_time_of_the_definition(void **state)
{
    (void)state;
    /* the definition may stand before or after the events */
    assert_week(OFFICE SYNC, "UTC", "2026-03-25", "2026-03-23 09:00-10:00 Sync\n", 0);
    assert_week(SYNC OFFICE, "UTC", "2026-03-30", "2026-03-30 08:00-09:00 Sync\n", 0);
    assert_week(OFFICE SYNC, "UTC", "2026-10-26", "2026-10-26 09:00-10:00 Sync\n", 0);
    assert_week(OFFICE SYNC, "UTC", "2150-01-12", "2150-01-12 09:00-10:00 Sync\n", 0);
}

static void gaps_and_overlaps_of_a_definition(void **state)
{
    (void)state;
    /* in the gap: the offset before; a repetition in it: none; twice: the first */
    assert_week(OFFICE EVENT("Gap", "DTSTART;TZID=Our office:20260329T023000\nDURATION:PT30M\n"),
                "UTC", "2026-03-29", "2026-03-29 01:30-02:00 Gap\n", 0);
    assert_week(OFFICE EVENT("Night", "DTSTART;TZID=Our office:20260328T023000\n"
                                      "DURATION:PT30M\nRRULE:FREQ=DAILY;COUNT=2\n"),
                "UTC", "2026-03-29", "2026-03-28 01:30-02:00 Night\n", 0);
    assert_week(OFFICE EVENT("Night", "DTSTART;TZID=Our office:20260328T023000\n"
                                      "DURATION:PT30M\nRRULE:FREQ=DAILY;COUNT=2\n"),
                "UTC", "2026-03-30", "2026-03-30 00:30-01:00 Night\n", 0);
    assert_week(OFFICE EVENT("Twice", "DTSTART;TZID=Our office:20261025T023000\nDURATION:PT30M\n"),
                "UTC", "2026-10-25", "2026-10-25 00:30-01:00 Twice\n", 0);
}

static void the_systems_zone_wins_over_the_definition(void **state)
{
    (void)state;
    const char *const wrong = PART("STANDARD", "19700101T000000", "-0900", "-0900", "");
    static const char *const names[] = {"Europe/Berlin", "W. Europe Standard Time",
                                        "Ours\nX-LIC-LOCATION:Europe/Berlin"};

    for (size_t index = 0; index < sizeof(names) / sizeof(names[0]); index++) {
        char *inside =
            talloc_asprintf(NULL,
                            "BEGIN:VTIMEZONE\nTZID:%s\n%sEND:VTIMEZONE\nBEGIN:VEVENT\nSUMMARY:E\n"
                            "DTSTART;TZID=%.*s:20260302T100000\nDURATION:PT1H\nEND:VEVENT\n",
                            names[index], wrong, (int)strcspn(names[index], "\n"), names[index]);

        assert_week(inside, "UTC", "2026-03-02", "2026-03-02 09:00-10:00 E\n", 0);
        talloc_free(inside);
    }
}

/** A meeting at 10:00 in a zone, by its definition if it has one, as the clocks of UTC show it. */
static void assert_at(const char *tzid, const char *definition, const char *expected,
                      uint32_t warnings)
{
    char *inside = talloc_asprintf(
        NULL,
        "%s%s%s%s%sBEGIN:VEVENT\nSUMMARY:E\nDTSTART;TZID=\"%s\":"
        "20260304T100000\nDURATION:PT1H\nEND:VEVENT\n",
        definition ? "BEGIN:VTIMEZONE\nTZID:" : "", definition ? tzid : "", definition ? "\n" : "",
        definition ? definition : "", definition ? "END:VTIMEZONE\n" : "", tzid);

    assert_week(inside, "UTC", "2026-03-02", expected, warnings);
    talloc_free(inside);
}

/**
 * Apple, Outlook and others call a zone "GMT+0100", one hour east. To POSIX, which the system reads
 * such names by, it is one west.
 */
static void names_that_are_an_offset(void **state)
{
    const char *const kolkata = PART("STANDARD", "19700101T000000", "+0530", "+0530", "");
    static const char *const east[] = {"GMT+0100", "GMT+1",  "GMT+01",   "GMT+01:00", "GMT+1:00",
                                       "UTC+1",    "utc+01", "UTC+0100", "UTC+01:00", "UTC+1:00"};
    static const char *const none[] = {"GMT+",     "GMT+123",   "GMT+1:",     "GMT+1:5", "GMT+0160",
                                       "GMT+1900", "GMT+01000", "GMT+1:000",  "GMT1",    "EST+5",
                                       "Foo+3",    "GMT+0100x", "Etc/GMT+13", "GMT+1a"};

    (void)state;
    for (size_t index = 0; index < sizeof(east) / sizeof(east[0]); index++) {
        assert_at(east[index], NULL, "2026-03-04 09:00-10:00 E\n", 0);
        /* the calendar knows best what it means */
        assert_at(east[index], kolkata, "2026-03-04 04:30-05:30 E\n", 0);
        /* unless it can't be read */
        assert_at(east[index], "BEGIN:STANDARD\nEND:STANDARD\n", "2026-03-04 09:00-10:00 E\n", 0);
    }
    assert_at("GMT-0500", NULL, "2026-03-04 15:00-16:00 E\n", 0);
    assert_at("UTC-5", NULL, "2026-03-04 15:00-16:00 E\n", 0);
    assert_at("GMT-03:30", NULL, "2026-03-04 13:30-14:30 E\n", 0);
    assert_at("GMT+1200", NULL, "2026-03-03 22:00-23:00 E\n", 0);
    for (size_t index = 0; index < sizeof(none) / sizeof(none[0]); index++) {
        assert_at(none[index], NULL, "2026-03-04 10:00-11:00 E\n", 1);
        assert_at(none[index], kolkata, "2026-03-04 04:30-05:30 E\n", 0);
    }
    /* names of the database and of Windows, each with its own sign */
    assert_at("Etc/GMT+5", kolkata, "2026-03-04 15:00-16:00 E\n", 0);
    assert_at("/vendor.example.org/Etc/GMT+5", NULL, "2026-03-04 15:00-16:00 E\n", 0);
    assert_at("UTC+12", NULL, "2026-03-03 22:00-23:00 E\n", 0);
    /* the calendar's own zone */
    assert_week("X-WR-TIMEZONE:GMT+0100\n" EVENT(
                    "E", "DTSTART;TZID=Nowhere:20260304T100000\nDURATION:PT1H\n"),
                "UTC", "2026-03-02", "2026-03-04 09:00-10:00 E\n", 1);
}

static void dates_counts_and_seconds(void **state)
{
    (void)state;
    TALLOC_CTX *memory = talloc_new(NULL);
    int64_t day = (int64_t)kt_day_from_date(2026, 1, 1) * KT_DAY_SECONDS;
    struct kt_zone *zone =
        read_zone(memory,
                  PART("STANDARD", "20260101T000000", "+001730", "-0330", "RDATE:20260301T000000\n")
                      PART("DAYLIGHT", "20260201T000000", "-0330", "+1400",
                           "RDATE;VALUE=DATE-TIME:20260401T000000,20260501T000000\n")
                          PART("STANDARD", "20260601T000000", "+1400", "+0000",
                               "RRULE:FREQ=MONTHLY;COUNT=2\n")
                              PART("DAYLIGHT", "20260615T000000", "+0000", "+0100",
                                   "RRULE:FREQ=MONTHLY;BYMONTHDAY=16;COUNT=3\n"),
                  0);

    assert_int_equal(kt_zone_offset(zone, day - 1051), 17 * 60 + 30);
    assert_int_equal(kt_zone_offset(zone, day - 1050), -12600);
    assert_int_equal(kt_zone_offset(zone, day + 32 * KT_DAY_SECONDS), 14 * 3600);
    assert_int_equal(kt_zone_offset(zone, day + 61 * KT_DAY_SECONDS), -12600);
    assert_int_equal(kt_zone_offset(zone, day + 91 * KT_DAY_SECONDS), 14 * 3600);
    assert_int_equal(kt_zone_offset(zone, day + 152 * KT_DAY_SECONDS), 0);    /* June 2 */
    assert_int_equal(kt_zone_offset(zone, day + 166 * KT_DAY_SECONDS), 3600); /* June 16 */
    assert_int_equal(kt_zone_offset(zone, day + 182 * KT_DAY_SECONDS), 0);    /* July 2 */
    assert_int_equal(kt_zone_offset(zone, day + 197 * KT_DAY_SECONDS), 3600); /* July 17 */
    /* that was the third of the last rule: its start counts */
    assert_int_equal(kt_zone_offset(zone, day + 400 * KT_DAY_SECONDS), 3600);
    /* the last instance of a rule is at its UNTIL, an instant */
    zone = read_zone(memory,
                     PART("DAYLIGHT", "20250330T020000", "+0100", "+0200",
                          "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU;UNTIL=20260329T010000Z\n")
                         PART("STANDARD", "20251026T030000", "+0200", "+0100", ""),
                     0);
    assert_int_equal(kt_zone_offset(zone, day), 3600);
    assert_int_equal(kt_zone_offset(zone, day + 87 * KT_DAY_SECONDS + 3600), 7200);
    talloc_free(memory);
}

static void what_cannot_be_read_is_told(void **state)
{
    (void)state;
    static const char *const unusable[] = {
        "",
        "BEGIN:STANDARD\nEND:STANDARD\n",
        PART("STANDARD", "20260101", "+0100", "+0100", ""),
        PART("STANDARD", "20260230T000000", "+0100", "+0100", ""),
        PART("STANDARD", "20260101T000000", "0100", "+0100", ""),
        PART("STANDARD", "20260101T000000", "+0100", "+9900", ""),
        PART("STANDARD", "20260101T000000", "+0100", "+01001", ""),
        "BEGIN:STANDARD\nDTSTART:20260101T000000\nTZOFFSETFROM:+0100\nEND:STANDARD\n",
        PART("STANDARD", "20260101T000000", "+0100", "+0200", "RRULE:FREQ=NEVER\n"),
        PART("STANDARD", "20260101T000000", "+0100", "+0200", "RDATE:20260301T000000,soon\n"),
    };

    for (size_t index = 0; index < sizeof(unusable) / sizeof(unusable[0]); index++) {
        char *inside = talloc_asprintf(NULL,
                                       "BEGIN:VTIMEZONE\nTZID:Odd\n%sEND:VTIMEZONE\nBEGIN:VEVENT\n"
                                       "SUMMARY:E\nDTSTART;TZID=Odd:20260302T100000\n"
                                       "DURATION:PT1H\nEND:VEVENT\n",
                                       unusable[index]);
        struct found found = find(inside, "UTC", "2026-03-02");

        assert_int_equal(found.warnings.count, 1);
        assert_non_null(strstr(found.warnings.texts[0], "Odd"));
        assert_int_equal(found.events.count, 1);
        found_free(&found);
        talloc_free(inside);
    }
}

static void definitions_that_never_end(void **state)
{
    (void)state;
    TALLOC_CTX *memory = talloc_new(NULL);
    char *dates = talloc_strdup(memory, ""), *zones = talloc_strdup(memory, ""), *many;
    struct found found;

    (void)read_zone(
        memory, PART("STANDARD", "16010101T000000", "+0100", "+0200", "RRULE:FREQ=SECONDLY\n"), 1);
    (void)read_zone(memory,
                    PART("STANDARD", "16010101T000000", "+0100", "+0200",
                         "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30\n"),
                    0);
    for (int index = 0; index < 20000; index++)
        dates =
            talloc_asprintf_append_buffer(dates, "RDATE:2026%02d%02dT%02d%02d00\n", 1 + index % 12,
                                          1 + index % 28, index % 24, index % 60);
    many = talloc_asprintf(memory,
                           "BEGIN:STANDARD\nDTSTART:20260101T000000\nTZOFFSETFROM:+0100\n"
                           "TZOFFSETTO:+0200\n%sEND:STANDARD\n",
                           dates);
    (void)read_zone(memory, many, 1);
    /* many of them share one budget, and people are told once for each, up to the usual number */
    for (int index = 0; index < 300; index++)
        zones = talloc_asprintf_append_buffer(
            zones,
            "BEGIN:VTIMEZONE\nTZID:Z%d\nBEGIN:STANDARD\nDTSTART:16010101T000000\n"
            "TZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRRULE:FREQ=HOURLY\nEND:STANDARD\n"
            "END:VTIMEZONE\nBEGIN:VEVENT\nUID:%d\nDTSTART;TZID=Z%d:20260302T100000\nEND:VEVENT\n",
            index, index, index);
    found = find(zones, "UTC", "2026-03-02");
    assert_int_equal(found.warnings.count, KT_WARNINGS_MAX);
    found_free(&found);
    /* one without an end takes all that follows into it */
    found = find("BEGIN:VTIMEZONE\nTZID:Open\nBEGIN:STANDARD\n" SYNC, "UTC", "2026-03-02");
    assert_int_equal(found.events.count, 0);
    assert_int_equal(found.warnings.count, 1);
    assert_non_null(strstr(found.warnings.texts[0], "incomplete"));
    found_free(&found);
    talloc_free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_standards_example_agrees_with_the_system),
        cmocka_unit_test(series_keep_the_local_time_of_the_definition),
        cmocka_unit_test(gaps_and_overlaps_of_a_definition),
        cmocka_unit_test(the_systems_zone_wins_over_the_definition),
        cmocka_unit_test(names_that_are_an_offset),
        cmocka_unit_test(dates_counts_and_seconds),
        cmocka_unit_test(what_cannot_be_read_is_told),
        cmocka_unit_test(definitions_that_never_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
