/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Query and form fields: one copy of the text, cut and decoded in place, and one list into it.
 */
#include "http/query.h"

#include "http/text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/** How many fields a text has at most. */
static size_t count_fields(const char *text, size_t size)
{
    size_t count = size > 0 ? 1 : 0;
    const char *end = text + size;
    while (size > 0 && (text = memchr(text, '&', (size_t)(end - text)))) {
        count++;
        text++;
    }
    return count;
}

/** Cut one field (NUL-terminated) and decode it. @return whether it is one */
static bool field_decode(char *text, struct kt_field *ret_field)
{
    static char nothing[] = "";
    char *value = strchr(text, '=');
    if (value)
        *value++ = '\0';
    else
        value = nothing;
    if (kt_form_decode(text) < 0 || (*value && kt_form_decode(value) < 0))
        return false;
    *ret_field = (struct kt_field){text, value};
    return true;
}

int kt_fields_parse(TALLOC_CTX *context, const char *text, size_t size,
                    struct kt_fields *ret_fields)
{
    *ret_fields = (struct kt_fields){NULL, 0};
    size_t count = count_fields(text, size);
    if (count == 0)
        return 0;
    bool is_cut = count > KT_QUERY_FIELDS_MAX;
    if (is_cut)
        count = KT_QUERY_FIELDS_MAX;
    struct kt_field *list = talloc_array(context, struct kt_field, (unsigned int)count);
    char *copy = list ? talloc_size(list, size + 1) : NULL;
    if (!copy) {
        talloc_free(list);
        return -ENOMEM;
    }
    memcpy(copy, text, size);
    copy[size] = '\0';
    ret_fields->list = list;
    char *at = copy, *end = copy + size;
    for (size_t seen = 0; seen < count && at < end; seen++) {
        char *stop = memchr(at, '&', (size_t)(end - at));
        if (!stop)
            stop = end;
        *stop = '\0';
        bool is_whole = strlen(at) == (size_t)(stop - at);
        if (*at && is_whole && field_decode(at, &list[ret_fields->count]))
            ret_fields->count++;
        at = stop + 1;
    }
    return is_cut ? -EMSGSIZE : 0;
}

const char *kt_fields_find(const struct kt_fields *fields, const char *name, size_t index)
{
    for (size_t i = 0; i < fields->count; i++)
        if (strcmp(fields->list[i].name, name) == 0 && index-- == 0)
            return fields->list[i].value;
    return NULL;
}
