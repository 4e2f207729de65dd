/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sources of events: window in, events out, as they are at this moment. A file is one, a calendar
 * on some server another; all fit behind one function, which may park. What a source can't do it
 * says as one of few troubles, for which a page knows what to offer, and in a sentence for the
 * person.
 */
#ifndef CALENDAR_SOURCE_H
#define CALENDAR_SOURCE_H

#include "event.h"

#include <kontor/error.h>

/** Why a source has no events to give; what the person can do about it differs. */
enum kt_trouble {
    KT_TROUBLE_NONE,
    KT_TROUBLE_RECONNECT,   /**< consent or password is no longer valid: connect again */
    KT_TROUBLE_DENIED,      /**< the server knows the person, but refuses this */
    KT_TROUBLE_GONE,        /**< there is no such calendar any more */
    KT_TROUBLE_BUSY,        /**< too many questions: the server wants a pause */
    KT_TROUBLE_UNREACHABLE, /**< no way to the server */
    KT_TROUBLE_LATE,        /**< no answer before the deadline */
    KT_TROUBLE_BROKEN,      /**< the server failed, or what it said makes no sense */
    KT_TROUBLE_TOO_LARGE,   /**< more than the bounds allow */
    KT_TROUBLE_UNREADABLE,  /**< it is no calendar, or a file that can't be read */
    KT_TROUBLE_OVERLOADED,  /**< kontor itself has no room now */
    KT_TROUBLE_COUNT,
};

/** The word for a trouble: "reconnect" …; for JSON and the log. */
const char *kt_trouble_name(enum kt_trouble trouble);

/** The HTTP status of an answer that has nothing else to say: 503, 504, 502 … */
int kt_trouble_status(enum kt_trouble trouble);

/** The trouble that an error of kt_http_fetch means. */
enum kt_trouble kt_trouble_of_fetch(int code);

struct kt_source_error {
    enum kt_trouble trouble;
    int64_t pause_ms;             /**< of KT_TROUBLE_BUSY: wait so long; 0: not known */
    char text[KT_ERROR_TEXT_MAX]; /**< one sentence for the person without a full stop; neither
                                       secrets nor paths */
};

/**
 * Fill an error. @return a negative errno that goes with the trouble, so that one can write
 * `return kt_source_fail(error, KT_TROUBLE_GONE, "…")`
 */
int kt_source_fail(struct kt_source_error *error, enum kt_trouble trouble, const char *format, ...)
    __attribute__((__format__(__printf__, 3, 4)));

/** What is asked; borrowed until the answer. */
struct kt_source_question {
    const struct kt_window *window;
    int64_t deadline_ms; /**< by kt_now_ms: then there is an answer or KT_TROUBLE_LATE */
    const char *person;  /**< whose turn it is where there is only so much of something */
};

/** What a source knows of the window. */
struct kt_source_answer {
    struct kt_events events;
    struct kt_warnings warnings;
    bool is_incomplete; /**< something connected could not be read; a warning says what */
};

/**
 * Say in which calendar those events are that have not said so themselves.
 * @param calendar  copied; NULL: not known
 * @param context   owns the copy. Ends the calling process without memory.
 */
void kt_source_name_events(TALLOC_CTX *context, struct kt_events *events, const char *calendar);

/**
 * Add events and warnings to an answer.
 * @param context  owns the list of events; what they point to stays whose it is
 * Ends the calling process without memory.
 */
void kt_source_answer_add(TALLOC_CTX *context, struct kt_source_answer *answer,
                          const struct kt_events *events, const struct kt_warnings *warnings);

struct kt_source {
    const char *name;     /**< for Server-Timing: a token of letters */
    const char *label;    /**< for people: "Google (ada@example.org)" */
    const char *calendar; /**< the name of the only one that it has; NULL: none, or several */
    /**
     * Read the events of a window, as they are now.
     * @param context     owns the events and all that they point to
     * @param ret_answer  zeroed by the caller
     * @return 0, or a negative errno and the error filled
     * Parks.
     */
    int (*read)(struct kt_source *source, TALLOC_CTX *context,
                const struct kt_source_question *question, struct kt_source_answer *ret_answer,
                struct kt_source_error *error);
};

#endif
