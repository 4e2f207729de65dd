/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * If this failed: the table that somebody takes into a spreadsheet would have other hours than the
 * page, a title in it could run as a formula, or a query would see something else than a reader.
 */
#include "calendar_text.h"

#include "calendar/breakdown.h"
#include "calendar/row_text.h"
#include "calendar/rows.h"

#include <cjson/cJSON.h>

#define BOM "\xEF\xBB\xBF"

/** A table of the week of 16 March 2026 in Berlin, as CSV. */
static char *make_csv(struct found *found, enum kt_rows rows)
{
    struct kt_breakdown breakdown;
    size_t size;
    char *text;

    assert_int_equal(kt_breakdown_make(found->memory, &found->events, &found->window,
                                       &kt_breakdown_defaults, &breakdown),
                     0);
    assert_int_equal(kt_rows_csv(found->memory, rows, &breakdown, &found->window, &text, &size), 0);
    assert_int_equal(strlen(text), size);
    return text;
}

static void assert_csv(const char *inside, enum kt_rows rows, const char *expected)
{
    struct found found = find(inside, "Europe/Berlin", "2026-03-16");

    assert_string_equal(make_csv(&found, rows), expected);
    found_free(&found);
}

#define EVENT_HEADER                                                                               \
    BOM "date,start,end,offset,hours,days,title,kind,size,series,organiser,mine,response,"         \
        "people,names,addresses,calendar\r\n"

static void a_meeting_is_a_row(void **state)
{
    (void)state;
    assert_csv(EVENT("Talk, \"open\"",
                     "UID:a\nORGANIZER;CN=Ada:mailto:ada@example.org\n"
                     "ATTENDEE;PARTSTAT=ACCEPTED:mailto:me@example.org\n"
                     "ATTENDEE;CN=Bob:mailto:bob@example.org\n"
                     "DTSTART;TZID=Europe/Berlin:20260317T090000\nDURATION:PT1H20M\n"),
               KT_ROWS_EVENTS,
               EVENT_HEADER "2026-03-17,2026-03-17 09:00:00,2026-03-17 10:20:00,UTC+01:00,1.3333,0,"
                            "\"Talk, \"\"open\"\"\",one_off,group,no,ada@example.org,no,accepted,2,"
                            "Bob; Ada,bob@example.org; ada@example.org,\r\n");
}

static void days_are_dates_and_no_hours(void **state)
{
    (void)state;
    /* it began before the week: its row is of Monday, its dates are its own */
    assert_csv(EVENT("Fair", "UID:f\nDTSTART;VALUE=DATE:20260314\nDTEND;VALUE=DATE:20260319\n"),
               KT_ROWS_EVENTS,
               EVENT_HEADER
               "2026-03-16,2026-03-14,2026-03-19,,0,3,Fair,all_day,,no,,no,accepted,0,,,\r\n");
}

static void formulas_are_texts(void **state)
{
    static const char *const titles[] = {"=1+1", "+1", "-1", "@SUM(A1)"};
    char line[128];
    struct found found;

    (void)state;
    for (size_t index = 0; index < sizeof(titles) / sizeof(*titles); index++) {
        char *event = talloc_asprintf(
            NULL, "BEGIN:VEVENT\nSUMMARY:%s\nDTSTART:20260317T090000\nDURATION:PT1H\nEND:VEVENT\n",
            titles[index]);

        found = find(event, "Europe/Berlin", "2026-03-16");
        snprintf(line, sizeof(line), ",'%s,", titles[index]);
        assert_non_null(strstr(make_csv(&found, KT_ROWS_EVENTS), line));
        found_free(&found);
        talloc_free(event);
    }
}

/** What one cell becomes, as CSV or as JSON. */
static void assert_cell(bool is_json, const char *value, const char *expected)
{
    static const char *const columns[] = {"x", NULL};
    struct kt_row_text text = {.context = talloc_new(NULL), .is_json = is_json, .columns = columns};

    kt_row_raw(&text, "[");
    kt_row_begin(&text);
    kt_row_string(&text, value);
    assert_false(text.is_out_of_memory);
    assert_string_equal(text.bytes + 1, expected);
    talloc_free(text.context);
}

static void cells_are_escaped(void **state)
{
    (void)state;
    assert_cell(false, "\tx", "'\tx");
    assert_cell(false, "\rx", "\"'\rx\"");
    assert_cell(false, "two\nlines", "\"two\nlines\"");
    assert_cell(false, " edge", "\" edge\"");
    assert_cell(false, "bell\a", "bell\xEF\xBF\xBD");
    assert_cell(false, "-3", "'-3"); /* a text, whatever it looks like */
    assert_cell(false, "a;=1", "a;'=1"); /* what ends a cell depends on people's language */
    assert_cell(false, "a, \"+1", "\"a, \"\"'+1\"");
    assert_cell(false, "a\n@b\t=1|-1", "\"a\n'@b\t'=1|'-1\"");
    assert_cell(false, "a - b; 1+1=2 c@d", "a - b; 1+1=2 c@d");
    assert_cell(false, NULL, "");
    assert_cell(true, "-3 \"\\\n", "{\"x\":\"-3 \\\"\\\\\\u000a\"");
    assert_cell(true, NULL, "{\"x\":null");
}

