/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A week in plain words: from the JSON of GET /api/calendar/week to what the templates of the mail
 * show. Knows the two shapes; no mail, no templates.
 */
#ifndef MAILER_VIEW_H
#define MAILER_VIEW_H

#include <cjson/cJSON.h>
#include <stdint.h>

/** How many people are named. */
#define KT_VIEW_PEOPLE_MAX 5u
/** "14 h 30" and its NUL. */
#define KT_VIEW_DURATION_SIZE 32

/** Where the mail's links lead. All borrowed, never NULL. */
struct kt_view_links {
    const char *page;
    const char *settings;
    const char *unsubscribe;
};

/**
 * Make the view: subject, title, headline, is_empty, has_hours, is_unread, days (name, date,
 * duration, has_meetings, one_off_width, recurring_width, rest_width in per cent, bar), kinds
 * (name, duration, count), people (name, duration), more_people, warnings, and the links. A week
 * that is "incomplete" says so first, and is never empty.
 * @param week  of the calendar; with a "comparison" also what changed is said
 * @return by cJSON's allocator, NULL: no memory, or the week has not the shape of a week
 */
cJSON *kt_view_make(const cJSON *week, const struct kt_view_links *links);

/**
 * Make the view of a week of which nothing could be read; the same shape.
 * @param detail  what the calendar says to the person; NULL: nothing
 * @param advice  what can be done
 * @return by cJSON's allocator, NULL: no memory
 */
cJSON *kt_view_make_unread(int32_t first_day, const char *detail, const char *advice,
                           const struct kt_view_links *links);

/** "14 h 30", "3 h", "45 min", "no time". */
void kt_view_duration(int64_t minutes, char text[KT_VIEW_DURATION_SIZE]);

#endif
