/* SPDX-License-Identifier: BSD-2-Clause */
/* A table is its columns, how many rows it has, and a function that writes the cells of one. */
#include "rows.h"
#include "civil.h"
#include "row_text.h"
#include "zone.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** "2026-11-16 09:00:00", and "+01:00". */
#define TIME_TEXT_SIZE 48

/** What a row is made of. */
struct look {
    const struct kt_breakdown *breakdown;
    const struct kt_window *window;
};

/* ---------------------------------------------------------------- times */

static void put_day(struct kt_row_text *text, int32_t day)
{
    char date[KT_DATE_TEXT_SIZE];

    kt_date_format(day, date);
    kt_row_string(text, date);
}

/** What the clock on the wall shows: spreadsheets have no zones. */
static void put_clock(struct kt_row_text *text, const struct kt_zone *zone, int64_t instant)
{
    int64_t local = kt_zone_to_local(zone, instant);
    int32_t day = kt_local_day(local);
    int of_day = (int)(local - (int64_t)day * KT_DAY_SECONDS);
    char date[KT_DATE_TEXT_SIZE], clock[TIME_TEXT_SIZE];

    kt_date_format(day, date);
    snprintf(clock, sizeof(clock), "%s %02d:%02d:%02d", date, of_day / 3600, of_day / 60 % 60,
             of_day % 60);
    kt_row_string(text, clock);
}

/** "UTC+01:00", so that an hour which comes twice can be told apart. */
static void put_offset(struct kt_row_text *text, int32_t offset)
{
    char words[TIME_TEXT_SIZE];
    int distance = abs(offset) / 60;

    snprintf(words, sizeof(words), "UTC%c%02d:%02d", offset < 0 ? '-' : '+', distance / 60,
             distance % 60);
    kt_row_string(text, words);
}

/* ---------------------------------------------------------------- events */

static const char *const event_columns[] = {
    "date",   "start",     "end",  "offset",   "hours",  "days",  "title",     "kind",     "size",
    "series", "organiser", "mine", "response", "people", "names", "addresses", "calendar", NULL,
};

static const char *answer_name(enum kt_answer answer)
{
    switch (answer) {
    case KT_ANSWER_ACCEPTED:
        return "accepted";
    case KT_ANSWER_DECLINED:
        return "declined";
    case KT_ANSWER_TENTATIVE:
        return "tentative";
    case KT_ANSWER_NONE:
        break;
    }
    return "none";
}

/** The people of an event in one cell. */
static void put_people(struct kt_row_text *text, const struct kt_details *details, bool by_name)
{
    struct kt_row_text list = {.context = text->context};

    for (uint32_t index = 0; index < details->people_count; index++) {
        const struct kt_person *person = &details->people[index];

        kt_row_raw(&list, index > 0 ? "; " : "");
        kt_row_raw(&list, by_name ? person->name : person->address);
    }
    text->is_out_of_memory |= list.is_out_of_memory;
    kt_row_string(text, list.bytes ? list.bytes : "");
    talloc_free(list.bytes);
}

/** When an event is: of its first day in the window, and not clipped. */
static void put_when(struct kt_row_text *text, const struct kt_counted *counted,
                     const struct kt_window *window)
{
    const struct kt_event *event = counted->event;
    int32_t day = event->is_all_day ? event->first_day
                                    : kt_local_day(kt_zone_to_local(window->zone, event->start));

    put_day(text, day < window->first_day ? window->first_day : day);
    if (event->is_all_day) {
        put_day(text, event->first_day);
        put_day(text, event->end_day);
        kt_row_string(text, NULL);
    } else {
        put_clock(text, window->zone, event->start);
        put_clock(text, window->zone, event->end);
        put_offset(text, kt_zone_offset(window->zone, event->start));
    }
    kt_row_hours(text, counted->seconds);
    kt_row_integer(text, counted->days);
}

static size_t count_events(const struct kt_breakdown *breakdown)
{
    return breakdown->counted_count;
}

static void put_event(struct kt_row_text *text, const struct look *look, size_t index)
{
    const struct kt_counted *counted = &look->breakdown->counted[index];
    const struct kt_details *details = counted->event->details;

    put_when(text, counted, look->window);
    kt_row_string(text, details->summary);
    kt_row_string(text, kt_kind_name(counted->kind));
    kt_row_string(text, kt_kind_is_meeting(counted->kind) ? kt_size_name(counted->size) : NULL);
    kt_row_string(text, counted->event->is_recurring ? "yes" : "no");
    kt_row_string(text, details->organizer);
    kt_row_string(text, details->is_organizer ? "yes" : "no");
    kt_row_string(text, answer_name(details->answer));
    kt_row_integer(text, details->people_count);
    put_people(text, details, true);
    put_people(text, details, false);
    kt_row_string(text, counted->event->calendar);
}

/* ---------------------------------------------------------------- people */

static const char *const person_columns[] = {
    "name",      "address", "hours", "meetings", "one_to_one", "one_to_one_hours",
    "organised", "first",   NULL,
};

static size_t count_people(const struct kt_breakdown *breakdown)
{
    return breakdown->people_count;
}

