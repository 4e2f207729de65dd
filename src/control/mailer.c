/* SPDX-License-Identifier: BSD-2-Clause */
/* Each worker has its share of the sleepers; what is shown is all of them. */
#include "config.h"

#include "control/mailer.h"

#include "control/client.h"
#include "control/protocol.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STATUS KT_CONTROL_ASK " mailer status"

static double number_of(const cJSON *object, const char *name)
{
    double number = cJSON_GetNumberValue(cJSON_GetObjectItem(object, name));
    return isnan(number) ? 0 : number;
}

/** The socket of a worker that serves, or NULL. */
static const char *socket_of(const cJSON *worker)
{
    const char *state = cJSON_GetStringValue(cJSON_GetObjectItem(worker, "state"));
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(worker, "control"));
    bool serves = state != NULL && strcmp(state, "serving") == 0 && name != NULL && *name != '\0';
    return serves && strchr(name, '/') == NULL ? name : NULL;
}

static void add_up(cJSON *sum, const cJSON *answer)
{
    static const char *const names[] = {"sleepers", "waiting",     "sending", "sent",
                                        "failed",   "tried_again", "skipped", "connections"};
    for (size_t index = 0; index < sizeof(names) / sizeof(names[0]); index++) {
        double number = number_of(sum, names[index]) + number_of(answer, names[index]);
        cJSON_DeleteItemFromObject(sum, names[index]);
        cJSON_AddNumberToObject(sum, names[index], number);
    }
    double next = number_of(answer, "next_wake_ms"), first = number_of(sum, "next_wake_ms");
    if (next > 0 && (first <= 0 || next < first)) {
        cJSON_DeleteItemFromObject(sum, "next_wake_ms");
        cJSON_AddNumberToObject(sum, "next_wake_ms", next);
    }
}

static void print_sum(const cJSON *sum)
{
    char when[64] = "never";
    time_t next = (time_t)(number_of(sum, "next_wake_ms") / 1000);
    struct tm local;
    if (next > 0 && localtime_r(&next, &local) != NULL)
        strftime(when, sizeof(when), "%a %Y-%m-%d %H:%M:%S %Z", &local);
    printf("asleep       %.0f\n", number_of(sum, "sleepers"));
    printf("next wake    %s\n", when);
    printf("waiting      %.0f\n", number_of(sum, "waiting"));
    printf("sending      %.0f\n", number_of(sum, "sending"));
    printf("sent         %.0f\n", number_of(sum, "sent"));
    printf("tried again  %.0f\n", number_of(sum, "tried_again"));
    printf("given up     %.0f\n", number_of(sum, "failed"));
    printf("skipped      %.0f\n", number_of(sum, "skipped"));
    printf("connections  %.0f\n", number_of(sum, "connections"));
}

/** Show what a worker says that is no status. @return the exit status */
static int tell(const cJSON *answer)
{
    const char *why = cJSON_GetStringValue(cJSON_GetObjectItem(answer, "error"));
    if (why == NULL)
        return EXIT_SUCCESS;
    fprintf(stderr, "kontorctl: %s\n", why);
    return EXIT_FAILURE;
}

static int show(const struct kt_mailer_command *command, const cJSON *workers)
{
    const cJSON *worker;
    cJSON *sum = cJSON_CreateObject();
    int result = -ETIMEDOUT, status = EXIT_SUCCESS;
    cJSON_ArrayForEach(worker, workers)
    {
        cJSON *answer = NULL;
        if (socket_of(worker) == NULL)
            continue;
        if (kt_client_ask(command->run_dir, socket_of(worker), STATUS, command->timeout_ms,
                          &answer) < 0)
            continue;
        result = 0;
        if (status == EXIT_SUCCESS)
            status = tell(answer);
        add_up(sum, answer);
        cJSON_Delete(answer);
    }
    if (result == 0 && status == EXIT_SUCCESS && command->is_json) {
        char *text = cJSON_PrintUnformatted(sum);
        puts(text != NULL ? text : "{}");
        cJSON_free(text);
    } else if (result == 0 && status == EXIT_SUCCESS) {
        print_sum(sum);
    }
    cJSON_Delete(sum);
    return result < 0 ? result : status;
}

static int order(const struct kt_mailer_command *command, const cJSON *workers)
{
    char question[KT_CONTROL_LINE_MAX];
    const cJSON *worker;
    cJSON *answer = NULL;
    int result = -ETIMEDOUT;
    int length =
        snprintf(question, sizeof(question), KT_CONTROL_ASK " mailer send %s", command->user);
    if (length < 0 || (size_t)length + 1 >= sizeof(question) || strchr(command->user, '\n')) {
        fprintf(stderr, "kontorctl: '%.40s' is no user\n", command->user);
        return EXIT_FAILURE;
    }
    cJSON_ArrayForEach(worker, workers)
    {
        if (socket_of(worker) == NULL)
            continue;
        /* only the first: another one might send it again */
        result = kt_client_ask(command->run_dir, socket_of(worker), question, command->timeout_ms,
                               &answer);
        break;
    }
    if (result == 0)
        result = tell(answer);
    if (result == EXIT_SUCCESS && command->is_json)
        puts("{\"ok\":true}");
    else if (result == EXIT_SUCCESS)
        puts("sent");
    cJSON_Delete(answer);
    return result;
}

int kt_mailer_command(const struct kt_mailer_command *command)
{
    cJSON *status;
    int result = kt_client_ask(command->run_dir, KT_CONTROL_MASTER, KT_CONTROL_STATUS,
                               command->timeout_ms, &status);
    if (result < 0)
        return result;
    const cJSON *workers = cJSON_GetObjectItem(status, "workers");
    result = command->user != NULL ? order(command, workers) : show(command, workers);
    cJSON_Delete(status);
    return result;
}
