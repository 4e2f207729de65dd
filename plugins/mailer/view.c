/* SPDX-License-Identifier: BSD-2-Clause */
/* The headline speaks of real time, as the page does: what overlaps counts once. */
#include "view.h"
#include "calendar/civil.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Differences below this are "about as much". */
#define DIFFERENCE_MIN_MINUTES 15
/** Letters of the longest bar in the text. */
#define BAR_LETTERS 24
/** One letter of it: U+2588. */
#define BAR_LETTER "\u2588"
/** A day of meetings that fills the bar, unless the week has a longer one. */
#define BAR_MINUTES_MIN 240
#define WARNINGS_MAX 3
#define WEEK_DAYS 7

static const char *const day_names[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
static const char *const month_names[] = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};

/* ---------------------------------------------------------------- JSON */

/* Names are literals, which are not copied: there are a hundred in each view. */

static void add_text(cJSON *object, const char *name, const char *text)
{
    cJSON_AddItemToObjectCS(object, name, cJSON_CreateString(text));
}

static void add_number(cJSON *object, const char *name, double number)
{
    cJSON_AddItemToObjectCS(object, name, cJSON_CreateNumber(number));
}

static void add_bool(cJSON *object, const char *name, bool is_true)
{
    cJSON_AddItemToObjectCS(object, name, cJSON_CreateBool(is_true));
}

static cJSON *add_list(cJSON *object, const char *name)
{
    cJSON *list = cJSON_CreateArray();

    cJSON_AddItemToObjectCS(object, name, list);
    return list;
}

static int64_t number_of(const cJSON *object, const char *name)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsNumber(value) ? (int64_t)value->valuedouble : 0;
}

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    return text ? text : "";
}

static int64_t meeting_minutes(const cJSON *week)
{
    const cJSON *totals = cJSON_GetObjectItemCaseSensitive(week, "totals");

    return number_of(cJSON_GetObjectItemCaseSensitive(totals, "meetings"), "real_minutes");
}

/* ---------------------------------------------------------------- the view */

void kt_view_duration(int64_t minutes, char text[KT_VIEW_DURATION_SIZE])
{
    if (minutes <= 0)
        snprintf(text, KT_VIEW_DURATION_SIZE, "no time");
    else if (minutes < 60)
        snprintf(text, KT_VIEW_DURATION_SIZE, "%d min", (int)minutes);
    else if (minutes % 60 == 0)
        snprintf(text, KT_VIEW_DURATION_SIZE, "%lld h", (long long)(minutes / 60));
    else
        snprintf(text, KT_VIEW_DURATION_SIZE, "%lld h %02d", (long long)(minutes / 60),
                 (int)(minutes % 60));
}

static void add_duration(cJSON *object, int64_t minutes)
{
    char text[KT_VIEW_DURATION_SIZE];

    kt_view_duration(minutes, text);
    add_text(object, "duration", text);
}

/** "Your week, 26 October to 1 November 2026". */
static void add_title(cJSON *view, int32_t first_day, int32_t last_day)
{
    struct kt_date first = kt_date_from_day(first_day), last = kt_date_from_day(last_day);
    char text[96];

    snprintf(text, sizeof(text), "Your week, %u%s%s to %u %s %d", (unsigned)first.day,
             first.month == last.month ? "" : " ",
             first.month == last.month ? "" : month_names[first.month - 1], (unsigned)last.day,
             month_names[last.month - 1], (int)last.year);
    add_text(view, "title", text);
}

static void add_dates(cJSON *view, const cJSON *dates)
{
    int32_t first_day, last_day;

    if (kt_date_parse(text_of(dates, "first_date"), &first_day) == 0 &&
        kt_date_parse(text_of(dates, "last_date"), &last_day) == 0)
        add_title(view, first_day, last_day);
}

/** ", 3 h more than last week" */
static void compare_weeks(int64_t minutes, const cJSON *week, char *text, size_t size)
{
    const cJSON *compared = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(week, "comparison"), "real_minutes");
    int64_t difference = minutes - number_of(compared, "last");
    char duration[KT_VIEW_DURATION_SIZE];

    *text = 0;
    if (!compared)
        return;
    if (llabs((long long)difference) < DIFFERENCE_MIN_MINUTES) {
        snprintf(text, size, ", about as much as the week before");
        return;
    }
    kt_view_duration(llabs((long long)difference), duration);
    snprintf(text, size, ", %s %s than the week before", duration,
             difference > 0 ? "more" : "less");
}

