/* SPDX-License-Identifier: BSD-2-Clause */
#include "look_request.h"
#include "connections.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool kt_look_is_wanted(struct kt_request *request, const char *name)
{
    const char *value = kt_request_query(request, name);

    return value && strcmp(value, "1") == 0;
}

/** The file that was sent along. @return false: the request has been answered */
static bool read_upload(struct kt_request *request, struct kt_look_question *question)
{
    int result = kt_request_body(request, &question->upload, &question->upload_size);

    if (result == 0 && question->upload_size > question->service->file_size_max)
        result = -EMSGSIZE;
    if (result < 0)
        kt_respond_body_error(request, result);
    return result == 0;
}

/** @return false: the request has been answered */
static bool read_question(struct kt_request *request, struct kt_look_question *question)
{
    question->zone = kt_request_query(request, "tz");
    if (strcmp(kt_request_method(request), "POST") == 0)
        return read_upload(request, question);
    question->is_sample = kt_look_is_wanted(request, "sample");
    if (!question->is_sample)
        question->user = kt_connections_user(request);
    return true;
}

static void respond_refusal(struct kt_request *request, const struct kt_look_refusal *refusal)
{
    char pause[32];

    if (refusal->pause_ms > 0) {
        snprintf(pause, sizeof(pause), "%lld", (long long)(refusal->pause_ms + 999) / 1000);
        kt_response_header(request, "Retry-After", pause);
    }
    if (refusal->trouble != KT_TROUBLE_NONE)
        kt_response_header(request, "X-Calendar-Trouble", kt_trouble_name(refusal->trouble));
    kt_respond_problem(request, refusal->status, "%s", refusal->text);
}

const struct kt_look *kt_look_for_request(struct kt_request *request,
                                          struct kt_look_question *question)
{
    struct kt_look_refusal refusal;
    struct kt_look *look;
    char timing[128];

    if (!read_question(request, question))
        return NULL;
    if (kt_look(question, &look, &refusal) < 0) {
        respond_refusal(request, &refusal);
        return NULL;
    }
    snprintf(timing, sizeof(timing), "%s;dur=%.2f, breakdown;dur=%.2f", look->source, look->read_ms,
             look->made_ms);
    kt_response_header(request, "Server-Timing", timing);
    kt_response_header(request, "Cache-Control", "no-store");
    return look;
}
