/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fields of a query string or an application/x-www-form-urlencoded body: name=value&name=value.
 */
#ifndef KT_QUERY_H
#define KT_QUERY_H

#include <stddef.h>
#include <talloc.h>

/** How many fields are looked at; a form of people has dozens. */
#define KT_QUERY_FIELDS_MAX 1000u

struct kt_field {
    const char *name, *value;
};

/** Decoded fields, in their order. */
struct kt_fields {
    struct kt_field *list;
    size_t count;
};

/**
 * Parse and decode. A field without '=' has the value "". Fields that hold a NUL are left out.
 * @param text        not NUL-terminated; an embedded NUL ends a field's text like "%00"
 * @param ret_fields  its list is owned by context
 * @return 0, -EMSGSIZE (more than KT_QUERY_FIELDS_MAX; the first ones are there), -ENOMEM
 */
int kt_fields_parse(TALLOC_CTX *context, const char *text, size_t size,
                    struct kt_fields *ret_fields);

/** The value of the index-th field of this name, or NULL. */
const char *kt_fields_find(const struct kt_fields *fields, const char *name, size_t index);

#endif
