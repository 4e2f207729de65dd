/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: anybody could stop all calendars with a small file. */
#include "calendar_text.h"

#include "calendar/recurrence.h"

#include <time.h>

#define MEETING                                                                                    \
    "BEGIN:VEVENT\nUID:meeting\nSUMMARY:Meeting\nDTSTART:20260317T090000Z\nDURATION:PT1H\n"        \
    "RRULE:FREQ=DAILY\nEND:VEVENT\n"
#define MEETINGS                                                                                   \
    "2026-03-17 09:00-10:00 Meeting\n2026-03-18 09:00-10:00 Meeting\n"                             \
    "2026-03-19 09:00-10:00 Meeting\n2026-03-20 09:00-10:00 Meeting\n"                             \
    "2026-03-21 09:00-10:00 Meeting\n2026-03-22 09:00-10:00 Meeting\n"
/** All days of all years are looked at, in vain. */
#define NEVER "RRULE:FREQ=YEARLY;BYWEEKNO=53;BYSETPOS=366\n"
/** An event with as many rules as are read. */
#define BOMB(summary)                                                                              \
    "BEGIN:VEVENT\nSUMMARY:" summary "\nDTSTART:19000101T100000Z\n%s\nEND:VEVENT\n"

static char *repeat(TALLOC_CTX *memory, const char *text, size_t count)
{
    size_t length = strlen(text);
    char *result = talloc_size(memory, length * count + 1);

    for (size_t index = 0; index < count; index++)
        memcpy(result + index * length, text, length);
    result[length * count] = '\0';
    return result;
}

/** What it takes to follow a rule from the beginning of 1900 for so many years. */
static uint64_t steps_of(const char *text, int32_t years)
{
    struct kt_effort effort = kt_effort_of(UINT64_MAX / 2);
    struct kt_recurrence recurrence;
    struct kt_error error;
    struct kt_rule rule;
    int64_t local;

    assert_int_equal(kt_rule_parse(text, &rule, &error), 0);
    kt_recurrence_begin(&recurrence, &rule, (int64_t)kt_day_from_date(1900, 1, 1) * KT_DAY_SECONDS,
                        NULL, &effort);
    while (kt_recurrence_next(
        &recurrence, (int64_t)kt_day_from_date(1900 + years, 1, 1) * KT_DAY_SECONDS, &local))
        ;
    return UINT64_MAX / 2 - effort.left;
}

static void each_day_that_is_looked_at_counts(void **state)
{
    (void)state;
    assert_in_range(steps_of("FREQ=YEARLY;BYWEEKNO=53;BYSETPOS=366", 100), 36524, 100000);
    assert_in_range(steps_of("FREQ=YEARLY;BYMONTHDAY=31;BYDAY=20MO", 100), 36524, 100000);
    assert_in_range(steps_of("FREQ=DAILY;BYMONTHDAY=-31;BYYEARDAY=-1", 100), 36524, 1000000);
    /* the positions of an hour, too */
    assert_true(steps_of("FREQ=DAILY;BYMINUTE=0,1,2,3,4,5,6,7,8,9;BYSECOND=0,1,2,3,4,5,6,7,8,9;"
                         "BYSETPOS=366,-366",
                         1) > 365 * 100);
}

static void months_that_cannot_match_cost_next_to_nothing(void **state)
{
    (void)state;
    assert_in_range(steps_of("FREQ=YEARLY", 100), 100, 100 * 64);
    assert_in_range(steps_of("FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", 100), 100, 100 * 64);
    assert_in_range(steps_of("FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", 100), 100, 100 * 1024);
}

