/* SPDX-License-Identifier: BSD-2-Clause */
#include "json_request.h"

#include <kontor/log.h>
#include <string.h>

cJSON *kt_need_json(struct kt_request *request)
{
    cJSON *json = NULL;
    int result = kt_request_json(request, &json);

    if (result == 0 && cJSON_IsObject(json))
        return json;
    if (result < 0)
        kt_respond_body_error(request, result);
    else
        kt_respond_problem(request, 400, "The body has to be a JSON object.");
    return NULL;
}

const char *kt_json_member(const cJSON *json, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));

    return text ? text : "";
}

void kt_respond_store_error(struct kt_request *request, const char *what, int code)
{
    kt_log_warning("%s: %s", what, strerror(-code));
    kt_respond_problem(request, 503, "The store can't be used now. Try again in a moment.");
}
