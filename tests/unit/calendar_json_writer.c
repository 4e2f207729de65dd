/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * If this failed: a title with a quote or a broken letter in it would make the whole week
 * unreadable, or a worker would write beyond its memory. cJSON reads what was written, as somebody
 * else; what it then prints must be the same bytes.
 */
#include "calendar_text.h"

#include "calendar/breakdown.h"
#include "calendar/json_writer.h"
#include "calendar/week_json.h"

#include <cjson/cJSON.h>
#include <errno.h>

#define SIZE_MAX_BYTES 65536u

static void assert_is_json(const char *text)
{
    cJSON *json = cJSON_ParseWithOpts(text, NULL, 1);
    char *again = cJSON_PrintUnformatted(json);

    assert_non_null(json);
    assert_string_equal(again, text);
    cJSON_free(again);
    cJSON_Delete(json);
}

static void assert_text(const char *text, const char *expected)
{
    struct kt_json_writer json;
    char *written;
    size_t size;

    kt_json_writer_begin(&json, NULL, SIZE_MAX_BYTES);
    kt_json_write_text(&json, NULL, text);
    assert_int_equal(kt_json_writer_finish(&json, &written, &size), 0);
    assert_string_equal(written, expected);
    assert_int_equal(strlen(written), size);
    assert_is_json(written);
    talloc_free(written);
}