/** Nothing is compared: what is missing is missing in the week before, too. */
static void add_words_of_a_part(cJSON *view, int64_t minutes)
{
    char duration[KT_VIEW_DURATION_SIZE], text[160];

    kt_view_duration(minutes, duration);
    if (minutes > 0)
        snprintf(text, sizeof(text),
                 "You spent at least %s in meetings: a calendar could not be read.", duration);
    else
        snprintf(text, sizeof(text),
                 "A calendar could not be read, so this is not your whole week.");
    add_text(view, "headline", text);
    if (minutes > 0)
        snprintf(text, sizeof(text), "Your week: at least %s in meetings, a calendar is missing",
                 duration);
    else
        snprintf(text, sizeof(text), "Your week: a calendar could not be read");
    add_text(view, "subject", text);
}

static void add_words(cJSON *view, int64_t minutes, const cJSON *week)
{
    char duration[KT_VIEW_DURATION_SIZE], comparison[64], text[160];

    kt_view_duration(minutes, duration);
    compare_weeks(minutes, week, comparison, sizeof(comparison));
    if (minutes > 0)
        snprintf(text, sizeof(text), "You spent %s in meetings%s.", duration, comparison);
    else
        snprintf(text, sizeof(text), "No meetings this week: it was all yours.");
    add_text(view, "headline", text);
    if (minutes > 0)
        snprintf(text, sizeof(text), "Your week: %s in meetings", duration);
    else
        snprintf(text, sizeof(text), "Your week: no meetings \u2014 enjoy");
    add_text(view, "subject", text);
}

/** The minutes that fill a bar. */
static int64_t bar_scale(const cJSON *days)
{
    int64_t scale = BAR_MINUTES_MIN;
    const cJSON *day;

    cJSON_ArrayForEach(day, days)
    {
        int64_t minutes = number_of(day, "one_off_minutes") + number_of(day, "recurring_minutes");

        scale = minutes > scale ? minutes : scale;
    }
    return scale;
}

/** A part of a bar in per cent; what is there is seen. */
static int64_t width_of(int64_t minutes, int64_t scale)
{
    int64_t width = minutes * 100 / scale;

    return minutes > 0 && width == 0 ? 1 : width;
}

static void add_bar(cJSON *object, const cJSON *day, int64_t scale)
{
    int64_t one_off = number_of(day, "one_off_minutes");
    int64_t recurring = number_of(day, "recurring_minutes");
    int64_t width = width_of(one_off, scale), other = width_of(recurring, scale);
    char bar[BAR_LETTERS * (sizeof(BAR_LETTER) - 1) + 1], *to = bar;

    width -= width + other > 100 ? width + other - 100 : 0;
    add_number(object, "one_off_width", (double)width);
    add_number(object, "recurring_width", (double)other);
    add_number(object, "rest_width", (double)(100 - width - other));
    for (int64_t letters = (one_off + recurring) * BAR_LETTERS / scale; letters > 0; letters--)
        to = stpcpy(to, BAR_LETTER);
    *to = 0;
    add_text(object, "bar", bar);
}

static void add_days(cJSON *view, const cJSON *week)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(week, "days"), *day;
    cJSON *days = add_list(view, "days");
    int64_t scale = bar_scale(list);

    cJSON_ArrayForEach(day, list)
    {
        cJSON *object;
        struct kt_date date;
        int32_t number;
        char text[24];

        if (kt_date_parse(text_of(day, "date"), &number) < 0)
            continue;
        object = cJSON_CreateObject();
        cJSON_AddItemToArray(days, object);
        date = kt_date_from_day(number);
        snprintf(text, sizeof(text), "%2u %.3s", (unsigned)date.day, month_names[date.month - 1]);
        add_text(object, "name", day_names[kt_day_weekday(number)]);
        add_text(object, "date", text);
        add_bool(object, "has_meetings", number_of(day, "real_minutes") > 0);
        add_duration(object, number_of(day, "real_minutes"));
        add_bar(object, day, scale);
    }
}

