/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers are added up by their names; a list of numbers, number by number. */
#include "report.h"

#include <kontor/observe.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double number(const cJSON *object, const char *name)
{
    double value = cJSON_GetNumberValue(cJSON_GetObjectItem(object, name));
    return isnan(value) ? 0 : value;
}

/** Add one sample to another of the same time. */
static void add_sample(cJSON *to, const cJSON *from)
{
    cJSON *field;
    cJSON_ArrayForEach(field, to)
    {
        const cJSON *other = cJSON_GetObjectItem(from, field->string);
        if (strcmp(field->string, "time_ms") == 0 || !other)
            continue;
        if (cJSON_IsNumber(field))
            cJSON_SetNumberValue(field, field->valuedouble + other->valuedouble);
        cJSON *one = field->child;
        for (const cJSON *more = other->child; one && more; one = one->next, more = more->next)
            cJSON_SetNumberValue(one, one->valuedouble + more->valuedouble);
    }
}

static int compare_time(const void *left, const void *right)
{
    double a = number(*(const cJSON *const *)left, "time_ms");
    double b = number(*(const cJSON *const *)right, "time_ms");
    return (a > b) - (a < b);
}

cJSON *report_add_up(const cJSON *answers, int64_t before_ms)
{
    const cJSON *answer, *sample;
    size_t count = 0, used = 0;
    cJSON *sum = cJSON_CreateArray();
    cJSON_ArrayForEach(answer, answers) count +=
        (size_t)cJSON_GetArraySize(cJSON_GetObjectItem(answer, "samples"));
    const cJSON **all = calloc(count + 1, sizeof *all);
    if (!all)
        return sum;
    cJSON_ArrayForEach(answer, answers)
    {
        cJSON_ArrayForEach(sample, cJSON_GetObjectItem(answer, "samples")) all[used++] = sample;
    }
    qsort(all, used, sizeof *all, compare_time);
    cJSON *last = NULL;
    for (size_t i = 0; i < used && number(all[i], "time_ms") < (double)before_ms; i++) {
        if (last && number(last, "time_ms") == number(all[i], "time_ms")) {
            add_sample(last, all[i]);
            continue;
        }
        last = cJSON_Duplicate(all[i], true);
        cJSON_AddItemToArray(sum, last);
    }
    free(all);
    return sum;
}

cJSON *report_bounds(void)
{
    double bounds_ms[KT_OBSERVED_DURATIONS];
    cJSON *array = cJSON_CreateArray();
    kt_observe_bounds(bounds_ms);
    for (size_t i = 0; i < KT_OBSERVED_DURATIONS; i++)
        cJSON_AddItemToArray(array, bounds_ms[i] > 0 ? cJSON_CreateNumber(bounds_ms[i])
                                                     : cJSON_CreateNull());
    return array;
}
