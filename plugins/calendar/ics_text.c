/* SPDX-License-Identifier: BSD-2-Clause */
/* One piece of work: parse, expand, tell. What it makes belongs to a root of its own. */
#include "ics_text.h"

#include "event_copy.h"
#include "work_tree.h"

#include <errno.h>
#include <kontor/process.h>

/** What was made of texts up to this size is kept as it is until the look ends. */
#define KEPT_SIZE_MAX ((size_t)128 << 10)

struct text_source {
    struct kt_source source;
    const struct kt_service *service;
    const char *text;
    size_t size;
    const char *const *owners;
};

/** For the thread pool. */
struct job {
    TALLOC_CTX *tree;
    const struct kt_source_question *question;
    struct kt_turns *turns;
    const struct kt_ics_text *texts;
    size_t count;
    bool is_file; /* one text, which has to be a calendar */
    struct kt_ics_options options;
    const struct kt_series_limits *limits;
    struct kt_calendar calendar;
    struct kt_source_answer answer;
    struct kt_error error;
    int result;
};

static int read_texts(struct job *job, TALLOC_CTX *context)
{
    if (job->is_file)
        return kt_ics_read(context, job->texts->data, job->texts->size, &job->options,
                           &job->calendar, &job->error);
    return kt_ics_read_all(context, job->texts, job->count, &job->options, &job->calendar,
                           &job->error);
}

static void find_events(struct job *job, TALLOC_CTX *context)
{
    job->result = read_texts(job, context);
    if (job->result < 0)
        return;
    job->answer.warnings = job->calendar.warnings;
    job->result = kt_calendar_events(context, &job->calendar, job->question->window, job->limits,
                                     &job->answer.events, &job->answer.warnings);
    if (job->result < 0)
        kt_error_set(&job->error, job->result, "there is not enough memory");
}

/** What was found becomes the job's own. */
static void keep_answer(struct job *job)
{
    struct kt_events found = job->answer.events;

    for (size_t index = 0; index < job->answer.warnings.count; index++)
        talloc_steal(job->tree, job->answer.warnings.texts[index]);
    if (job->result == 0)
        job->result = kt_events_copy(job->tree, &found, &job->answer.events);
    if (job->result == -ENOMEM)
        kt_error_set(&job->error, job->result, "there is not enough memory");
}

/** Of a calendar of years all goes at once but what was asked for. */
static void run(void *argument)
{
    struct job *job = argument;
    TALLOC_CTX *context = job->tree;
    size_t size = 0;

    for (size_t index = 0; index < job->count; index++)
        size += job->texts[index].size;
    if (size > KEPT_SIZE_MAX)
        context = talloc_new(NULL);
    if (!context) {
        job->result = kt_error_set(&job->error, -ENOMEM, "there is not enough memory");
        return;
    }
    find_events(job, context);
    if (context != job->tree) {
        keep_answer(job);
        talloc_free(context);
    }
}

static struct job *new_job(TALLOC_CTX *context, const struct kt_service *service,
                           const char *const *owners, const struct kt_source_question *question)
{
    static const char *const nobody[] = {NULL};
    TALLOC_CTX *tree = kt_must(kt_work_tree(context));
    struct job *job = kt_must(talloc_zero(tree, struct job));

    job->tree = tree;
    job->options = service->ics;
    job->options.owners = owners ? owners : nobody;
    job->limits = &service->limits;
    job->question = question;
    job->turns = service->texts;
    return job;
}

/** In turns: what it costs depends on the text, and other work needs the thread pool, too. */
static int do_job(struct job *job, struct kt_source_answer *ret_answer,
                  struct kt_source_error *error)
{
    struct kt_turn *turn;
    int status;

    if (kt_turns_take(kt_self_memory(), job->turns, job->question->person, 1,
                      job->question->deadline_ms, &turn) < 0)
        return kt_source_fail(error, KT_TROUBLE_OVERLOADED, "the server is too busy now");
    status = kt_work(run, job);
    talloc_free(turn);
    if (status < 0)
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

int kt_ics_text_events(TALLOC_CTX *context, const struct kt_service *service, const char *text,
                       size_t size, const char *const *owners,
                       const struct kt_source_question *question,
                       struct kt_source_answer *ret_answer, struct kt_source_error *error)
{
    struct job *job = new_job(context, service, owners, question);
    struct kt_ics_text *only = kt_must(talloc(job, struct kt_ics_text));

    *only = (struct kt_ics_text){text, size};
    job->texts = only;
    job->count = 1;
    job->is_file = true;
    job->options.file_comes_first = true;
    return do_job(job, ret_answer, error);
}

int kt_ics_texts_events(TALLOC_CTX *context, const struct kt_service *service,
                        const struct kt_ics_text *texts, size_t count, const char *const *owners,
                        const struct kt_source_question *question,
                        struct kt_source_answer *ret_answer, struct kt_source_error *error)
{
    struct job *job = new_job(context, service, owners, question);

    job->texts = texts;
    job->count = count;
    return do_job(job, ret_answer, error);
}

static int text_read(struct kt_source *source, TALLOC_CTX *context,
                     const struct kt_source_question *question, struct kt_source_answer *ret_answer,
                     struct kt_source_error *error)
{
    const struct text_source *text = (const struct text_source *)source;

    return kt_ics_text_events(context, text->service, text->text, text->size, text->owners,
                              question, ret_answer, error);
}

struct kt_source *kt_ics_text_new(TALLOC_CTX *context, const struct kt_service *service,
                                  const char *text, size_t size, const char *const *owners)
{
    struct text_source *source = kt_must(talloc_zero(context, struct text_source));

    source->source =
        (struct kt_source){.name = "upload", .label = "The uploaded calendar", .read = text_read};
    source->service = service;
    source->text = text;
    source->size = size;
    source->owners = owners;
    return &source->source;
}
