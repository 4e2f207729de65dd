/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The recurrence set: entries as calendars write them (a master, its rules, exceptions and moved
 * instances) become the events of a window. Knows nothing of file formats: iCalendar files,
 * CalDAV servers and tests fill the same entries. A calendar is immutable once it is complete, so
 * that several threads may expand it at once.
 */
#ifndef CALENDAR_SERIES_H
#define CALENDAR_SERIES_H

#include "event.h"
#include "rule.h"

/** How a moment names its time. */
enum kt_moment_form {
    KT_MOMENT_FLOATING, /**< whatever zone the person looks from */
    KT_MOMENT_UTC,
    KT_MOMENT_ZONED,
    KT_MOMENT_DATE, /**< a day, no time */
};

/** A time as written. */
struct kt_moment {
    enum kt_moment_form form;
    int64_t local;              /**< as in civil.h; midnight for a date */
    const struct kt_zone *zone; /**< if zoned */
};

/**
 * How long an instance lasts: nominal days (of whatever length), then exact seconds. With DTEND the
 * length is exact (RFC 5545, 3.8.5.3), but floating times belong to no zone in which it could be:
 * there each instance ends at the written time of day, as it begins (3.3.5, form 1).
 */
struct kt_span {
    int64_t days;
    int64_t seconds;
    bool is_wall; /**< the seconds are those of a clock on the wall: both ends are floating */
};

/** An additional instance; a period has a duration of its own. */
struct kt_addition {
    struct kt_moment start;
    bool has_span;
    struct kt_span span;
};

/** One VEVENT: a single event, the master of a series, or a changed instance of one. */
struct kt_entry {
    struct kt_details details;
    struct kt_moment start;
    struct kt_span span;
    bool is_cancelled;
    bool is_override; /**< it stands for the instance at `replaces` */
    bool is_range;    /**< and for all after it (RANGE=THISANDFUTURE) */
    struct kt_moment replaces;
    int64_t replaced; /**< when that is; set by kt_calendar_complete */
    int64_t sequence; /**< of two with the same identity the greater one is valid, */
    size_t order;     /**< and of two with the same sequence the later one in the file */
    struct kt_rule *rules;
    uint32_t rule_count;
    struct kt_addition *additions; /**< RDATE */
    uint32_t addition_count;
    struct kt_moment *exclusions; /**< EXDATE */
    uint32_t exclusion_count;
};

/** All entries of a calendar; kt_calendar_complete puts them in order. */
struct kt_calendar {
    struct kt_entry *entries;
    size_t count;
    struct kt_warnings warnings;
};

/** Sort by uid, masters first, and drop outdated versions. Call once, before the first reading. */
void kt_calendar_complete(struct kt_calendar *calendar);

/** Bounds of one expansion. */
struct kt_series_limits {
    size_t instances_max; /**< events in the answer; more are cut off, with a warning */
    uint64_t steps_max;   /**< of effort.h, to follow repetitions; what is beyond is missing, with
                               a warning */
};

/**
 * The instances that touch a window, in no order.
 * @param context   owns the events and the texts of warnings; details are borrowed from calendar
 * @param warnings  added to
 * @return 0 or -ENOMEM
 */
int kt_calendar_events(TALLOC_CTX *context, const struct kt_calendar *calendar,
                       const struct kt_window *window, const struct kt_series_limits *limits,
                       struct kt_events *ret_events, struct kt_warnings *warnings);

#endif
