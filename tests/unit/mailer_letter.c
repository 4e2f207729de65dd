/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: people would get mails that are garbled, injected into, or say wrong numbers. */
#include "inside.h"

#include "mailer/letter.h"
#include "mailer/template.h"
#include "mailer/unread.h"
#include "mailer/view.h"

static char *render(const char *text, const char *json, enum kt_template_escape escape)
{
    cJSON *data = cJSON_Parse(json);
    char *result = NULL;

    assert_non_null(data);
    if (kt_template_render(NULL, text, data, escape, &result, NULL) < 0)
        result = NULL;
    cJSON_Delete(data);
    return result;
}

static void assert_rendered(const char *text, const char *json, const char *expected)
{
    char *result = render(text, json, KT_TEMPLATE_HTML);

    assert_non_null(result);
    assert_string_equal(result, expected);
    talloc_free(result);
}

static void templates_fill_values_lists_and_absences(void **state)
{
    (void)state;
    assert_rendered("Hello {{name}}!", "{\"name\":\"Ada\"}", "Hello Ada!");
    assert_rendered("{{a}}{{none}}", "{\"a\":90}", "90");
    assert_rendered("{{#l}}<{{.}}>{{/l}}", "{\"l\":[\"a\",\"b\"]}", "<a><b>");
    assert_rendered("{{#l}}{{n}}{{o}} {{/l}}", "{\"o\":1,\"l\":[{\"n\":2},{\"n\":3}]}", "21 31 ");
    assert_rendered("{{^l}}none{{/l}}{{#l}}some{{/l}}", "{\"l\":[]}", "none");
    assert_rendered("{{#z}}zero{{/z}}{{^e}}empty{{/e}}", "{\"z\":0,\"e\":\"\"}", "empty");
    assert_rendered("a\n{{#l}}\n{{.}}\n{{/l}}\nb", "{\"l\":[1,2]}", "a\n1\n2\nb");
    assert_rendered("{{#a}}{{#b}}{{c}}{{/b}}{{/a}}", "{\"a\":{\"b\":{\"c\":\"d\"}}}", "d");
}

static void templates_escape_what_is_hostile(void **state)
{
    (void)state;
    char *text;

    assert_rendered("{{n}}", "{\"n\":\"<b>\\\"&'\"}", "&lt;b&gt;&quot;&amp;&#39;");
    text = render("{{n}}", "{\"n\":\"a\\r\\nb\"}", KT_TEMPLATE_TEXT);
    assert_string_equal(text, "a  b");
    talloc_free(text);
}

static void malformed_templates_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"{{",           "{{#a}}", "{{/a}}",
                                        "{{#a}}{{/b}}", "{{}}",   "{{#a}}{{#b}}{{/a}}{{/b}}"};

    for (size_t index = 0; index < sizeof(texts) / sizeof(texts[0]); index++)
        assert_null(render(texts[index], "{\"a\":1,\"b\":1}", KT_TEMPLATE_TEXT));
}

static void a_template_without_end_is_bounded(void **state)
{
    (void)state;
    cJSON *data = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(data, "l");
    char *result;

    for (int index = 0; index < 100; index++)
        cJSON_AddItemToArray(list, cJSON_CreateNumber(index));
    assert_int_equal(kt_template_render(NULL, "{{#l}}{{#l}}{{#l}}xxxxxxxxxx{{/l}}{{/l}}{{/l}}",
                                        data, KT_TEMPLATE_TEXT, &result, NULL),
                     -E2BIG);
    cJSON_Delete(data);
}

static void addresses_that_could_inject_are_refused(void **state)
{
    (void)state;
    static const char *const good[] = {"a@b.c", "ada.lovelace+week@example.org", "a@localhost"};
    static const char *const bad[] = {
        "",        "a",         "@b",     "a@",           "a b@c.d",  "a@b\r\nX",
        "<a@b.c>", "a@b,c@d",   ".a@b.c", "a.@b.c",       "a..b@c.d", "a@-b.c",
        "a@b.c-",  "\"a\"@b.c", "a@b@c",  "\xc3\xa4@b.c", "a@b.c\n",  "a@.b"};

    for (size_t index = 0; index < sizeof(good) / sizeof(good[0]); index++)
        assert_true(kt_mail_address_is_good(good[index]));
    for (size_t index = 0; index < sizeof(bad) / sizeof(bad[0]); index++)
        assert_false(kt_mail_address_is_good(bad[index]));
}

