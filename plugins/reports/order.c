/* SPDX-License-Identifier: BSD-2-Clause */
/* Orders and outcomes as JSON. */
#include "order.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct report_file_kind report_file_kinds[REPORT_FILES] = {
    [REPORT_XLSX] = {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    [REPORT_CSV] = {"csv", "text/csv; charset=utf-8"},
    [REPORT_JSON] = {"json", "application/json"},
};

enum report_file report_file_find(const char *name)
{
    for (int file = 0; file < REPORT_FILES; file++)
        if (strcmp(report_file_kinds[file].name, name) == 0)
            return (enum report_file)file;
    return REPORT_FILES;
}

static const char *text_of(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

char *order_write(TALLOC_CTX *context, const struct order *order)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "report", order->report);
    cJSON_AddStringToObject(json, "version", order->version);
    cJSON_AddStringToObject(json, "who", order->who);
    cJSON_AddStringToObject(json, "file", report_file_kinds[order->file].name);
    cJSON *array = cJSON_AddArrayToObject(json, "parameters");
    for (size_t i = 0; i < order->bound_count; i++) {
        const struct bound *bound = &order->bound[i];
        cJSON *one = cJSON_CreateObject();
        cJSON_AddStringToObject(one, "name", bound->name);
        cJSON_AddNumberToObject(one, "type", bound->type);
        if (bound->value)
            cJSON_AddStringToObject(one, "value", bound->value);
        cJSON_AddItemToArray(array, one);
    }
    char *printed = cJSON_PrintUnformatted(json);
    char *text = printed ? talloc_strdup(context, printed) : NULL;
    cJSON_free(printed);
    cJSON_Delete(json);
    return text;
}

/** Copy what an order's JSON says. @return 0, -EBADMSG, -ENOMEM */
static int copy_order(struct order *order, const cJSON *json)
{
    const char *report = text_of(json, "report"), *version = text_of(json, "version");
    const char *who = text_of(json, "who"), *file = text_of(json, "file");
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(json, "parameters"), *one;
    if (!report || !version || !who || !file || !cJSON_IsArray(array))
        return -EBADMSG;
    order->report = talloc_strdup(order, report);
    order->version = talloc_strdup(order, version);
    order->who = talloc_strdup(order, who);
    order->file = report_file_find(file);
    struct bound *bound =
        talloc_zero_array(order, struct bound, (unsigned)cJSON_GetArraySize(array) + 1);
    if (order->file == REPORT_FILES)
        return -EBADMSG;
    if (!order->report || !order->version || !order->who || !bound)
        return -ENOMEM;
    cJSON_ArrayForEach(one, array)
    {
        const char *name = text_of(one, "name"), *value = text_of(one, "value");
        const cJSON *type = cJSON_GetObjectItemCaseSensitive(one, "type");
        if (!name || !cJSON_IsNumber(type))
            return -EBADMSG;
        bound[order->bound_count++] = (struct bound){
            .name = talloc_strdup(bound, name),
            .type = (enum parameter_type)type->valueint,
            .value = value ? talloc_strdup(bound, value) : NULL,
        };
    }
    order->bound = bound;
    return 0;
}

int order_read(TALLOC_CTX *context, const char *text, struct order **ret_order)
{
    struct order *order = talloc_zero(context, struct order);
    cJSON *json = order ? cJSON_Parse(text) : NULL;
    int result = !order ? -ENOMEM : !json ? -EBADMSG : copy_order(order, json);
    cJSON_Delete(json);
    if (result < 0)
        talloc_free(order);
    else
        *ret_order = order;
    return result;
}

int outcome_write(const struct outcome *outcome, char *text, size_t size)
{
    int length =
        snprintf(text, size,
                 "{\"report\":\"%s\",\"format\":\"%s\",\"rows\":%" PRIu64
                 ",\"preview_bytes\":%" PRIu64 ",\"file_bytes\":%" PRIu64 ",\"etag\":\"%s\"}",
                 outcome->report, report_file_kinds[outcome->file].name, outcome->rows,
                 outcome->preview_bytes, outcome->file_bytes, outcome->etag);
    return length < 0 || (size_t)length >= size ? -E2BIG : 0;
}

static uint64_t number_of(const cJSON *json, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
    return cJSON_IsNumber(item) && item->valuedouble >= 0 ? (uint64_t)item->valuedouble : 0;
}

int outcome_read(const char *text, struct outcome *ret_outcome)
{
    cJSON *json = cJSON_Parse(text);
    const char *report = text_of(json, "report"), *format = text_of(json, "format");
    const char *etag = text_of(json, "etag");
    int result = -EBADMSG;
    *ret_outcome = (struct outcome){.file = REPORT_FILES};
    if (report && format && etag && report_file_find(format) != REPORT_FILES) {
        snprintf(ret_outcome->report, sizeof ret_outcome->report, "%s", report);
        snprintf(ret_outcome->etag, sizeof ret_outcome->etag, "%s", etag);
        ret_outcome->file = report_file_find(format);
        ret_outcome->rows = number_of(json, "rows");
        ret_outcome->preview_bytes = number_of(json, "preview_bytes");
        ret_outcome->file_bytes = number_of(json, "file_bytes");
        result = 0;
    }
    cJSON_Delete(json);
    return result;
}
