/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of an exported store. Numbers of 64 bits are texts, since those of JSON are doubles. */
#include "control/store_line.h"

#include "store/name.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASE64 sodium_base64_VARIANT_ORIGINAL

/* ---------------------------------------------------------------- writing */

static void add_value(cJSON *json, TALLOC_CTX *context, const struct kt_store_line *line)
{
    if (kt_store_is_text(line->value, line->value_bytes)) {
        cJSON_AddStringToObject(json, "value", line->value);
        return;
    }
    size_t size = sodium_base64_ENCODED_LEN(line->value_bytes, BASE64);
    char *text = talloc_size(context, size);
    if (text)
        cJSON_AddStringToObject(json, "base64",
                                sodium_bin2base64(text, size, (const unsigned char *)line->value,
                                                  line->value_bytes, BASE64));
    talloc_free(text);
}

char *kt_store_line_write(TALLOC_CTX *context, const struct kt_store_line *line)
{
    char number[24];
    cJSON *json = cJSON_CreateObject();
    snprintf(number, sizeof number, "%" PRId64, line->number);
    if (line->kind == KT_STORE_LINE_DOCUMENT || line->kind == KT_STORE_LINE_COUNTER) {
        cJSON_AddStringToObject(json, "namespace", line->name_space);
        cJSON_AddStringToObject(json, "key", line->key);
    }
    switch (line->kind) {
    case KT_STORE_LINE_HEAD:
        cJSON_AddNumberToObject(json, "kontor_store", KT_STORE_LINE_VERSION);
        break;
    case KT_STORE_LINE_DOCUMENT:
        add_value(json, context, line);
        break;
    case KT_STORE_LINE_COUNTER:
        cJSON_AddStringToObject(json, "counter", number);
        break;
    case KT_STORE_LINE_END:
        cJSON_AddStringToObject(json, "end", number);
        break;
    }
    char *text = cJSON_PrintUnformatted(json);
    char *copy = text ? talloc_strdup(context, text) : NULL;
    cJSON_free(text);
    cJSON_Delete(json);
    return copy;
}

/* ---------------------------------------------------------------- reading */

static const char *text_of(const cJSON *json, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
}

static int read_number(const char *text, int64_t *ret_number, struct kt_error *error)
{
    char *end;
    errno = 0;
    *ret_number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0')
        return kt_error_set(error, -EINVAL, "'%.30s' is no number of 64 bits", text);
    return 0;
}

static int read_name(const cJSON *json, struct kt_store_line *line, struct kt_error *error)
{
    const char *name_space = text_of(json, "namespace"), *key = text_of(json, "key");
    struct kt_store_name ignored;
    if (!name_space || !key)
        return kt_error_set(error, -EINVAL, "a namespace or a key is missing");
    if (kt_store_name_check(name_space, key, false, &ignored) < 0)
        return kt_error_set(error, -EINVAL, "the namespace or the key is malformed");
    snprintf(line->name_space, sizeof line->name_space, "%s", name_space);
    snprintf(line->key, sizeof line->key, "%s", key);
    return 0;
}

static int read_value(TALLOC_CTX *context, const cJSON *json, struct kt_store_line *line,
                      struct kt_error *error)
{
    const char *text = text_of(json, "value"), *base64 = text_of(json, "base64");
    size_t bytes = text ? strlen(text) : base64 ? strlen(base64) / 4 * 3 : 0;
    char *value = talloc_zero_size(context, bytes + 1);
    if (!text == !base64)
        return kt_error_set(error, -EINVAL, "expected is one of value, base64 and counter");
    if (!value)
        return kt_error_set(error, -ENOMEM, "out of memory");
    if (text)
        memcpy(value, text, bytes);
    else if (sodium_base642bin((unsigned char *)value, bytes, base64, strlen(base64), NULL, &bytes,
                               NULL, BASE64) < 0)
        return kt_error_set(error, -EINVAL, "the value is not base64");
    if (bytes > KT_STORE_VALUE_MAX)
        return kt_error_set(error, -EINVAL, "the value has more than %u bytes", KT_STORE_VALUE_MAX);
    line->value = value;
    line->value_bytes = bytes;
    return 0;
}

static int read_object(TALLOC_CTX *context, const cJSON *json, struct kt_store_line *line,
                       struct kt_error *error)
{
    const cJSON *head = cJSON_GetObjectItemCaseSensitive(json, "kontor_store");
    const char *counter = text_of(json, "counter"), *end = text_of(json, "end");
    if (head) {
        line->kind = KT_STORE_LINE_HEAD;
        if (cJSON_GetNumberValue(head) != KT_STORE_LINE_VERSION)
            return kt_error_set(error, -EINVAL, "this is no export of a version that is known");
        return 0;
    }
    if (end) {
        line->kind = KT_STORE_LINE_END;
        return read_number(end, &line->number, error);
    }
    int result = read_name(json, line, error);
    if (result < 0)
        return result;
    line->kind = counter ? KT_STORE_LINE_COUNTER : KT_STORE_LINE_DOCUMENT;
    return counter ? read_number(counter, &line->number, error)
                   : read_value(context, json, line, error);
}

int kt_store_line_read(TALLOC_CTX *context, const char *text, size_t bytes,
                       struct kt_store_line *ret_line, struct kt_error *error)
{
    cJSON *json = cJSON_ParseWithLength(text, bytes);
    *ret_line = (struct kt_store_line){.kind = KT_STORE_LINE_HEAD};
    int result = cJSON_IsObject(json) ? read_object(context, json, ret_line, error)
                                      : kt_error_set(error, -EINVAL, "the line is no JSON object");
    cJSON_Delete(json);
    return result;
}