static void put_person(struct kt_row_text *text, const struct look *look, size_t index)
{
    const struct kt_person_sum *sum = &look->breakdown->people[index];

    kt_row_string(text, sum->person->name);
    kt_row_string(text, sum->person->address);
    kt_row_hours(text, sum->seconds);
    kt_row_integer(text, sum->meetings);
    kt_row_integer(text, sum->one_to_one.count);
    kt_row_hours(text, sum->one_to_one.seconds);
    kt_row_integer(text, sum->organised);
    put_clock(text, look->window->zone, sum->first);
}

/* ---------------------------------------------------------------- days */

static const char *const day_columns[] = {
    "date",
    "hours",
    "meeting_hours",
    "conflict_hours",
    "one_off_hours",
    "recurring_hours",
    "own_hours",
    "focus_hours",
    "after_hours",
    "working_hours",
    "focusable_hours",
    "fragmented_hours",
    NULL,
};

static size_t count_days(const struct kt_breakdown *breakdown)
{
    return breakdown->day_count;
}

static void put_day_row(struct kt_row_text *text, const struct look *look, size_t index)
{
    const struct kt_breakdown_day *day = &look->breakdown->days[index];
    const int64_t seconds[] = {
        day->length,
        day->real,
        day->conflict,
        day->seconds[KT_KIND_ONE_OFF],
        day->seconds[KT_KIND_RECURRING],
        day->seconds[KT_KIND_OWN],
        day->seconds[KT_KIND_FOCUS],
        day->after_hours,
        day->working,
        day->focusable.seconds,
        day->fragmented.seconds,
    };

    put_day(text, day->day);
    for (size_t column = 0; column < sizeof(seconds) / sizeof(*seconds); column++)
        kt_row_hours(text, seconds[column]);
}

/* ---------------------------------------------------------------- series */

static const char *const series_columns[] = {"title", "meetings", "hours", "person_hours", NULL};

static size_t count_series(const struct kt_breakdown *breakdown)
{
    return breakdown->series_count;
}

static void put_series(struct kt_row_text *text, const struct look *look, size_t index)
{
    const struct kt_series_sum *series = &look->breakdown->series[index];

    kt_row_string(text, series->details->summary);
    kt_row_integer(text, series->sum.count);
    kt_row_hours(text, series->sum.seconds);
    kt_row_hours(text, series->cost);
}

/* ---------------------------------------------------------------- the tables */

static const struct table {
    const char *name;
    const char *const *columns;
    size_t (*count)(const struct kt_breakdown *breakdown);
    void (*put)(struct kt_row_text *text, const struct look *look, size_t index);
} tables[KT_ROWS_COUNT] = {
    [KT_ROWS_EVENTS] = {"events", event_columns, count_events, put_event},
    [KT_ROWS_PEOPLE] = {"people", person_columns, count_people, put_person},
    [KT_ROWS_DAYS] = {"days", day_columns, count_days, put_day_row},
    [KT_ROWS_SERIES] = {"series", series_columns, count_series, put_series},
};

const char *kt_rows_name(enum kt_rows rows)
{
    return tables[rows].name;
}

enum kt_rows kt_rows_find(const char *name)
{
    enum kt_rows rows = 0;

    while (rows < KT_ROWS_COUNT && strcmp(tables[rows].name, name) != 0)
        rows++;
    return rows;
}

static void put_table(struct kt_row_text *text, const struct table *table, const struct look *look)
{
    kt_row_table(text, table->columns);
    for (size_t index = 0; index < table->count(look->breakdown) && !text->is_out_of_memory;
         index++) {
        kt_row_begin(text);
        table->put(text, look, index);
        kt_row_end(text);
    }
}

/** @return 0 or -ENOMEM */
static int finish(const struct kt_row_text *text, char **ret_text, size_t *ret_size)
{
    *ret_text = text->bytes;
    *ret_size = text->size;
    return text->is_out_of_memory ? -ENOMEM : 0;
}

int kt_rows_csv(TALLOC_CTX *context, enum kt_rows rows, const struct kt_breakdown *breakdown,
                const struct kt_window *window, char **ret_text, size_t *ret_size)
{
    struct kt_row_text text = {.context = context};

    put_table(&text, &tables[rows], &(struct look){breakdown, window});
    return finish(&text, ret_text, ret_size);
}

int kt_rows_json(TALLOC_CTX *context, const struct kt_breakdown *breakdown,
                 const struct kt_window *window, char **ret_text, size_t *ret_size)
{
    struct kt_row_text text = {.context = context, .is_json = true};

    for (enum kt_rows rows = 0; rows < KT_ROWS_COUNT; rows++) {
        kt_row_raw(&text, rows == 0 ? "{\"" : ",\"");
        kt_row_raw(&text, tables[rows].name);
        kt_row_raw(&text, "\":");
        put_table(&text, &tables[rows], &(struct look){breakdown, window});
        kt_row_raw(&text, "]");
    }
    kt_row_raw(&text, "}");
    return finish(&text, ret_text, ret_size);
}