static void add_kinds(cJSON *view, const cJSON *week)
{
    static const char *const kinds[][4] = {
        {"one_off", "One-off meetings", "meeting", "meetings"},
        {"recurring", "Recurring meetings", "meeting", "meetings"},
        {"focus", "Focus time", "block", "blocks"},
        {"own", "Own appointments", "appointment", "appointments"},
    };
    const cJSON *totals = cJSON_GetObjectItemCaseSensitive(week, "totals");
    cJSON *list = add_list(view, "kinds");

    for (size_t index = 0; index < sizeof(kinds) / sizeof(kinds[0]); index++) {
        const cJSON *sum = cJSON_GetObjectItemCaseSensitive(totals, kinds[index][0]);
        int64_t count = number_of(sum, "count");
        cJSON *object;
        char text[48];

        if (count == 0)
            continue;
        object = cJSON_CreateObject();
        cJSON_AddItemToArray(list, object);
        add_text(object, "name", kinds[index][1]);
        add_duration(object, number_of(sum, "minutes"));
        snprintf(text, sizeof(text), "%lld %s", (long long)count, kinds[index][count == 1 ? 2 : 3]);
        add_text(object, "count", text);
    }
}

static void add_people(cJSON *view, const cJSON *week)
{
    const cJSON *person;
    cJSON *list = add_list(view, "people");
    int64_t total = number_of(week, "people_total"), listed = 0;

    cJSON_ArrayForEach(person, cJSON_GetObjectItemCaseSensitive(week, "people"))
    {
        const char *name = text_of(person, "name");
        cJSON *object;

        if (listed == KT_VIEW_PEOPLE_MAX)
            break;
        object = cJSON_CreateObject();
        cJSON_AddItemToArray(list, object);
        add_text(object, "name", *name ? name : text_of(person, "address"));
        add_duration(object, number_of(person, "minutes"));
        listed++;
    }
    add_number(view, "more_people", (double)(total > listed ? total - listed : 0));
}

static void add_warnings(cJSON *view, const cJSON *week)
{
    const cJSON *warning;
    cJSON *list = add_list(view, "warnings");

    cJSON_ArrayForEach(warning, cJSON_GetObjectItemCaseSensitive(week, "warnings"))
    {
        if (cJSON_IsString(warning) && cJSON_GetArraySize(list) < WARNINGS_MAX)
            cJSON_AddItemToArray(list, cJSON_CreateString(warning->valuestring));
    }
}

static void add_links(cJSON *view, const struct kt_view_links *links)
{
    add_text(view, "page", links->page);
    add_text(view, "settings", links->settings);
    add_text(view, "unsubscribe", links->unsubscribe);
}

cJSON *kt_view_make(const cJSON *week, const struct kt_view_links *links)
{
    bool is_whole = !cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(week, "incomplete"));
    int64_t minutes = meeting_minutes(week);
    cJSON *view = cJSON_CreateObject();

    if (!view || !cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(week, "totals")) ||
        !cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(week, "days"))) {
        cJSON_Delete(view);
        return NULL;
    }
    add_dates(view, cJSON_GetObjectItemCaseSensitive(week, "week"));
    if (is_whole)
        add_words(view, minutes, week);
    else
        add_words_of_a_part(view, minutes);
    add_bool(view, "is_empty", minutes == 0 && is_whole);
    add_bool(view, "has_hours", minutes > 0);
    add_days(view, week);
    add_kinds(view, week);
    add_people(view, week);
    add_warnings(view, week);
    add_links(view, links);
    return view;
}

cJSON *kt_view_make_unread(int32_t first_day, const char *detail, const char *advice,
                           const struct kt_view_links *links)
{
    cJSON *view = cJSON_CreateObject(), *warnings;

    if (!view)
        return NULL;
    add_title(view, first_day, first_day + WEEK_DAYS - 1);
    add_text(view, "headline", "Your week could not be read.");
    add_text(view, "subject", "Your week could not be read");
    add_bool(view, "is_unread", true);
    warnings = add_list(view, "warnings");
    if (detail)
        cJSON_AddItemToArray(warnings, cJSON_CreateString(detail));
    cJSON_AddItemToArray(warnings, cJSON_CreateString(advice));
    add_links(view, links);
    return view;
}
