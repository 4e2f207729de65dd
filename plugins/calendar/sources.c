/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One source is read by the caller itself, several by a process each. These get the question as a
 * copy, since they may be at work on the thread pool when the caller is gone.
 */
#include "sources.h"

#include "gather.h"
#include "zone.h"

#include <errno.h>
#include <kontor/process.h>

/** What the processes share. */
struct reading {
    struct kt_sources *sources;
    struct kt_window window;
    struct kt_source_question question;
};

/** What one of them brings. */
struct report {
    int status;
    struct kt_source_answer answer;
    struct kt_source_error error;
};

struct kt_sources *kt_sources_new(void)
{
    return kt_must(talloc_zero(NULL, struct kt_sources));
}

int kt_sources_add(struct kt_sources *sources, struct kt_source *source)
{
    if (sources->count == KT_SOURCES_MAX)
        return -E2BIG;
    sources->list[sources->count++] = source;
    return 0;
}

/* ---------------------------------------------------------------- in a process of its own */

static struct reading *copy_question(const struct kt_source_question *question)
{
    const struct kt_window *window = question->window;
    struct reading *reading = kt_must(talloc_zero(NULL, struct reading));
    struct kt_zone *zone;

    if (kt_zone_open(reading, kt_zone_name(window->zone), &zone) < 0) {
        talloc_free(reading);
        return NULL;
    }
    reading->window = *window;
    reading->window.zone = zone;
    reading->window.bounds = kt_must(talloc_memdup(
        reading, window->bounds, (size_t)(window->days + 1) * sizeof(*window->bounds)));
    reading->question = *question;
    reading->question.window = &reading->window;
    reading->question.person = kt_must(talloc_strdup(reading, question->person));
    return reading;
}

static void read_one(void *shared, uint32_t index, void *result)
{
    struct reading *reading = shared;
    struct kt_source *source = reading->sources->list[index];
    struct report *report = result;

    report->status =
        source->read(source, report, &reading->question, &report->answer, &report->error);
    kt_source_name_events(report, &report->answer.events, source->calendar);
}

/* ---------------------------------------------------------------- together */

/** What failed becomes a warning. @return how many answers there are */
static uint32_t warn(TALLOC_CTX *context, const struct kt_sources *sources, void *const *results,
                     struct kt_warnings *warnings)
{
    uint32_t answers = 0;

    for (uint32_t index = 0; index < sources->count; index++) {
        const struct report *report = results[index];
        const char *label = sources->list[index]->label;

        if (!report)
            kt_warnings_add(context, warnings, "%s did not answer in time: its events are missing.",
                            label);
        else if (report->status < 0)
            kt_warnings_add(context, warnings, "%s: %s. Its events are missing.", label,
                            report->error.text);
        else
            answers++;
    }
    return answers;
}

/** All answers in one; what is missing is told first. @return how many answers there are */
static uint32_t merge(TALLOC_CTX *context, const struct kt_sources *sources, void *const *results,
                      struct kt_source_answer *ret_answer)
{
    uint32_t answers = warn(context, sources, results, &ret_answer->warnings);

    ret_answer->is_incomplete = answers < sources->count;
    for (uint32_t index = 0; index < sources->count; index++) {
        const struct report *report = results[index];

        if (!report || report->status < 0)
            continue;
        kt_source_answer_add(context, ret_answer, &report->answer.events, &report->answer.warnings);
        ret_answer->is_incomplete |= report->answer.is_incomplete;
    }
    return answers;
}

static int fail(const struct kt_sources *sources, void *const *results,
                struct kt_source_error *error)
{
    for (uint32_t index = 0; index < sources->count; index++) {
        const struct report *report = results[index];

        if (report && report->status < 0) {
            *error = report->error;
            return report->status;
        }
    }
    return kt_source_fail(error, KT_TROUBLE_LATE, "no calendar answered in time");
}

static int read_all(TALLOC_CTX *context, struct kt_sources *sources,
                    const struct kt_source_question *question, struct kt_source_answer *ret_answer,
                    struct kt_source_error *error)
{
    struct reading *reading = copy_question(question);
    void *results[KT_SOURCES_MAX] = {NULL};
    int status;

    if (!reading) {
        talloc_free(sources);
        return kt_source_fail(error, KT_TROUBLE_OVERLOADED, "the time zone cannot be read now");
    }
    reading->sources = talloc_steal(reading, sources);
    status = kt_gather(context, read_one, reading, sources->count, sizeof(struct report),
                       question->deadline_ms, results);
    if (status < 0)
        return kt_source_fail(error, KT_TROUBLE_OVERLOADED, "the server is too busy now");
    return merge(context, sources, results, ret_answer) > 0 ? 0 : fail(sources, results, error);
}

int kt_sources_read(TALLOC_CTX *context, struct kt_sources *sources,
                    const struct kt_source_question *question, struct kt_source_answer *ret_answer,
                    struct kt_source_error *error)
{
    struct kt_source *source = sources->list[0];
    int status;

    if (sources->count > 1)
        return read_all(context, sources, question, ret_answer, error);
    talloc_steal(context, sources);
    status = source->read(source, context, question, ret_answer, error);
    kt_source_name_events(context, &ret_answer->events, source->calendar);
    return status;
}
