/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A table says what is on in which weeks; a week's number, counted from 1970, decides. All times
 * are local to the window's zone.
 */
#include "sample.h"

#include "civil.h"
#include "zone.h"

#include <errno.h>

#define PEOPLE 7

static const struct kt_person everybody[PEOPLE] = {
    {"grace.hopper@example.org", "Grace Hopper"}, {"alan.turing@example.org", "Alan Turing"},
    {"mary.shelley@example.org", "Mary Shelley"}, {"emmy.noether@example.org", "Emmy Noether"},
    {"kurt.goedel@example.org", "Kurt Gödel"},    {"lise.meitner@example.org", "Lise Meitner"},
    {"edsger@example.org", "Edsger Dijkstra"},
};

/** One line of the calendar. People are a range of everybody. */
struct line {
    const char *summary;
    uint8_t weekday; /* 0 = Monday */
    uint8_t hour, minute;
    uint16_t minutes; /* 0: all day */
    uint8_t first_person, people;
    uint8_t every, remainder; /* in weeks whose number gives this remainder */
    bool is_recurring, is_free;
    enum kt_answer answer;
    enum kt_event_type type;
};

static const struct line lines[] = {
    {"Planning", 0, 9, 30, 60, 0, 5, 1, 0, true, false, 0, 0},
    {"Stand-up", 1, 9, 15, 15, 0, 4, 1, 0, true, false, 0, 0},
    {"Stand-up", 2, 9, 15, 15, 0, 4, 1, 0, true, false, 0, 0},
    {"Stand-up", 3, 9, 15, 15, 0, 4, 1, 0, true, false, 0, 0},
    {"Stand-up", 4, 9, 15, 15, 0, 4, 1, 0, true, false, 0, 0},
    {"Grace and I", 1, 14, 0, 45, 0, 1, 1, 0, true, false, 0, 0},
    {"Alan and I", 3, 16, 0, 30, 1, 1, 2, 0, true, false, 0, 0},
    {"Design review", 2, 13, 30, 90, 1, 4, 1, 0, true, false, 0, 0},
    {"Retrospective", 4, 15, 0, 60, 0, 6, 2, 1, true, false, 0, 0},
    {"All hands", 3, 11, 0, 60, 0, 7, 4, 2, true, false, 0, 0},
    {"Compiler for the night shift", 1, 10, 30, 90, 0, 2, 2, 0, false, false, 0, 0},
    {"Machines that think", 2, 14, 30, 90, 1, 3, 3, 0, false, false, 0, 0},
    {"Symmetry, explained", 0, 14, 0, 120, 3, 2, 3, 1, false, false, 0, 0},
    {"A creature for chapter five", 4, 11, 0, 60, 2, 1, 2, 1, false, false, 0, 0},
    {"Is the proof complete?", 3, 13, 0, 50, 4, 2, 3, 2, false, false, 0, 0},
    {"Call across the ocean", 2, 18, 0, 60, 5, 1, 2, 0, false, false, 0, 0},
    {"Shortest path to the canteen", 3, 12, 0, 45, 6, 1, 4, 1, false, false, 0, 0},
    {"Interviews", 1, 15, 30, 120, 5, 2, 4, 3, false, false, 0, 0},
    {"Focus time", 0, 10, 45, 135, 0, 0, 1, 0, true, false, 0, KT_EVENT_FOCUS_TIME},
    {"Focus time", 4, 9, 30, 90, 0, 0, 2, 0, false, false, 0, KT_EVENT_FOCUS_TIME},
    {"Write the report", 3, 14, 0, 90, 0, 0, 1, 0, false, false, 0, 0},
    {"Dentist", 4, 8, 0, 45, 0, 0, 5, 2, false, false, 0, 0},
    {"Sales numbers", 1, 11, 0, 60, 3, 3, 1, 0, true, false, KT_ANSWER_DECLINED, 0},
    {"Book club", 3, 17, 30, 60, 2, 3, 2, 0, true, false, KT_ANSWER_TENTATIVE, 0},
    {"Lunch run", 2, 12, 0, 30, 0, 0, 1, 0, true, true, 0, 0},
    {"Alan is away", 4, 0, 0, 0, 0, 0, 2, 0, false, false, 0, 0},
    {"Rent is due", 0, 0, 0, 0, 0, 0, 2, 1, false, false, 0, 0},
};
#define LINES (sizeof(lines) / sizeof(*lines))

/** Weeks since the Monday before 1970. */
static uint32_t week_of(int32_t day)
{
    return (uint32_t)(kt_floor_divide((int64_t)day + 3, 7) + 1000000);
}

static void fill_details(const struct line *line, struct kt_details *details)
{
    *details = (struct kt_details){
        .uid = line->summary,
        .summary = line->summary,
        .answer = line->answer,
        .type = line->type,
        .is_free = line->is_free,
        .people = &everybody[line->first_person],
        .people_count = line->people,
        .attendee_count = line->people ? line->people + 1u : 0,
        .organizer = line->people > 1 ? everybody[line->first_person].address : NULL,
        .is_organizer = line->people == 1,
    };
}

static void fill_event(const struct line *line, const struct kt_details *details,
                       const struct kt_window *window, int32_t day, struct kt_event *event)
{
    int64_t local = (int64_t)day * KT_DAY_SECONDS + line->hour * 3600 + line->minute * 60;

    *event = (struct kt_event){.details = details,
                               .is_recurring = line->is_recurring,
                               .is_all_day = line->minutes == 0,
                               .first_day = day,
                               .end_day = day + 1};
    event->start = kt_zone_to_instant(window->zone, local);
    event->end = event->start + line->minutes * INT64_C(60);
    event->original = event->start;
}

int kt_sample_events(TALLOC_CTX *context, const struct kt_window *window,
                     struct kt_events *ret_events)
{
    struct kt_details *details = talloc_array(context, struct kt_details, LINES);
    struct kt_event *items =
        talloc_array(context, struct kt_event, window->days * (unsigned)LINES + 1);
    size_t count = 0;

    if (!details || !items)
        return -ENOMEM;
    for (size_t index = 0; index < LINES; index++)
        fill_details(&lines[index], &details[index]);
    for (uint32_t offset = 0; offset < window->days; offset++) {
        int32_t day = window->first_day + (int32_t)offset;

        for (size_t index = 0; index < LINES; index++) {
            const struct line *line = &lines[index];

            if (line->weekday == kt_day_weekday(day) &&
                week_of(day) % line->every == line->remainder)
                fill_event(line, &details[index], window, day, &items[count++]);
        }
    }
    *ret_events = (struct kt_events){.items = items, .count = count};
    return 0;
}
