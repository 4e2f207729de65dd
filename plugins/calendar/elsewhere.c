/* SPDX-License-Identifier: BSD-2-Clause */
/* Each of them is a server of this worker that is asked with {"user"}. */
#include "elsewhere.h"

#include "mailer/desk.h"
#include "reports/forget.h"

#include <cjson/cJSON.h>
#include <kontor/log.h>
#include <kontor/process.h>
#include <string.h>

/** How long a person waits for one of them. */
#define CALL_MS 20000

static const struct {
    const char *server;
    uint32_t question, done;
    const char *words;
} keepers[] = {
    {KT_DESK_SERVER, KT_DESK_FORGET, KT_DESK_DONE, "the weekly mail"},
    {REPORTS_FORGET_SERVER, REPORTS_FORGET, REPORTS_FORGET_DONE, "reports"},
};
#define KEEPERS (sizeof(keepers) / sizeof(keepers[0]))

/** The question; owned by the calling process. */
static const char *write_question(const char *user)
{
    cJSON *question = kt_must(cJSON_CreateObject());
    char *text;
    const char *copy;

    kt_must(cJSON_AddStringToObject(question, "user", user));
    text = kt_must(cJSON_PrintUnformatted(question));
    copy = kt_must(talloc_strdup(kt_self_memory(), text));
    cJSON_free(text);
    cJSON_Delete(question);
    return copy;
}

const char *kt_elsewhere_forget(const char *user)
{
    const char *question = write_question(user);

    for (size_t index = 0; index < KEEPERS; index++) {
        kt_pid server = kt_whereis(keepers[index].server);
        const struct kt_message *reply;
        int result;

        if (server == KT_PID_NONE)
            continue; /* the plugin isn't loaded */
        result =
            kt_call(server, keepers[index].question, question, strlen(question), CALL_MS, &reply);
        if (result < 0)
            kt_log_warning("%s can't be asked to forget a person: %s", keepers[index].words,
                           strerror(-result));
        if (result < 0 || reply->type != keepers[index].done)
            return keepers[index].words;
    }
    return NULL;
}
