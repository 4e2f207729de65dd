/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the breakdown of a heavy week costs: 750 events of three calendars, 150 people, every sixth
 * event of a series. One JSON object a line, {"figure", "value", "unit"}, for the figures named on
 * the command line. With --naive first, a part of the same numbers (the union, conflicts, hours of
 * the day, hours per person) by the first way that comes to mind: a counter for each minute of the
 * week, and a list of people that is searched from its start.
 */
#include "calendar/breakdown.h"
#include "calendar/civil.h"
#include "calendar/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FIGURE "breakdown_750"
#define EVENTS 750u
#define PEOPLE 150u
#define GUESTS_MAX 8u
#define ROUNDS 400
#define WEEK_MINUTES (7 * 24 * 60)

static struct kt_person people[PEOPLE];
static struct kt_person guests[EVENTS][GUESTS_MAX];
static struct kt_details details[EVENTS];
static struct kt_event items[EVENTS];
static struct kt_window window;
/** Keeps the compiler from leaving out what nobody reads. */
static volatile int64_t sink;

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/** Numbers without a pattern, the same in every run. */
static uint32_t mix(uint32_t value)
{
    value = (value ^ value >> 16) * 0x45d9f3bu;
    value = (value ^ value >> 16) * 0x45d9f3bu;
    return value ^ value >> 16;
}

static void make_events(TALLOC_CTX *memory)
{
    for (uint32_t index = 0; index < PEOPLE; index++)
        people[index] = (struct kt_person){
            talloc_asprintf(memory, "firstname.surname%u@example.org", mix(index)),
            talloc_asprintf(memory, "Firstname Surname %u", index)};
    for (uint32_t index = 0; index < EVENTS; index++) {
        uint32_t random = mix(index + 1000);
        int64_t start =
            kt_window_start(&window) + (int64_t)(random % (WEEK_MINUTES / 15)) * 15 * 60;

        details[index] = (struct kt_details){
            .uid = talloc_asprintf(memory, "%u@example.org", index % 6 ? index : index % 60),
            .summary = "A meeting about something",
            .people = guests[index],
            .people_count = random >> 8 & (GUESTS_MAX - 1),
            .attendee_count = (random >> 8 & (GUESTS_MAX - 1)) + 1,
        };
        for (uint32_t at = 0; at < GUESTS_MAX; at++)
            guests[index][at] = people[mix(random + at) % PEOPLE];
        items[index] = (struct kt_event){
            .details = &details[index],
            .original = start,
            .is_recurring = index % 6 == 0,
            .start = start,
            .end = start + (int64_t)(random >> 16 & 7) * 15 * 60,
        };
    }
}

static void breakdown(TALLOC_CTX *memory)
{
    const struct kt_events events = {items, EVENTS};
    TALLOC_CTX *round = talloc_new(memory);
    struct kt_breakdown result;

    if (kt_breakdown_make(round, &events, &window, &kt_breakdown_defaults, &result) < 0)
        abort();
    sink = result.real + result.people[0].seconds;
    talloc_free(round);
}

static void naive(void)
{
    static uint16_t minutes[WEEK_MINUTES + 24 * 60];
    static struct {
        const char *address;
        int64_t seconds;
    } known[PEOPLE];
    int64_t real = 0, conflict = 0, hours[24] = {0};
    size_t count = 0;

    memset(minutes, 0, sizeof(minutes));
    for (uint32_t index = 0; index < EVENTS; index++) {
        const struct kt_event *event = &items[index];
        int64_t from = (event->start - kt_window_start(&window)) / 60;
        int64_t length = (event->end - event->start) / 60;

        for (int64_t minute = 0; event->details->people_count && minute < length; minute++)
            minutes[from + minute]++;
        for (uint32_t guest = 0; guest < event->details->people_count; guest++) {
            size_t at = 0;

            while (at < count && strcmp(known[at].address, guests[index][guest].address) != 0)
                at++;
            if (at == count)
                known[count++].address = guests[index][guest].address;
            known[at].seconds += length * 60;
        }
    }
    for (int minute = 0; minute < WEEK_MINUTES; minute++) {
        real += minutes[minute] > 0;
        conflict += minutes[minute] > 1;
        hours[minute / 60 % 24] += minutes[minute] > 0;
    }
    sink = real + conflict + hours[9] + known[0].seconds;
}

int main(int argc, char **argv)
{
    bool is_naive = argc > 1 && strcmp(argv[1], "--naive") == 0;
    TALLOC_CTX *memory = talloc_new(NULL);
    struct kt_zone *zone;
    double begin;

    for (int index = is_naive ? 2 : 1; index < argc; index++) {
        if (strcmp(argv[index], FIGURE) != 0) {
            fprintf(stderr, "bench_breakdown: there is no figure %s\n", argv[index]);
            return 2;
        }
    }
    if (kt_zone_open(memory, "Europe/Berlin", &zone) < 0 ||
        kt_window_week(memory, zone, kt_day_from_date(2026, 11, 16), 0, &window) < 0) {
        fprintf(stderr, "bench_breakdown: no time zones here\n");
        return 1;
    }
    make_events(memory);
    begin = seconds();
    for (int round = 0; round < ROUNDS; round++) {
        if (is_naive)
            naive();
        else
            breakdown(memory);
    }
    printf("{\"figure\": \"" FIGURE "\", \"value\": %.1f, \"unit\": \"us\"}\n",
           (seconds() - begin) / ROUNDS * 1e6);
    talloc_free(memory);
    return 0;
}
