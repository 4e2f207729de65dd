/* SPDX-License-Identifier: BSD-2-Clause */
#include "look_request.h"
#include "connections.h"

#include <arpa/inet.h>
#include <errno.h>
#include <kontor/process.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

bool kt_look_is_wanted(struct kt_request *request, const char *name)
{
    const char *value = kt_request_query(request, name);

    return value && strcmp(value, "1") == 0;
}

/** Who asks when nobody has signed in: an address; of IPv6 its network, which is one household's.
 */
static const char *read_client(struct kt_request *request)
{
    const char *client = kt_request_param(request, "REMOTE_ADDR");
    struct in6_addr address;
    char text[INET6_ADDRSTRLEN];

    if (!client || inet_pton(AF_INET6, client, &address) != 1 || IN6_IS_ADDR_V4MAPPED(&address))
        return client;
    memset((char *)&address + sizeof(address) / 2, 0, sizeof(address) / 2);
    return kt_must(
        talloc_strdup(kt_self_memory(), inet_ntop(AF_INET6, &address, text, sizeof(text))));
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
    bool is_upload = strcmp(kt_request_method(request), "POST") == 0;

    question->zone = kt_request_query(request, "tz");
    question->is_sample = !is_upload && kt_look_is_wanted(request, "sample");
    if (!question->is_sample)
        question->user = kt_connections_user(request);
    question->client = read_client(request);
    return !is_upload || read_upload(request, question);
}

void kt_look_respond_refusal(struct kt_request *request, const struct kt_look_refusal *refusal)
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
        kt_look_respond_refusal(request, &refusal);
        return NULL;
    }
    snprintf(timing, sizeof(timing), "%s;dur=%.2f, breakdown;dur=%.2f", look->source, look->read_ms,
             look->made_ms);
    kt_response_header(request, "Server-Timing", timing);
    kt_response_header(request, "Cache-Control", "no-store");
    return look;
}
