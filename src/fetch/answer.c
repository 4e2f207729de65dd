/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Collecting an answer. Fields are kept as one run of strings: a look-up walks over it, which for
 * the few dozen fields of an answer is faster than anything that has to be built first.
 */
#include "fetch/answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/** The first room for a body; then it doubles. One whose length is told gets that at once, as far
 * as it may cost something when less is sent. */
#define BODY_FIRST 2048u
#define BODY_TOLD_MAX (256u << 10)

struct kt_answer *kt_answer_new(TALLOC_CTX *context, size_t size_max)
{
    struct kt_answer *answer = talloc_zero(context, struct kt_answer);
    if (answer)
        answer->size_max = size_max;
    return answer;
}

static int fail(struct kt_answer *answer, int failure)
{
    if (answer->failure == 0)
        answer->failure = failure;
    return answer->failure;
}

/* ---------------------------------------------------------------- the head */

static size_t trim(const char **text, size_t size)
{
    while (size > 0 && strchr(" \t\r\n", (*text)[size - 1]))
        size--;
    while (size > 0 && (**text == ' ' || **text == '\t')) {
        (*text)++;
        size--;
    }
    return size;
}

/** Keep a field; NULs inside are a lie about where it ends. */
static int add_field(struct kt_answer *answer, const char *name, size_t name_size,
                     const char *value, size_t value_size)
{
    if (answer->field_count == KT_HTTP_FIELDS_MAX || memchr(name, '\0', name_size) ||
        memchr(value, '\0', value_size))
        return fail(answer, -EPROTO);
    size_t size = answer->fields_size + name_size + value_size + 2;
    char *fields = talloc_realloc_size(answer, answer->fields, size);
    if (!fields)
        return fail(answer, -ENOMEM);
    char *end = fields + answer->fields_size;
    memcpy(end, name, name_size);
    end[name_size] = '\0';
    memcpy(end + name_size + 1, value, value_size);
    end[name_size + 1 + value_size] = '\0';
    answer->fields = fields;
    answer->fields_size = size;
    answer->field_count++;
    return 0;
}

int kt_answer_head(struct kt_answer *answer, const char *line, size_t size)
{
    answer->head_seen += size;
    if (answer->head_seen > KT_HTTP_HEAD_MAX)
        return fail(answer, -EPROTO);
    bool is_status = size >= 5 && memcmp(line, "HTTP/", 5) == 0;
    if (is_status) { /* also the one after an interim answer (1xx) */
        answer->is_head_over = false;
        answer->fields_size = 0;
        answer->field_count = 0;
        return 0;
    }
    if (size <= 2) /* the empty line */
        answer->is_head_over = true;
    const char *colon = memchr(line, ':', size), *value = colon ? colon + 1 : NULL;
    /* A line that begins with a blank continues the one before, as nobody should (RFC 9112, 5.2).
     */
    if (answer->is_head_over || !colon || colon == line || *line == ' ' || *line == '\t')
        return 0;
    size_t value_size = trim(&value, size - (size_t)(value - line));
    size_t name_size = trim(&line, (size_t)(colon - line));
    return add_field(answer, line, name_size, value, value_size);
}

const char *kt_http_answer_header(const struct kt_http_answer *seen, const char *name)
{
    const struct kt_answer *answer = (const struct kt_answer *)seen;
    const char *field = answer->fields, *end = field + answer->fields_size;
    while (field < end) {
        const char *value = field + strlen(field) + 1;
        if (strcasecmp(field, name) == 0)
            return value;
        field = value + strlen(value) + 1;
    }
    return NULL;
}

/* ---------------------------------------------------------------- the body */

/** The first room, with a byte for the NUL. A compressed body is longer than told. */
static size_t first_capacity(const struct kt_answer *answer)
{
    const char *text = kt_http_answer_header(&answer->seen, "Content-Length");
    unsigned long long length = text ? strtoull(text, NULL, 10) : 0;
    if (length < BODY_FIRST)
        return BODY_FIRST;
    return length < BODY_TOLD_MAX ? (size_t)length + 1 : BODY_TOLD_MAX;
}

int kt_answer_body(struct kt_answer *answer, const char *data, size_t size)
{
    size_t had = answer->seen.size;
    if (size > answer->size_max - had)
        return fail(answer, -EMSGSIZE);
    if (had + size >= answer->body_capacity) {
        size_t capacity =
            answer->body_capacity ? 2 * answer->body_capacity : first_capacity(answer);
        while (capacity <= had + size)
            capacity *= 2;
        if (capacity > answer->size_max + 1)
            capacity = answer->size_max + 1;
        char *body = talloc_realloc_size(answer, answer->body, capacity);
        if (!body)
            return fail(answer, -ENOMEM);
        answer->body = body;
        answer->body_capacity = capacity;
    }
    memcpy(answer->body + had, data, size);
    answer->seen.size += size;
    return 0;
}

int kt_answer_finish(struct kt_answer *answer, int status, const char *url)
{
    answer->seen.status = status;
    answer->seen.url = url;
    if (!url)
        return -ENOMEM;
    talloc_steal(answer, url);
    answer->seen.body = answer->body ? answer->body : "";
    if (answer->body)
        answer->body[answer->seen.size] = '\0';
    return 0;
}