static void text_is_escaped(void **state)
{
    (void)state;
    assert_text("", "\"\"");
    assert_text("Lunch at 12", "\"Lunch at 12\"");
    assert_text("\"a\\b/c\"", "\"\\\"a\\\\b/c\\\"\"");
    assert_text("\b\f\n\r\t\x01\x1f\x7f", "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
    assert_text("Grüße, 會議 😀", "\"Grüße, 會議 😀\"");
}

static void what_is_no_utf8_is_replaced(void **state)
{
    (void)state;
    assert_text("a\xff"
                "b",
                "\"a\xef\xbf\xbd"
                "b\"");
    assert_text("cut \xe2\x82", "\"cut \xef\xbf\xbd\xef\xbf\xbd\"");
    assert_text("\xc0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\"");                 /* a hidden NUL */
    assert_text("\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""); /* half a pair */
}

/** Letters and escapes at every place of the pieces in which text is written. */
static void long_text_is_whole(void **state)
{
    static const char *const parts[] = {"a", "\n", "\x01", "ü", "😀", "\""};
    TALLOC_CTX *memory = talloc_new(NULL);

    (void)state;
    for (size_t length = 500; length < 530; length++) {
        struct kt_json_writer json;
        char *text = talloc_strdup(memory, ""), *written;
        cJSON *read;

        for (size_t index = 0; index < length; index++)
            text = talloc_strdup_append(text, "x");
        for (size_t index = 0; index < 3000; index++)
            text = talloc_strdup_append(text, parts[index * length % 6]);
        kt_json_writer_begin(&json, memory, SIZE_MAX_BYTES);
        kt_json_write_text(&json, NULL, text);
        assert_int_equal(kt_json_writer_finish(&json, &written, NULL), 0);
        read = cJSON_Parse(written);
        assert_string_equal(cJSON_GetStringValue(read), text);
        cJSON_Delete(read);
    }
    talloc_free(memory);
}

/** Six bytes for each, over and over: room has to be made in time. */
static void text_of_control_characters_is_whole(void **state)
{
    struct kt_json_writer json;
    char text[10001], *written;
    size_t size;

    (void)state;
    memset(text, 1, sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    kt_json_writer_begin(&json, NULL, SIZE_MAX_BYTES);
    kt_json_write_text(&json, NULL, text);
    assert_int_equal(kt_json_writer_finish(&json, &written, &size), 0);
    assert_int_equal(size, 6 * (sizeof(text) - 1) + 2);
    talloc_free(written);
}

static void numbers_lose_nothing(void **state)
{
    struct kt_json_writer json;
    char *text;

    (void)state;
    kt_json_writer_begin(&json, NULL, SIZE_MAX_BYTES);
    kt_json_write_array(&json, NULL);
    kt_json_write_integer(&json, NULL, 0);
    kt_json_write_integer(&json, NULL, -10);
    kt_json_write_integer(&json, NULL, INT64_MAX);
    kt_json_write_integer(&json, NULL, INT64_MIN);
    kt_json_write_number(&json, NULL, 168);
    kt_json_write_number(&json, NULL, -0.5);
    kt_json_write_number(&json, NULL, 86028.0 / 3600);
    kt_json_write_number(&json, NULL, 0.1 + 0.2);
    kt_json_write_number(&json, NULL, 1e300);
    kt_json_write_end(&json);
    assert_int_equal(kt_json_writer_finish(&json, &text, NULL), 0);
    assert_string_equal(text, "[0,-10,9223372036854775807,-9223372036854775808,168,-0.5,"
                              "23.896666666666668,0.30000000000000004,1e+300]");
    talloc_free(text);
}

static void values_lie_in_one_another(void **state)
{
    struct kt_json_writer json;
    char *text;

    (void)state;
    kt_json_writer_begin(&json, NULL, SIZE_MAX_BYTES);
    kt_json_write_object(&json, NULL);
    kt_json_write_array(&json, "empty");
    kt_json_write_end(&json);
    kt_json_write_array(&json, "list");
    kt_json_write_boolean(&json, NULL, true);
    kt_json_write_object(&json, NULL);
    kt_json_write_end(&json);
    kt_json_write_object(&json, NULL);
    kt_json_write_null(&json, "none");
    kt_json_write_boolean(&json, "no", false);
    kt_json_write_end(&json);
    kt_json_write_end(&json);
    kt_json_write_text(&json, "last", "x");
    kt_json_write_end(&json);
    assert_int_equal(kt_json_writer_finish(&json, &text, NULL), 0);
    assert_string_equal(
        text, "{\"empty\":[],\"list\":[true,{},{\"none\":null,\"no\":false}],\"last\":\"x\"}");
    assert_is_json(text);
    talloc_free(text);
}

/** Write an array of so many bytes. @return as kt_json_writer_finish */
static int write_array(size_t bytes, size_t size_max)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    struct kt_json_writer json;
    char *text;
    size_t size;
    int result;

    kt_json_writer_begin(&json, memory, size_max);
    kt_json_write_array(&json, NULL);
    for (size_t index = 0; index < (bytes - 1) / 2; index++)
        kt_json_write_integer(&json, NULL, 7);
    kt_json_write_end(&json);
    result = kt_json_writer_finish(&json, &text, &size);
    assert_true(result == 0 ? size == bytes && strlen(text) == bytes : text == NULL && size == 0);
    talloc_free(memory);
    return result;
}

static void size_is_bounded(void **state)
{
    struct kt_json_writer json;
    char *text;

    (void)state;
    assert_int_equal(write_array(9999, 9999), 0);
    assert_int_equal(write_array(9999, 9998), -EMSGSIZE);
    assert_int_equal(write_array(999999, 9998), -EMSGSIZE);
    kt_json_writer_begin(&json, NULL, 8);
    kt_json_write_object(&json, NULL);
    kt_json_write_text(&json, "a", "a string that is longer");
    kt_json_write_integer(&json, "b", 1);
    kt_json_write_end(&json);
    assert_int_equal(kt_json_writer_finish(&json, &text, NULL), -EMSGSIZE);
    assert_null(text);
}

static void a_week_is_json(void **state)
{
    struct found found =
        find(EVENT("He said \"Größe\" \\\\ 5 µm",
                   "UID:a\nATTENDEE:mailto:me@example.org\n"
                   "ATTENDEE;CN=Zoë \\\"Z\\\":mailto:zoe@example.org\n"
                   "DTSTART;TZID=Europe/Berlin:20260317T090000\nDURATION:PT1H20M\n"
                   "RRULE:FREQ=DAILY\n") EVENT("A day", "UID:b\nDTSTART;VALUE=DATE:20260318\n"),
             "Europe/Berlin", "2026-03-25"); /* the clock is turned: 167 hours */
    struct kt_breakdown breakdown;
    struct kt_warnings warnings = {.count = 0, .dropped = 3};
    struct kt_week week = {.window = &found.window,
                           .breakdown = &breakdown,
                           .warnings = &warnings,
                           .events_max = 3,
                           .people_max = 10};
    char *text;
    size_t size;

    (void)state;
    assert_int_equal(kt_breakdown_make(found.memory, &found.events, &found.window,
                                       &kt_breakdown_defaults, &breakdown),
                     0);
    assert_int_equal(kt_week_json(found.memory, &week, SIZE_MAX_BYTES, &text, &size), 0);
    assert_is_json(text);
    assert_non_null(strstr(text, "\"hours\":167,"));
    assert_non_null(strstr(text, "\"start\":\"2026-03-25T09:00:00+01:00\""));
    assert_non_null(strstr(text, "\"summary\":\"He said \\\"Größe\\\" \\\\ 5 µm\""));
    assert_non_null(strstr(text, "\"events_total\":7,"));
    assert_non_null(strstr(text, "\"incomplete\":false,\"warnings\":[\"There are 3 more "
                                 "warnings.\"]}"));
    assert_int_equal(kt_week_json(found.memory, &week, size - 1, &text, NULL), -EMSGSIZE);
    assert_null(text);
    week.is_brief = week.is_incomplete = true;
    assert_int_equal(kt_week_json(found.memory, &week, size / 2, &text, NULL), 0);
    assert_is_json(text);
    assert_non_null(strstr(text, "\"incomplete\":true,"));
    assert_non_null(strstr(text, "\"unanswered\":{\"count\":7,"));
    assert_non_null(strstr(text, "\"date\":\"2026-03-29\",\"one_off_minutes\":0,"));
    assert_null(strstr(text, "\"focus\""));
    assert_null(strstr(text, "\"events\""));
    found_free(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_escaped),
        cmocka_unit_test(what_is_no_utf8_is_replaced),
        cmocka_unit_test(long_text_is_whole),
        cmocka_unit_test(text_of_control_characters_is_whole),
        cmocka_unit_test(numbers_lose_nothing),
        cmocka_unit_test(values_lie_in_one_another),
        cmocka_unit_test(size_is_bounded),
        cmocka_unit_test(a_week_is_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
