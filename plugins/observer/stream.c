/* SPDX-License-Identifier: BSD-2-Clause */
/* A request that goes on; how many there are in this worker is bounded. */
#include "stream.h"

#include "access.h"
#include "gather.h"
#include "history.h"
#include "instance.h"
#include "observer.h"
#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <kontor/kontor.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** When to try again when there are too many. */
#define RETRY_AFTER_S "30"

/** Streams of this worker that are open. */
static uint32_t open_streams;

/** A place among them; its end, which comes in whatever way the process ends, makes room. */
struct place {
    struct kt_request *request;
};

static int leave_place(struct place *place)
{
    (void)place;
    open_streams--;
    return 0;
}

static struct place *take_place(struct kt_request *request)
{
    const struct observer *observer = kt_request_context(request);
    if (open_streams >= observer->streams_max)
        return NULL;
    struct place *place = kt_must(talloc_zero(kt_self_memory(), struct place));
    place->request = request;
    open_streams++;
    talloc_set_destructor(place, leave_place);
    return place;
}

/** Send an event. @param id  0: none. The JSON is freed. */
static int send_event(struct kt_request *request, const char *name, int64_t id, cJSON *json)
{
    char head[96];
    char *text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    int size = id > 0 ? snprintf(head, sizeof head, "id: %" PRId64 "\nevent: %s\ndata: ", id, name)
                      : snprintf(head, sizeof head, "event: %s\ndata: ", name);
    int result = text ? kt_response_write(request, head, (size_t)size) : -ENOMEM;
    if (result == 0)
        result = kt_response_write(request, text, strlen(text));
    if (result == 0)
        result = kt_response_write(request, "\n\n", 2);
    cJSON_free(text);
    return result;
}

static int send_workers(struct kt_request *request)
{
    cJSON *workers;
    int result = gather(INSTANCE_WORKER, NULL, &workers);
    if (result < 0)
        return result;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddItemToObject(json, "workers", workers);
    cJSON_AddBoolToObject(json, "may_kill", access_is_killer(request));
    return send_event(request, "workers", 0, json);
}

/** @param ret_after_ms  the time of the last sample that the page has; becomes that of the last
 *                       one sent */
static int send_samples(struct kt_request *request, int64_t *ret_after_ms)
{
    cJSON *answers, *question = cJSON_CreateObject();
    const int64_t now_ms = kt_unix_ms();
    if (*ret_after_ms > now_ms) /* the clock was set back: on with what comes from now on */
        *ret_after_ms = now_ms - HISTORY_STEP_MS;
    cJSON_AddNumberToObject(question, "after_ms", (double)*ret_after_ms);
    int result = gather(INSTANCE_HISTORY, question, &answers);
    if (result < 0)
        return result;
    cJSON *samples = report_add_up(answers, kt_unix_ms() - HISTORY_LATE_MS);
    int count = cJSON_GetArraySize(samples);
    cJSON_Delete(answers);
    if (count == 0) {
        cJSON_Delete(samples);
        return 0;
    }
    const cJSON *last = cJSON_GetArrayItem(samples, count - 1);
    *ret_after_ms = (int64_t)cJSON_GetNumberValue(cJSON_GetObjectItem(last, "time_ms"));
    cJSON *json = cJSON_CreateObject();
    cJSON_AddItemToObject(json, "samples", samples);
    cJSON_AddItemToObject(json, "bounds_ms", report_bounds());
    return send_event(request, "samples", *ret_after_ms, json);
}

/** What the page has already, as it or its browser says. */
static int64_t asked_after_ms(struct kt_request *request)
{
    const char *text = kt_request_param(request, "HTTP_LAST_EVENT_ID");
    if (!text)
        text = kt_request_query(request, "after_ms");
    int64_t after_ms = text ? strtoll(text, NULL, 10) : 0;
    return after_ms > 0 && after_ms < kt_unix_ms() ? after_ms : 0;
}

void stream_serve(struct kt_request *request)
{
    if (!access_may_look(request))
        return;
    struct place *place = take_place(request);
    if (!place) {
        kt_response_header(request, "Retry-After", RETRY_AFTER_S);
        kt_respond_problem(request, 503,
                           "Too many pages of the observer are open; please try again later.");
        return;
    }
    int64_t after_ms = asked_after_ms(request);
    kt_request_deadline(request, -1);
    kt_response_header(request, "X-Accel-Buffering", "no");
    kt_response_header(request, "Cache-Control", "no-store");
    int result = kt_response_begin(request, 200, "text/event-stream", -1);
    while (result == 0) {
        result = send_workers(request);
        if (result == 0)
            result = send_samples(request, &after_ms);
        if (result == 0)
            result = kt_response_flush(request);
        if (result == 0)
            kt_sleep(HISTORY_STEP_MS);
    }
    talloc_free(place);
}
