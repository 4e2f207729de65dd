/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: a page of Google's that is cut or odd would bring a worker down, or count
 * wrongly. */
#include "inside.h"

#include "calendar/google_page.h"
#include "calendar/rfc3339.h"

#define PAGE                                                                                       \
    "{\"nextPageToken\":\"t\\u0031\",\"items\":[{\"id\":\"a\",\"iCalUID\":\"a@google.com\","       \
    "\"status\":\"confirmed\",\"summary\":\"Gr\\u00fcn\",\"start\":{\"dateTime\":"                 \
    "\"2026-11-16T09:00:00+01:00\"},\"end\":{\"dateTime\":\"2026-11-16T10:30:00+01:00\"},"         \
    "\"attendees\":[{\"email\":\"me@example.org\",\"self\":true,\"responseStatus\":\"accepted\"}," \
    "{\"email\":\"Ada@Example.org\",\"responseStatus\":\"accepted\",\"additionalGuests\":2},"      \
    "{\"email\":\"ada@example.org\"},{\"displayName\":\"nobody\"}],\"organizer\":{\"email\":"      \
    "\"ada@example.org\"}},{\"id\":\"b\",\"start\":{\"date\":\"2026-11-18\"},\"end\":{\"date\":"   \
    "\"2026-11-20\"},\"recurringEventId\":\"s\",\"originalStartTime\":{\"date\":\"2026-11-17\"}}]" \
    "}"

#define EVENTS_MAX 100

static struct kt_google_events *read_page(TALLOC_CTX *memory, const char *text, size_t size,
                                          int *ret_result)
{
    struct kt_google_events *events = kt_google_events_new(memory, EVENTS_MAX);

    *ret_result = kt_google_events_add(events, text, size);
    return events;
}

static void page_is_read(void **state)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    const struct kt_event *event;
    int result;
    struct kt_google_events *events = read_page(memory, PAGE, strlen(PAGE), &result);

    (void)state;
    assert_int_equal(result, 0);
    assert_string_equal(events->next_page, "t1");
    assert_int_equal(events->events.count, 2);
    event = &events->events.items[0];
    assert_string_equal(event->details->summary, "Grün");
    assert_int_equal(event->start, 1794816000);
    assert_int_equal(event->end - event->start, 90 * 60);
    assert_int_equal(event->original, event->start);
    assert_false(event->is_recurring);
    /* Twice the same address is one person; who has none is counted only. */
    assert_int_equal(event->details->people_count, 1);
    assert_string_equal(event->details->people[0].address, "ada@example.org");
    assert_int_equal(event->details->attendee_count, 6);
    event = &events->events.items[1];
    assert_true(event->is_all_day && event->is_recurring);
    assert_int_equal(event->end_day - event->first_day, 2);
    assert_int_equal(event->original, (int64_t)(event->first_day - 1) * 86400);
    assert_string_equal(event->details->uid, "b");
    talloc_free(memory);
}

/** Each beginning of a page is broken; none does harm. The text has no byte more than it says. */
static void cut_pages_are_refused(void **state)
{
    (void)state;
    for (size_t size = 0; size < strlen(PAGE); size++) {
        TALLOC_CTX *memory = talloc_new(NULL);
        char *text = size ? malloc(size) : malloc(1);
        int result;

        memcpy(text, PAGE, size);
        read_page(memory, text, size, &result);
        assert_int_equal(result, -EBADMSG);
        free(text);
        talloc_free(memory);
    }
}

/** Whatever single byte is wrong, it does no harm. */
static void odd_bytes_do_no_harm(void **state)
{
    static const char odd[] = "\"\\{}[]:,0x\xff";

    (void)state;
    for (size_t at = 0; at < strlen(PAGE); at++) {
        for (size_t index = 0; index < sizeof(odd); index++) {
            TALLOC_CTX *memory = talloc_new(NULL);
            char text[] = PAGE;
            int result;

            text[at] = odd[index];
            read_page(memory, text, strlen(PAGE), &result);
            assert_true(result == 0 || result == -EBADMSG);
            talloc_free(memory);
        }
    }
}

static void events_are_bounded(void **state)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    struct kt_google_events *events = kt_google_events_new(memory, 1);

    (void)state;
    assert_int_equal(kt_google_events_add(events, PAGE, strlen(PAGE)), 0);
    assert_int_equal(events->events.count, 1);
    assert_true(events->is_full);
    talloc_free(memory);
}

static void choices_are_kept(void **state)
{
    static const char list[] =
        "{\"items\":[{\"id\":\"me\",\"summary\":\"Me\",\"primary\":true,\"accessRole\":\"owner\"},"
        "{\"id\":\"team\",\"summary\":\"Team\",\"summaryOverride\":\"We\",\"selected\":true,"
        "\"accessRole\":\"owner\"},{\"id\":\"days\",\"summary\":\"Holidays\",\"selected\":true,"
        "\"accessRole\":\"reader\"},{\"id\":\"gone\",\"deleted\":true},{\"summary\":\"no id\"}]}";
    TALLOC_CTX *memory = talloc_new(NULL);
    struct kt_google_calendars first = {.count = 0}, second = {.count = 0};

    (void)state;
    assert_int_equal(kt_google_calendars_add(memory, &first, 10, list, strlen(list)), 0);
    assert_int_equal(kt_google_calendars_add(memory, &second, 2, list, strlen(list)), 0);
    assert_int_equal(first.count, 3);
    assert_int_equal(second.count, 2);
    assert_string_equal(first.items[1].name, "We");
    assert_true(first.items[0].is_chosen && first.items[1].is_chosen && !first.items[2].is_chosen);
    second.items[0].is_chosen = false;
    kt_google_calendars_keep(&first, &second);
    assert_true(!first.items[0].is_chosen && first.items[1].is_chosen);
    talloc_free(memory);
}

static void instants_are_read(void **state)
{
    static const char *const bad[] = {"",
                                      "2026-11-16",
                                      "2026-11-16T09:00:00",
                                      "2026-11-16T24:00:00Z",
                                      "soon",
                                      "2026-11-16T09:00:00+",
                                      "2026-11-16T09:00:00+01:0x",
                                      "2026-02-30T09:00:00Z",
                                      "2026-11-16T09:00:00Z ",
                                      "2026-11-16T09:0:00+01:00"};
    char text[KT_RFC3339_SIZE];
    int64_t instant;

    (void)state;
    assert_int_equal(kt_rfc3339_parse("2026-11-16T09:00:00.999-08:30", &instant), 0);
    assert_int_equal(instant, 1794850200);
    kt_rfc3339_format(instant, text);
    assert_string_equal(text, "2026-11-16T17:30:00Z");
    for (size_t index = 0; index < sizeof(bad) / sizeof(*bad); index++)
        assert_int_equal(kt_rfc3339_parse(bad[index], &instant), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_is_read),         cmocka_unit_test(cut_pages_are_refused),
        cmocka_unit_test(odd_bytes_do_no_harm), cmocka_unit_test(events_are_bounded),
        cmocka_unit_test(choices_are_kept),     cmocka_unit_test(instants_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