static void header_texts_are_ascii_and_one_field(void **state)
{
    (void)state;
    TALLOC_CTX *memory = talloc_new(NULL);
    struct kt_mailbox mailbox;
    char *text = kt_mail_header_text(memory, "Your week: 14 h 30");

    assert_string_equal(text, "Your week: 14 h 30");
    assert_string_equal(kt_mail_header_text(memory, "Gr\xc3\xbc\xc3\x9f"
                                                    "e"),
                        "=?UTF-8?B?R3LDvMOfZQ==?=");
    assert_string_equal(kt_mail_header_text(memory, "a\r\nBcc: x"), "a  Bcc: x");
    assert_int_equal(kt_mailbox_parse(memory, "J\xc3\xbcrgen <j@example.org>", &mailbox), 0);
    assert_string_equal(kt_mailbox_text(memory, &mailbox),
                        "=?UTF-8?B?SsO8cmdlbg==?= <j@example.org>");
    assert_int_equal(kt_mailbox_parse(memory, "kontor <k@example.org>", &mailbox), 0);
    assert_string_equal(kt_mailbox_text(memory, &mailbox), "\"kontor\" <k@example.org>");
    assert_int_equal(kt_mailbox_parse(memory, "k@example.org", &mailbox), 0);
    assert_string_equal(kt_mailbox_text(memory, &mailbox), "k@example.org");
    assert_int_equal(kt_mailbox_parse(memory, "k <k@example.org> x", &mailbox), -EINVAL);
    talloc_free(memory);
}

static void quoted_printable_keeps_its_lines(void **state)
{
    (void)state;
    TALLOC_CTX *memory = talloc_new(NULL);
    char *text = kt_mail_quoted_printable(memory, "a=b \n\xc3\xa4\n.\n");
    char wide[200];

    assert_string_equal(text, "a=3Db=20\r\n=C3=A4\r\n.\r\n");
    memset(wide, 'x', sizeof(wide) - 1);
    wide[sizeof(wide) - 1] = 0;
    text = kt_mail_quoted_printable(memory, wide);
    for (char *line = strtok(text, "\r\n"); line; line = strtok(NULL, "\r\n"))
        assert_true(strlen(line) <= 76);
    talloc_free(memory);
}

static void durations_and_dates_read_as_people_say_them(void **state)
{
    (void)state;
    char duration[KT_VIEW_DURATION_SIZE], date[KT_MAIL_DATE_SIZE];

    kt_view_duration(870, duration);
    assert_string_equal(duration, "14 h 30");
    kt_view_duration(605, duration);
    assert_string_equal(duration, "10 h 05");
    kt_view_duration(180, duration);
    assert_string_equal(duration, "3 h");
    kt_view_duration(45, duration);
    assert_string_equal(duration, "45 min");
    kt_mail_date(1795197600, date);
    assert_string_equal(date, "Fri, 20 Nov 2026 18:00:00 +0000");
}

static const char week_json[] =
    "{\"week\":{\"first_date\":\"2026-11-16\",\"last_date\":\"2026-11-22\"},"
    "\"totals\":{\"meetings\":{\"real_minutes\":870},\"one_off\":{\"count\":1,\"minutes\":60},"
    "\"recurring\":{\"count\":9,\"minutes\":810}},"
    "\"days\":[{\"date\":\"2026-11-16\",\"one_off_minutes\":60,\"recurring_minutes\":540,"
    "\"real_minutes\":600},{\"date\":\"2026-11-17\"}],"
    "\"people\":[{\"name\":\"<Bob>\",\"minutes\":420}],\"people_total\":3,"
    "\"comparison\":{\"weeks\":1,\"real_minutes\":{\"now\":870,\"last\":690}},\"warnings\":[\"w\"]"
    "}";

static const struct kt_view_links links = {"https://k/p", "https://k/s", "https://k/u?token=a&b"};

static void the_view_says_what_the_week_was(void **state)
{
    (void)state;
    cJSON *week = cJSON_Parse(week_json), *view, *empty;

    view = kt_view_make(week, &links);
    assert_string_equal(cJSON_GetObjectItem(view, "headline")->valuestring,
                        "You spent 14 h 30 in meetings, 3 h more than the week before.");
    assert_string_equal(cJSON_GetObjectItem(view, "title")->valuestring,
                        "Your week, 16 to 22 November 2026");
    assert_int_equal(cJSON_GetObjectItem(view, "more_people")->valueint, 2);
    cJSON_Delete(view);
    empty = cJSON_Parse("{\"totals\":{},\"days\":[],\"week\":{}}");
    view = kt_view_make(empty, &links);
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(view, "is_empty")));
    cJSON_Delete(view);
    cJSON_Delete(empty);
    cJSON_DeleteItemFromObject(week, "comparison");
    view = kt_view_make(week, &links);
    assert_string_equal(cJSON_GetObjectItem(view, "headline")->valuestring,
                        "You spent 14 h 30 in meetings.");
    cJSON_Delete(view);
    cJSON_AddTrueToObject(week, "incomplete");
    view = kt_view_make(week, &links);
    assert_string_equal(cJSON_GetObjectItem(view, "headline")->valuestring,
                        "You spent at least 14 h 30 in meetings: a calendar could not be read.");
    cJSON_Delete(view);
    empty = cJSON_Parse("{\"totals\":{},\"days\":[],\"week\":{},\"incomplete\":true}");
    view = kt_view_make(empty, &links);
    assert_false(cJSON_IsTrue(cJSON_GetObjectItem(view, "is_empty")));
    assert_string_equal(cJSON_GetObjectItem(view, "subject")->valuestring,
                        "Your week: a calendar could not be read");
    cJSON_Delete(view);
    cJSON_Delete(empty);
    empty = cJSON_Parse("{\"detail\":\"no week\"}");
    assert_null(kt_view_make(empty, &links));
    cJSON_Delete(empty);
    cJSON_Delete(week);
}

