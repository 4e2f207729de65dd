/* SPDX-License-Identifier: BSD-2-Clause */
/* Sessions are the calendar's, as is their key: only the cookies are handed over to it. */
#include "identity_client.h"

#include "identity.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <string.h>

#define CALL_MS 10000

/** @return owned by the process; to be freed with cJSON_free */
static char *make_question(const struct kt_request *request, const char *cookies)
{
    const char *https = kt_request_param(request, "HTTPS");
    cJSON *question = kt_must(cJSON_CreateObject());
    char *text;

    kt_must(cJSON_AddStringToObject(question, "cookies", cookies));
    if (https)
        kt_must(cJSON_AddStringToObject(question, "https", https));
    text = kt_must(cJSON_PrintUnformatted(question));
    cJSON_Delete(question);
    return text;
}

int kt_identity_find(const struct kt_request *request, const char **ret_user)
{
    const char *user = kt_request_user(request), *cookies = kt_request_header(request, "Cookie");
    kt_pid calendar = kt_whereis(KT_IDENTITY_SERVER);
    const struct kt_message *reply;
    char *question;
    int result;

    *ret_user = user && *user ? user : NULL;
    if (*ret_user || !cookies || calendar == KT_PID_NONE)
        return 0;
    question = make_question(request, cookies);
    result = kt_call(calendar, KT_IDENTITY_WHO, question, strlen(question), CALL_MS, &reply);
    cJSON_free(question);
    if (result < 0)
        return result;
    if (reply->type == KT_IDENTITY_FOUND)
        *ret_user = kt_must(talloc_strndup(kt_self_memory(), reply->data, reply->size));
    return reply->type == KT_IDENTITY_FOUND || reply->type == KT_IDENTITY_NOBODY ? 0 : -EAGAIN;
}
