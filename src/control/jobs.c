/* SPDX-License-Identifier: BSD-2-Clause */
/* Asking a worker that serves for the jobs, and showing them as a table. */
#include "config.h"

#include "control/jobs.h"

#include "control/client.h"
#include "control/protocol.h"
#include "control/table.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(object, name));
    return text != NULL ? text : "";
}

static double number_of(const cJSON *object, const char *name)
{
    double number = cJSON_GetNumberValue(cJSON_GetObjectItem(object, name));
    return isnan(number) ? 0 : number;
}

/* ---------------------------------------------------------------- asking */

/** Ask the first worker that answers. @return as kt_client_ask; -ENOENT when none serves */
static int ask_worker(const struct kt_jobs_command *command, const char *question,
                      cJSON **ret_answer)
{
    cJSON *status, *worker;
    int result = kt_client_ask(command->run_dir, KT_CONTROL_MASTER, KT_CONTROL_STATUS,
                               command->timeout_ms, &status);
    if (result < 0)
        return result;
    result = -ETIMEDOUT;
    cJSON_ArrayForEach(worker, cJSON_GetObjectItem(status, "workers"))
    {
        const char *name = text_of(worker, "control");
        if (strcmp(text_of(worker, "state"), "serving") != 0 || *name == '\0' ||
            strchr(name, '/') != NULL)
            continue;
        result = kt_client_ask(command->run_dir, name, question, command->timeout_ms, ret_answer);
        if (result == 0)
            break;
    }
    cJSON_Delete(status);
    return result;
}

/* ---------------------------------------------------------------- showing */

static int compare(const void *left, const void *right)
{
    const cJSON *a = *(const cJSON *const *)left, *b = *(const cJSON *const *)right;
    int result = strcmp(text_of(a, "realm"), text_of(b, "realm"));
    return result != 0 ? result : strcmp(text_of(a, "id"), text_of(b, "id"));
}

/** The jobs of a plugin, or of all, by realm and id. @return by malloc, NULL: no memory */
static const cJSON **sort(const cJSON *jobs, const char *plugin, size_t *ret_count)
{
    size_t count = 0, size = (size_t)cJSON_GetArraySize(jobs);
    const cJSON **sorted = calloc(size + 1, sizeof(*sorted));
    const cJSON *job;
    if (sorted == NULL)
        return NULL;
    cJSON_ArrayForEach(job, jobs)
    {
        if (plugin == NULL || strcmp(text_of(job, "plugin"), plugin) == 0)
            sorted[count++] = job;
    }
    qsort(sorted, count, sizeof(*sorted), compare);
    *ret_count = count;
    return sorted;
}

static void duration_text(double ms, char *text, size_t size)
{
    double seconds = ms / 1000;
    if (seconds < 0)
        seconds = 0;
    if (seconds < 120)
        snprintf(text, size, "%.0fs", seconds);
    else if (seconds < 7200)
        snprintf(text, size, "%.0fmin", seconds / 60);
    else
        snprintf(text, size, "%.0fh", seconds / 3600);
}

/** What is of interest in this state. */
static void progress_text(const cJSON *job, double now_ms, char *text, size_t size)
{
    const char *state = text_of(job, "state");
    char time[32];
    double total = number_of(job, "total");
    if (strcmp(state, "queued") == 0 && number_of(job, "position") > 0) {
        snprintf(text, size, "number %.0f", number_of(job, "position"));
    } else if (strcmp(state, "running") == 0 && total > 0) {
        snprintf(text, size, "%s %d %%", text_of(job, "phase"),
                 (int)(100 * number_of(job, "done") / total));
    } else if (strcmp(state, "running") == 0 && number_of(job, "done") > 0) {
        snprintf(text, size, "%s %.0f", text_of(job, "phase"), number_of(job, "done"));
    } else if (strcmp(state, "running") == 0) {
        snprintf(text, size, "%s", text_of(job, "phase"));
    } else if (strcmp(state, "ready") == 0) {
        duration_text(number_of(job, "expires_ms") - now_ms, time, sizeof(time));
        snprintf(text, size, "%.1f MB, %s left", number_of(job, "result_bytes") / 1e6, time);
    } else {
        snprintf(text, size, "%s", text_of(job, "reason"));
    }
}

static void print_table(const cJSON *answer, const char *plugin)
{
    static const char *const headings[] = {"realm", "id",  ">age",  "state",
                                           "about", "who", "title", NULL};
    size_t count = 0;
    double now_ms = number_of(answer, "now_ms");
    const cJSON **jobs = sort(cJSON_GetObjectItem(answer, "jobs"), plugin, &count);
    struct kt_table *table = kt_table_new(headings);
    if (jobs == NULL || table == NULL || count == 0) {
        if (count == 0)
            printf("no %s\n", plugin != NULL ? plugin : "jobs");
        else
            puts("out of memory");
        free(table);
        free(jobs);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        char age[32], about[192];
        duration_text(now_ms - number_of(jobs[i], "queued_ms"), age, sizeof(age));
        progress_text(jobs[i], now_ms, about, sizeof(about));
        kt_table_cell(table, "%s", text_of(jobs[i], "realm"));
        kt_table_cell(table, "%s", text_of(jobs[i], "id"));
        kt_table_cell(table, "%s", age);
        kt_table_cell(table, "%s", text_of(jobs[i], "state"));
        kt_table_cell(table, "%s", about);
        kt_table_cell(table, "%s", text_of(jobs[i], "who"));
        kt_table_cell(table, "%s", text_of(jobs[i], "title"));
    }
    kt_table_print(table, 0, stdout);
    free(jobs);
}

/** The same as JSON, in the order of the table. */
static void print_json(const cJSON *answer, const char *plugin)
{
    size_t count = 0;
    const cJSON **jobs = sort(cJSON_GetObjectItem(answer, "jobs"), plugin, &count);
    cJSON *document = cJSON_CreateObject();
    cJSON *array = cJSON_AddArrayToObject(document, "jobs");
    for (size_t i = 0; jobs != NULL && i < count; i++)
        cJSON_AddItemToArray(array, cJSON_Duplicate(jobs[i], true));
    char *text = cJSON_Print(document);
    if (text != NULL)
        puts(text);
    cJSON_free(text);
    cJSON_Delete(document);
    free(jobs);
}

int kt_jobs_command(const struct kt_jobs_command *command)
{
    char question[KT_CONTROL_LINE_MAX] = KT_CONTROL_JOBS;
    cJSON *answer = NULL;
    int status = EXIT_SUCCESS;
    if (command->order != NULL) {
        int length = snprintf(question, sizeof(question), KT_CONTROL_JOBS " %s %s %s",
                              command->order, command->realm, command->id);
        if (length < 0 || (size_t)length + 1 >= sizeof(question) ||
            strpbrk(command->realm, " \n") != NULL || strpbrk(command->id, " \n") != NULL) {
            fprintf(stderr, "kontorctl: there is no such job\n");
            return EXIT_FAILURE;
        }
    }
    int result = ask_worker(command, question, &answer);
    if (result < 0)
        return result;
    if (command->order == NULL && command->is_json) {
        print_json(answer, command->plugin);
    } else if (command->order == NULL) {
        print_table(answer, command->plugin);
    } else if (!cJSON_IsTrue(cJSON_GetObjectItem(answer, "ok"))) {
        fprintf(stderr, "kontorctl: %s\n", text_of(answer, "error"));
        status = EXIT_FAILURE;
    }
    cJSON_Delete(answer);
    return status;
}
