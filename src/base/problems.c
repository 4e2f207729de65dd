/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A list of things that are wrong. Knows nothing of what was checked.
 */
#include "base/problems.h"

#include "base/log.h"

struct kt_problems {
    size_t count; /**< all; the first KT_PROBLEMS_MAX of them are in texts */
    char *texts[KT_PROBLEMS_MAX];
};

struct kt_problems *kt_problems_new(TALLOC_CTX *context)
{
    return talloc_zero(context, struct kt_problems);
}

void kt_problem_add(struct kt_problems *problems, const char *format, ...)
{
    size_t index = problems->count++;
    if (index >= KT_PROBLEMS_MAX)
        return;
    va_list arguments;
    va_start(arguments, format);
    problems->texts[index] = talloc_vasprintf(problems, format, arguments);
    va_end(arguments);
}

size_t kt_problems_count(const struct kt_problems *problems)
{
    return problems->count;
}

const char *kt_problems_text(const struct kt_problems *problems, size_t index)
{
    if (index >= problems->count || index >= KT_PROBLEMS_MAX)
        return NULL;
    return problems->texts[index] != NULL ? problems->texts[index] : "out of memory";
}

void kt_problems_log(const struct kt_problems *problems, enum kt_log_level level)
{
    const char *text;
    for (size_t i = 0; (text = kt_problems_text(problems, i)) != NULL; i++)
        kt_log(level, "%s", text);
    if (problems->count > KT_PROBLEMS_MAX)
        kt_log(level, "and %zu more", problems->count - KT_PROBLEMS_MAX);
}
