/* SPDX-License-Identifier: BSD-2-Clause */
/* Pieces of SQL go over as they are, except parameters: each name gets a number when it first
 * comes. */
#include "postgres_text.h"

#include "sql_text.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** "$64" */
#define NUMBER_MAX_BYTES 8

/** The index of a name, which is added if it is new. @return false: too many, or no memory */
static bool find_name(struct postgres_query *query, const char *name, size_t size,
                      size_t *ret_index)
{
    for (*ret_index = 0; *ret_index < query->name_count; (*ret_index)++)
        if (strlen(query->names[*ret_index]) == size &&
            memcmp(query->names[*ret_index], name, size) == 0)
            return true;
    if (query->name_count == POSTGRES_PARAMETERS_MAX)
        return false;
    query->names[query->name_count] = talloc_strndup(query, name, size);
    return query->names[query->name_count++];
}

struct postgres_query *postgres_rewrite(TALLOC_CTX *context, const char *sql)
{
    struct postgres_query *query = talloc_zero(context, struct postgres_query);
    size_t size = strlen(sql) + 1, index;
    struct sql_piece piece;
    /* ":a" becomes "$64" at most: no piece grows by more than a byte */
    for (const char *cursor = sql; (piece = sql_next(&cursor)).kind != SQL_END;)
        size += piece.kind == SQL_PARAMETER ? NUMBER_MAX_BYTES : 0;
    char *text = query ? talloc_size(query, size) : NULL, *at = text;
    if (!text) {
        talloc_free(query);
        return NULL;
    }
    for (const char *cursor = sql; (piece = sql_next(&cursor)).kind != SQL_END;) {
        if (piece.kind != SQL_PARAMETER) {
            memcpy(at, piece.text, piece.size);
            at += piece.size;
            continue;
        }
        if (!find_name(query, piece.text + 1, piece.size - 1, &index)) {
            talloc_free(query);
            return NULL;
        }
        at += sprintf(at, "$%zu", index + 1);
    }
    *at = '\0';
    query->sql = text;
    return query;
}

unsigned postgres_line_of(const struct postgres_query *query, size_t position)
{
    const char *at = query->sql;
    for (size_t character = 1; *at && character < position; character++) {
        at++;
        while (((unsigned char)*at & 0xc0) == 0x80)
            at++;
    }
    return sql_lines_before(query->sql, at);
}

const char *postgres_name_in(const struct postgres_query *query, const char *message,
                             unsigned *ret_lines)
{
    const char *dollar = strchr(message, '$');
    unsigned long number = dollar ? strtoul(dollar + 1, NULL, 10) : 0;
    struct sql_piece piece;
    for (const char *cursor = query->sql; (piece = sql_next(&cursor)).kind != SQL_END;) {
        if (piece.kind != SQL_POSITION || strtoul(piece.text + 1, NULL, 10) != number)
            continue;
        *ret_lines = sql_lines_before(query->sql, piece.text);
        return number > 0 && number <= query->name_count ? query->names[number - 1] : NULL;
    }
    return NULL;
}

/** A JSON array of texts as the literal of an array: {"a","b"}. */
static const char *make_array(TALLOC_CTX *context, const char *json)
{
    cJSON *array = cJSON_Parse(json), *one;
    /* every byte may be escaped, and each element has quotes and a comma */
    char *text = talloc_size(context, 2 * strlen(json) + 3), *at = text;
    if (!array || !text) {
        cJSON_Delete(array);
        return NULL;
    }
    *at++ = '{';
    cJSON_ArrayForEach(one, array)
    {
        if (one != array->child)
            *at++ = ',';
        *at++ = '"';
        for (const char *sign = cJSON_GetStringValue(one); sign && *sign; sign++) {
            if (*sign == '"' || *sign == '\\')
                *at++ = '\\';
            *at++ = *sign;
        }
        *at++ = '"';
    }
    *at++ = '}';
    *at = '\0';
    cJSON_Delete(array);
    return text;
}

int postgres_bind(TALLOC_CTX *context, const struct postgres_query *query,
                  const struct bound *bound, size_t bound_count, const char **ret_values,
                  struct kt_error *error)
{
    for (size_t i = 0; i < query->name_count; i++) {
        size_t index = 0;
        while (index < bound_count && strcmp(bound[index].name, query->names[i]) != 0)
            index++;
        if (index == bound_count)
            return kt_error_set(error, -EINVAL, "nothing is given for the parameter :%s",
                                query->names[i]);
        ret_values[i] = bound[index].value;
        if (ret_values[i] && bound[index].type == PARAMETER_CHOICES) {
            ret_values[i] = make_array(context, ret_values[i]);
            if (!ret_values[i])
                return kt_error_set(error, -ENOMEM, "out of memory");
        }
    }
    return 0;
}