static void beside_one_that_is_malicious_the_others_are_shown(void **state)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    char *rules = repeat(memory, NEVER, KT_ICS_EVENT_RULES_MAX);
    struct found found;

    (void)state;
    found = find(talloc_asprintf(memory, BOMB("Bomb") MEETING, rules), "UTC", "2026-03-18");
    assert_string_equal(found.text, MEETINGS);
    assert_int_equal(found.warnings.count, 0); /* it is bad, but not yet too much */
    found_free(&found);
    rules =
        repeat(memory, "RRULE:FREQ=MINUTELY;COUNT=999999999;BYSETPOS=2\n", KT_ICS_EVENT_RULES_MAX);
    found = find(talloc_asprintf(memory, BOMB("Bomb") MEETING, rules), "UTC", "2026-03-18");
    assert_string_equal(found.text, MEETINGS);
    assert_int_equal(found.warnings.count, 1);
    assert_non_null(strstr(found.warnings.texts[0], "“Bomb” repeats"));
    assert_non_null(strstr(found.warnings.texts[0], "UNTIL"));
    found_free(&found);
    talloc_free(memory);
}

static void a_whole_text_has_an_end(void **state)
{
    enum { BOMBS = 100 };
    TALLOC_CTX *memory = talloc_new(NULL);
    char *rules = repeat(memory, "RRULE:FREQ=YEARLY;COUNT=99;BYWEEKNO=53;BYSETPOS=366\n",
                         KT_ICS_EVENT_RULES_MAX);
    char *bombs = repeat(memory, talloc_asprintf(memory, BOMB("Bomb"), rules), BOMBS);
    clock_t began = clock();
    struct found found = find(bombs, "UTC", "2199-06-01");

    (void)state;
    assert_int_equal(found.warnings.count, 1);
    assert_non_null(strstr(found.warnings.texts[0], "more repeat"));
    /* some 200 ms; minutes if it had no end. Much slower with what watches for errors. */
    assert_true(clock() - began < 60 * CLOCKS_PER_SEC);
    found_free(&found);
    talloc_free(memory);
}

static void rules_take_bounded_memory(void **state)
{
    enum { EVENTS = 1000 };
    TALLOC_CTX *memory = talloc_new(NULL);
    char *rules = repeat(memory, "RRULE:FREQ=DAILY\n", 2 * KT_ICS_EVENT_RULES_MAX);
    char *events = repeat(memory, talloc_asprintf(memory, BOMB("Daily"), rules), EVENTS);
    struct found found = find(events, "UTC", "1899-12-01");
    size_t count = 0;

    (void)state;
    for (size_t index = 0; index < found.calendar.count; index++) {
        assert_true(found.calendar.entries[index].rule_count > 0);
        count += found.calendar.entries[index].rule_count;
    }
    assert_in_range(count, KT_ICS_FURTHER_RULES_MAX, KT_ICS_FURTHER_RULES_MAX + EVENTS);
    assert_int_equal(found.warnings.count, 2); /* more of an event, more of all */
    found_free(&found);
    talloc_free(memory);
}

static void lists_of_values_are_bounded(void **state)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    char *values = repeat(memory, "20260317T090000Z,", 999);
    char *line = talloc_asprintf(memory, "EXDATE:%s20260318T090000Z\n", values);
    char *event = talloc_asprintf(memory, "BEGIN:VEVENT\nDTSTART:20260318T080000Z\n%sEND:VEVENT\n",
                                  repeat(memory, line, 1000));
    struct found found = find(event, "UTC", "2026-03-18");

    (void)state;
    assert_true(found.calendar.entries[0].exclusion_count <= KT_ICS_DATES_MAX);
    assert_int_equal(found.events.count, 1);
    assert_int_equal(found.warnings.count, 1);
    found_free(&found);
    talloc_free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_day_that_is_looked_at_counts),
        cmocka_unit_test(months_that_cannot_match_cost_next_to_nothing),
        cmocka_unit_test(beside_one_that_is_malicious_the_others_are_shown),
        cmocka_unit_test(a_whole_text_has_an_end),
        cmocka_unit_test(rules_take_bounded_memory),
        cmocka_unit_test(lists_of_values_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
