/* SPDX-License-Identifier: BSD-2-Clause */
/* One pass over the text for each item of a section; the stack of data is the recursion's. */
#include "template.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_BYTES 64u

struct render {
    const char *text; /* the beginning, for the number of a line */
    enum kt_template_escape escape;
    char *result;
    size_t size, capacity;
    struct kt_error *error;
};

struct scope {
    const cJSON *data;
    const struct scope *outer;
    unsigned depth;
};

/** A mark such as {{#days}}; first and end are where it begins and ends in the text. */
struct mark {
    char kind; /* '#', '^', '/', or 0 for a value */
    char name[NAME_MAX_BYTES + 1];
    const char *first, *end;
};

static int complain(const struct render *render, const char *at, const char *what)
{
    unsigned line = 1;

    for (const char *byte = render->text; byte < at; byte++)
        line += *byte == '\n';
    return kt_error_set(render->error, -EBADMSG, "line %u of the template: %s", line, what);
}

static int append(struct render *render, const char *bytes, size_t size)
{
    if (render->size + size > KT_TEMPLATE_RESULT_MAX)
        return kt_error_set(render->error, -E2BIG, "the text would be too long");
    if (render->size + size + 1 > render->capacity) {
        size_t capacity = 2 * (render->size + size) + 256;
        char *result = talloc_realloc(NULL, render->result, char, (unsigned)capacity);

        if (!result)
            return -ENOMEM;
        render->result = result;
        render->capacity = capacity;
    }
    memcpy(render->result + render->size, bytes, size);
    render->size += size;
    render->result[render->size] = 0;
    return 0;
}

