/* SPDX-License-Identifier: BSD-2-Clause */
/* One piece of work: parse, expand, tell. What it makes belongs to a root of its own. */
#include "ics_text.h"

#include "work_tree.h"

#include <errno.h>
#include <kontor/process.h>

struct text_source {
    struct kt_source source;
    const struct kt_service *service;
    const char *text;
    size_t size;
};

/** For the thread pool. */
struct job {
    TALLOC_CTX *tree;
    const char *text;
    size_t size;
    struct kt_ics_options options;
    const struct kt_series_limits *limits;
    const struct kt_window *window;
    struct kt_calendar calendar;
    struct kt_source_answer answer;
    struct kt_error error;
    int result;
};

static void run(void *argument)
{
    struct job *job = argument;

    job->result =
        kt_ics_read(job->tree, job->text, job->size, &job->options, &job->calendar, &job->error);
    if (job->result < 0)
        return;
    job->answer.warnings = job->calendar.warnings;
    job->result = kt_calendar_events(job->tree, &job->calendar, job->window, job->limits,
                                     &job->answer.events, &job->answer.warnings);
    if (job->result < 0)
        kt_error_set(&job->error, job->result, "there is not enough memory");
}

int kt_ics_text_events(TALLOC_CTX *context, const struct kt_service *service, const char *text,
                       size_t size, const char *const *owners,
                       const struct kt_source_question *question,
                       struct kt_source_answer *ret_answer, struct kt_source_error *error)
{
    static const char *const nobody[] = {NULL};
    TALLOC_CTX *tree = kt_must(kt_work_tree(context));
    struct job *job = kt_must(talloc_zero(tree, struct job));

    job->tree = tree;
    job->text = text;
    job->size = size;
    job->options = service->ics;
    job->options.owners = owners ? owners : nobody;
    job->limits = &service->limits;
    job->window = question->window;
    if (kt_work(run, job) < 0)
        return kt_source_fail(error, KT_TROUBLE_OVERLOADED, "the server is too busy now");
    if (job->result == -E2BIG)
        return kt_source_fail(error, KT_TROUBLE_TOO_LARGE, "%s", job->error.text);
    if (job->result == -EBADMSG)
        return kt_source_fail(error, KT_TROUBLE_UNREADABLE, "%s", job->error.text);
    if (job->result < 0)
        return kt_source_fail(error, KT_TROUBLE_OVERLOADED, "there is not enough memory");
    *ret_answer = job->answer;
    return 0;
}

static int text_read(struct kt_source *source, TALLOC_CTX *context,
                     const struct kt_source_question *question, struct kt_source_answer *ret_answer,
                     struct kt_source_error *error)
{
    const struct text_source *text = (const struct text_source *)source;

    return kt_ics_text_events(context, text->service, text->text, text->size, NULL, question,
                              ret_answer, error);
}

struct kt_source *kt_ics_text_new(TALLOC_CTX *context, const struct kt_service *service,
                                  const char *text, size_t size)
{
    struct text_source *source = kt_must(talloc_zero(context, struct text_source));

    source->source =
        (struct kt_source){.name = "upload", .label = "The uploaded calendar", .read = text_read};
    source->service = service;
    source->text = text;
    source->size = size;
    return &source->source;
}