static void hours_have_a_point_and_keep_minutes(void **state)
{
    static const struct {
        int64_t seconds;
        const char *expected;
    } cases[] = {{0, "0"},      {60, "0.0167"}, {900, "0.25"},   {3600, "1"},
                 {36000, "10"}, {5400, "1.5"},  {360000, "100"}, {3601, "1.0003"}};
    static const char *const columns[] = {"x", NULL};

    (void)state;
    for (size_t index = 0; index < sizeof(cases) / sizeof(*cases); index++) {
        struct kt_row_text text = {.context = talloc_new(NULL), .columns = columns};

        kt_row_hours(&text, cases[index].seconds);
        assert_string_equal(text.bytes, cases[index].expected);
        talloc_free(text.context);
    }
}

static void people_days_and_series(void **state)
{
    const char *const inside =
        EVENT("Sync", "UID:s\nORGANIZER:mailto:me@example.org\n"
                      "ATTENDEE;PARTSTAT=ACCEPTED:mailto:me@example.org\n"
                      "ATTENDEE;CN=Ada:mailto:ada@example.org\n"
                      "DTSTART;TZID=Europe/Berlin:20260317T080000\nDURATION:PT2H\n"
                      "RRULE:FREQ=DAILY;COUNT=2\n");

    (void)state;
    assert_csv(inside, KT_ROWS_PEOPLE,
               BOM "name,address,hours,meetings,one_to_one,one_to_one_hours,organised,first\r\n"
                   "Ada,ada@example.org,4,2,2,4,0,2026-03-17 08:00:00\r\n");
    assert_csv(inside, KT_ROWS_SERIES, BOM "title,meetings,hours,person_hours\r\nSync,2,4,8\r\n");
    assert_csv(inside, KT_ROWS_DAYS,
               BOM "date,hours,meeting_hours,conflict_hours,one_off_hours,recurring_hours,"
                   "own_hours,focus_hours,after_hours,working_hours,focusable_hours,"
                   "fragmented_hours\r\n"
                   "2026-03-16,24,0,0,0,0,0,0,0,8,8,0\r\n"
                   "2026-03-17,24,2,0,0,2,0,0,1,8,7,0\r\n"
                   "2026-03-18,24,2,0,0,2,0,0,1,8,7,0\r\n"
                   "2026-03-19,24,0,0,0,0,0,0,0,8,8,0\r\n"
                   "2026-03-20,24,0,0,0,0,0,0,0,8,8,0\r\n"
                   "2026-03-21,24,0,0,0,0,0,0,0,0,0,0\r\n"
                   "2026-03-22,24,0,0,0,0,0,0,0,0,0,0\r\n");
}

/** All four tables are there, with every cell by name. */
static void json_has_every_table(void **state)
{
    struct found found =
        find(EVENT("One \"quoted\"", "UID:1\nDTSTART:20260317T090000\nDURATION:PT1H\n")
                 EVENT("Two", "UID:2\nDTSTART:20260317T110000\nDURATION:PT1H\n"
                              "ATTENDEE;CN=Ada:mailto:ada@example.org\n"),
             "Europe/Berlin", "2026-03-16");
    struct kt_breakdown breakdown;
    const cJSON *events;
    cJSON *json;
    size_t size;
    char *text;

    (void)state;
    kt_breakdown_make(found.memory, &found.events, &found.window, &kt_breakdown_defaults,
                      &breakdown);
    assert_int_equal(kt_rows_json(found.memory, &breakdown, &found.window, &text, &size), 0);
    json = cJSON_ParseWithLengthOpts(text, size + 1, NULL, true);
    assert_non_null(json);
    for (enum kt_rows rows = 0; rows < KT_ROWS_COUNT; rows++) {
        assert_true(cJSON_IsArray(cJSON_GetObjectItem(json, kt_rows_name(rows))));
        assert_int_equal(kt_rows_find(kt_rows_name(rows)), rows);
    }
    assert_int_equal(kt_rows_find("weeks"), KT_ROWS_COUNT);
    events = cJSON_GetObjectItem(json, "events");
    assert_int_equal(cJSON_GetArraySize(events), 2);
    assert_string_equal(
        cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetArrayItem(events, 0), "title")),
        "One \"quoted\"");
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(cJSON_GetArrayItem(events, 0), "size")));
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "days")), 7);
    cJSON_Delete(json);
    found_free(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_meeting_is_a_row),
        cmocka_unit_test(days_are_dates_and_no_hours),
        cmocka_unit_test(formulas_are_texts),
        cmocka_unit_test(cells_are_escaped),
        cmocka_unit_test(hours_have_a_point_and_keep_minutes),
        cmocka_unit_test(people_days_and_series),
        cmocka_unit_test(json_has_every_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