static const char *entity(char byte)
{
    switch (byte) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '&':
        return "&amp;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/** What stands for a byte in the result; NULL: the byte itself. */
static const char *replacement_of(const struct render *render, char byte)
{
    if ((unsigned char)byte < ' ' || byte == 0x7f)
        return " ";
    return render->escape == KT_TEMPLATE_HTML ? entity(byte) : NULL;
}

static int append_escaped(struct render *render, const char *text)
{
    const char *plain = text; /* from here on nothing had to be replaced */
    int result = 0;

    for (; *text && result == 0; text++) {
        const char *replacement = replacement_of(render, *text);

        if (!replacement)
            continue;
        result = append(render, plain, (size_t)(text - plain));
        if (result == 0)
            result = append(render, replacement, strlen(replacement));
        plain = text + 1;
    }
    return result < 0 ? result : append(render, plain, (size_t)(text - plain));
}

static int append_value(struct render *render, const cJSON *value)
{
    char number[32];

    if (cJSON_IsString(value))
        return append_escaped(render, value->valuestring);
    if (!cJSON_IsNumber(value))
        return 0;
    snprintf(number, sizeof(number), "%.10g", value->valuedouble);
    return append_escaped(render, number);
}

static const cJSON *look_up(const struct scope *scope, const char *name)
{
    if (strcmp(name, ".") == 0)
        return scope->data;
    for (; scope; scope = scope->outer) {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(scope->data, name);

        if (value)
            return value;
    }
    return NULL;
}

static bool is_there(const cJSON *value)
{
    if (cJSON_IsArray(value))
        return value->child != NULL;
    if (cJSON_IsString(value))
        return *value->valuestring != 0;
    if (cJSON_IsNumber(value))
        return value->valuedouble < 0 || value->valuedouble > 0;
    return cJSON_IsTrue(value) || cJSON_IsObject(value);
}

/** If a section's mark is alone on its line, the whole line belongs to it. */
static void widen(const char *text, struct mark *mark)
{
    const char *first = mark->first, *end = mark->end;

    while (first > text && (first[-1] == ' ' || first[-1] == '\t'))
        first--;
    while (*end == ' ' || *end == '\t')
        end++;
    if ((first > text && first[-1] != '\n') || *end != '\n')
        return;
    mark->first = first;
    mark->end = end + 1;
}

/** The next two of a brace, as strstr does, which looks further for what is that short. */
static const char *find_braces(const char *at, char brace)
{
    while ((at = strchr(at, brace)) && at[1] != brace)
        at++;
    return at;
}

/** The next mark from here on. @return 1, 0: there is none, or an error */
static int find_mark(const struct render *render, const char *at, struct mark *ret_mark)
{
    const char *open = find_braces(at, '{'), *close, *name;
    size_t length;

    if (!open)
        return 0;
    close = find_braces(open, '}');
    if (!close)
        return complain(render, open, "{{ without }}");
    name = open + 2;
    ret_mark->kind = strchr("#^/", *name) ? *name++ : 0;
    length = (size_t)(close - name);
    if (length == 0 || length > NAME_MAX_BYTES)
        return complain(render, open, "a name is missing, or too long");
    memcpy(ret_mark->name, name, length);
    ret_mark->name[length] = 0;
    ret_mark->first = open;
    ret_mark->end = close + 2;
    if (ret_mark->kind)
        widen(render->text, ret_mark);
    return 1;
}

/** The mark that closes a section, whose text begins at `at`. */
static int find_close(const struct render *render, const char *at, const struct mark *open,
                      struct mark *ret_close)
{
    unsigned depth = 1;

    for (;;) {
        int result = find_mark(render, at, ret_close);

        if (result < 0)
            return result;
        if (result == 0)
            return complain(render, open->first, "a section is not closed");
        depth += ret_close->kind == '#' || ret_close->kind == '^';
        depth -= ret_close->kind == '/';
        if (depth == 0)
            break;
        at = ret_close->end;
    }
    if (strcmp(open->name, ret_close->name) != 0)
        return complain(render, ret_close->first, "this closes another section than the last");
    return 0;
}

static int render_range(struct render *render, const char *at, const char *end,
                        const struct scope *scope);

static int render_section(struct render *render, const struct mark *open, const struct mark *close,
                          const struct scope *scope)
{
    const cJSON *value = look_up(scope, open->name);
    struct scope inner = {.data = value, .outer = scope, .depth = scope->depth + 1};
    int result = 0;

    if (inner.depth > KT_TEMPLATE_DEPTH_MAX)
        return kt_error_set(render->error, -E2BIG, "sections are nested too deeply");
    if (is_there(value) == (open->kind == '^'))
        return 0;
    if (open->kind == '^' || !cJSON_IsArray(value))
        return render_range(render, open->end, close->first, &inner);
    for (inner.data = value->child; inner.data && result == 0; inner.data = inner.data->next)
        result = render_range(render, open->end, close->first, &inner);
    return result;
}

static int render_range(struct render *render, const char *at, const char *end,
                        const struct scope *scope)
{
    struct mark mark, close;

    for (;;) {
        int result = find_mark(render, at, &mark);

        if (result < 0)
            return result;
        if (result == 0 || mark.first >= end)
            return append(render, at, (size_t)(end - at));
        result = append(render, at, (size_t)(mark.first - at));
        at = mark.end;
        if (result == 0 && mark.kind == '/')
            result = complain(render, mark.first, "this closes no section");
        else if (result == 0 && mark.kind == 0)
            result = append_value(render, look_up(scope, mark.name));
        else if (result == 0)
            result = find_close(render, at, &mark, &close);
        if (result == 0 && mark.kind) {
            result = render_section(render, &mark, &close, scope);
            at = close.end;
        }
        if (result < 0)
            return result;
    }
}

int kt_template_render(TALLOC_CTX *context, const char *text, const cJSON *data,
                       enum kt_template_escape escape, char **ret_result, struct kt_error *error)
{
    size_t size = strlen(text);
    struct render render = {
        .text = text, .escape = escape, .capacity = 2 * size + 256, .error = error};
    struct scope scope = {.data = data};
    int result;

    render.result = talloc_array(context, char, (unsigned)render.capacity);
    if (!render.result)
        return -ENOMEM;
    *render.result = 0;
    result = render_range(&render, text, text + size, &scope);
    if (result < 0)
        talloc_free(render.result);
    else
        *ret_result = render.result;
    return result;
}