static void a_week_that_could_not_be_read_says_what_to_do(void **state)
{
    (void)state;
    int32_t monday = 20773; /* 2026-11-16 */
    const struct kt_unread *gone = kt_unread_find("gone"), *other = kt_unread_find("new");
    cJSON *view = kt_view_make_unread(monday, "It is gone.", gone->advice, &links);
    const cJSON *warnings = cJSON_GetObjectItem(view, "warnings");

    assert_string_equal(cJSON_GetObjectItem(view, "title")->valuestring,
                        "Your week, 16 to 22 November 2026");
    assert_string_equal(cJSON_GetObjectItem(view, "subject")->valuestring,
                        "Your week could not be read");
    assert_string_equal(cJSON_GetArrayItem(warnings, 0)->valuestring, "It is gone.");
    assert_string_equal(cJSON_GetArrayItem(warnings, 1)->valuestring, gone->advice);
    assert_ptr_not_equal(gone, other);
    assert_ptr_equal(other, kt_unread_find("late"));
    cJSON_Delete(view);
}

/** The letter without the "=" at ends of lines that quoted-printable breaks (RFC 2045, 6.7). */
static const char *without_soft_breaks(TALLOC_CTX *memory, const char *letter)
{
    char *copy = talloc_strdup(memory, letter), *to = copy;
    for (const char *at = letter; *at; at++) {
        if (strncmp(at, "=\r\n", 3) == 0)
            at += 2;
        else
            *to++ = *at;
    }
    *to = '\0';
    return copy;
}

static void a_letter_has_all_its_fields_and_both_bodies(void **state)
{
    (void)state;
    TALLOC_CTX *memory = talloc_new(NULL);
    struct kt_letter_templates templates;
    struct kt_error error = {.code = 0};
    struct kt_mailbox from;
    cJSON *week = cJSON_Parse(week_json), *view = kt_view_make(week, &links);
    const char *const expected[] = {
        "Subject: Your week: 14 h 30 in meetings\r\n",
        "Message-ID: <1@example.org>\r\n",
        "List-Unsubscribe: <https://k/u?token=3Da&b>\r\n",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
        "To: ada@example.org\r\n",
        "Content-Type: text/plain; charset=utf-8\r\n",
        "Content-Type: text/html; charset=utf-8\r\n",
        "with <Bob>: 7 h",
        "Bob&gt;",
    };
    size_t size;
    char *letter;

    if (kt_letter_templates_read(memory, TEMPLATES, "week", &templates, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(kt_mailbox_parse(memory, "kontor <k@example.org>", &from), 0);
    letter = kt_letter_write(memory,
                             &(struct kt_letter){.templates = &templates,
                                                 .view = view,
                                                 .from = &from,
                                                 .to = "ada@example.org",
                                                 .message_id = "1@example.org",
                                                 .date = 1795197600,
                                                 .unsubscribe = "https://k/u?token=3Da&b"},
                             &size);
    assert_non_null(letter);
    assert_int_equal(strlen(letter), size);
    const char *unfolded = without_soft_breaks(memory, letter);
    for (size_t index = 0; index < sizeof(expected) / sizeof(expected[0]); index++) {
        if (!strstr(unfolded, expected[index]))
            fail_msg("not in the letter: %s\n%s", expected[index], letter);
    }
    for (const char *at = letter; (at = strchr(at, '\n')) != NULL; at++)
        assert_true(at[-1] == '\r');
    cJSON_Delete(view);
    cJSON_Delete(week);
    talloc_free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(templates_fill_values_lists_and_absences),
        cmocka_unit_test(templates_escape_what_is_hostile),
        cmocka_unit_test(malformed_templates_are_refused),
        cmocka_unit_test(a_template_without_end_is_bounded),
        cmocka_unit_test(addresses_that_could_inject_are_refused),
        cmocka_unit_test(header_texts_are_ascii_and_one_field),
        cmocka_unit_test(quoted_printable_keeps_its_lines),
        cmocka_unit_test(durations_and_dates_read_as_people_say_them),
        cmocka_unit_test(the_view_says_what_the_week_was),
        cmocka_unit_test(a_week_that_could_not_be_read_says_what_to_do),
        cmocka_unit_test(a_letter_has_all_its_fields_and_both_bodies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
