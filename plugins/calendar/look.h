/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One look at somebody's calendars, as they are at this moment: days in a row, in a zone, broken
 * down, beside the weeks before if wanted, and written down. Whoever answers anybody looks first;
 * knows neither requests nor messages.
 */
#ifndef CALENDAR_LOOK_H
#define CALENDAR_LOOK_H

#include "compare.h"
#include "rows.h"
#include "service.h"

/** A year, and the days to make it whole weeks: more is a slip of the keyboard. */
#define KT_LOOK_DAYS_MAX 372u
/** What people are told who ask for other days. */
#define KT_LOOK_DAYS_WRONG                                                                         \
    "The first day and the last one are dates such as 2026-10-01, in this order; at most "         \
    "372 days."
/** As the first day: today, in the zone. */
#define KT_LOOK_TODAY INT32_MIN
#define KT_LOOK_WEEK_DAYS 7

struct kt_look;

/** What is looked at. All borrowed until the answer. */
struct kt_look_question {
    const struct kt_service *service;
    const char *user;   /**< whose calendars; NULL: nobody has signed in */
    const char *client; /**< then: where the question comes from, any text; NULL: not known */
    const char *zone; /**< NULL or "": the service's */
    int32_t first_day;
    uint32_t days;       /**< 1 … KT_LOOK_DAYS_MAX, or 0: the whole week that first_day lies in */
    uint32_t week_start; /**< of such a week: 0 = Monday, 6 = Sunday */
    uint32_t weeks_before; /**< 0 … KT_COMPARED_WEEKS, to compare seven days with */
    bool is_sample;        /**< somebody made up instead */
    const char *upload;    /**< this iCalendar text instead; NULL: none */
    size_t upload_size;
    /**
     * Write down what was seen: as look->text, owned by look->tree, and look->size. NULL: nothing
     * is written. On any thread.
     * @return 0, -ENOMEM, or -EMSGSIZE: it is too large
     */
    int (*write)(struct kt_look *look, const struct kt_look_question *question);
    size_t events_max, people_max; /**< listed in what is written; all are counted */
    bool is_brief;                 /**< of JSON: see kt_week */
    size_t size_max;               /**< of JSON, in bytes */
    enum kt_rows rows;             /**< for the writer of a table: which one */
};

/** What was seen; a talloc chunk below which all of it lies. */
struct kt_look {
    TALLOC_CTX *tree; /**< a root of its own; see work_tree.h */
    struct kt_window window;
    struct kt_breakdown breakdown;
    struct kt_comparison comparison; /**< if weeks_before of the question is not 0 */
    struct kt_warnings warnings;
    bool is_incomplete; /**< something connected could not be read; a warning says what */
    int32_t today;      /**< in the zone */
    char *text;         /**< what was written */
    size_t size;
    const char *source;      /**< whose answer it is: a token of letters */
    double read_ms, made_ms; /**< how long the source took, and all the rest after it */
};

/** Why there is nothing to see. */
struct kt_look_refusal {
    int status; /**< of HTTP */
    enum kt_trouble trouble;
    int64_t pause_ms;                  /**< wait so long before asking again; 0: not known */
    char text[KT_ERROR_TEXT_MAX + 96]; /**< one sentence for the person, or two */
};

/**
 * Read a date that can be shown: YYYY-MM-DD in the years 1900 to 2199, as zone data means little
 * outside of them. @return 0 or -EINVAL
 */
int kt_look_day(const char *date, int32_t *ret_day);

/**
 * Read "first day … last day", both as kt_look_day and inclusive.
 * @return 0, or -EINVAL: no such dates, the last before the first, or more than KT_LOOK_DAYS_MAX
 */
int kt_look_days(const char *from, const char *to, int32_t *ret_first_day, uint32_t *ret_days);

/**
 * A piece of a question as it may be shown: printable ASCII, not too long. Owned by the calling
 * process.
 */
const char *kt_look_presentable(const char *text);

/**
 * A question as most are: all of the service's lists, its weeks, whatever was seen as the JSON of
 * README.md. Days, zone and user are left to the caller.
 */
struct kt_look_question kt_look_ask(const struct kt_service *service);

/** Write the JSON of README.md: a `write` for questions. */
int kt_look_write_json(struct kt_look *look, const struct kt_look_question *question);

/**
 * Wait until it is somebody's turn to have their calendars looked at, as kt_look does itself. It is
 * theirs until the calling process ends.
 * @return 0, or a negative errno and the refusal filled
 * Parks.
 */
int kt_look_turn(const struct kt_service *service, const char *user, int64_t deadline_ms,
                 struct kt_look_refusal *refusal);

/**
 * Look.
 * @param ret_look  owned by the calling process
 * @return 0, or a negative errno and the refusal filled
 * Parks.
 */
int kt_look(const struct kt_look_question *question, struct kt_look **ret_look,
            struct kt_look_refusal *refusal);

#endif
